// Precision and recall of one class, accumulated over all pictures as pycocotools does: precision made
// monotone and read at 101 recalls, for every size range and limit of detections a picture.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "tasks/detection/data/coco_match.hpp"

namespace grapnel::detection::data {

constexpr size_t kCocoRecalls = 101;  // recall 0, 0.01, ..., 1
constexpr size_t kCocoLimits = 3;     // of detections a picture

struct CocoCurve {
  bool defined = false;  // false: no ground truth
  std::array<std::array<double, kCocoRecalls>, kCocoThresholds> precision{};
  std::array<double, kCocoThresholds> recall{};
};

// One detection of the class, by picture and then best first.
struct CocoScored {
  double score;
  uint32_t rank;  // in its picture, from 0
};

using CocoClassCurves = std::array<std::array<CocoCurve, kCocoLimits>, kCocoAreas>;

CocoClassCurves accumulate_curves(const std::vector<CocoScored>& found, const std::vector<CocoMark>& marks,
                                  const std::array<size_t, kCocoAreas>& counted_truth,
                                  const std::array<size_t, kCocoLimits>& limits);

// NumPy's linspace, bit for bit: the thresholds decide which of two equal overlaps counts.
template <size_t N>
std::array<double, N> linspace(double first, double last) {
  std::array<double, N> values{};
  const double step = (last - first) / static_cast<double>(N - 1);
  for (size_t i = 0; i < N; ++i) values[i] = static_cast<double>(i) * step + first;
  values[N - 1] = last;
  return values;
}

}  // namespace grapnel::detection::data
