// The greedy matching of COCO's evaluation: one class of one picture, all size ranges and all thresholds.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "tasks/detection/data/coco_annotations.hpp"
#include "tasks/detection/data/coco_eval.hpp"

namespace grapnel::detection::data {

constexpr size_t kCocoThresholds = 10;  // IoU 0.50, 0.55, ..., 0.95
constexpr size_t kCocoAreas = 4;        // all, small, medium, large

// How one detection fared: a bit a threshold, for each size range.
struct CocoMark {
  std::array<uint16_t, kCocoAreas> matched{};  // it has a ground truth
  std::array<uint16_t, kCocoAreas> ignored{};  // and does not count either way
};

class CocoMatcher {
 public:
  explicit CocoMatcher(const std::array<double, kCocoThresholds>& thresholds) : thresholds_(thresholds) {}

  // `found` best first. Appends a mark for each of them to `marks`, and adds the ground truth that counts in
  // each size range to `counted`.
  void match(const std::vector<const CocoAnnotation*>& truth, const std::vector<const CocoDetection*>& found,
             std::vector<CocoMark>& marks, std::array<size_t, kCocoAreas>& counted);

 private:
  void fill_overlaps(const std::vector<const CocoAnnotation*>& truth,
                     const std::vector<const CocoDetection*>& found);
  void match_area(const std::vector<const CocoAnnotation*>& truth, size_t area, CocoMark* marks);

  std::array<double, kCocoThresholds> thresholds_;
  // Kept from cell to cell.
  std::vector<double> overlaps_;      // [detections, truth]
  std::vector<uint32_t> candidates_;  // detections that reach the lowest threshold with any truth
  std::vector<uint32_t> order_;       // of the truth: what counts first
  std::vector<uint8_t> skip_;         // of the truth: does not count
  std::vector<uint8_t> taken_;
};

}  // namespace grapnel::detection::data
