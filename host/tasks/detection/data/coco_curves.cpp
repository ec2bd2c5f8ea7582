#include "tasks/detection/data/coco_curves.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

namespace grapnel::detection::data {
namespace {

// Recall and precision change their course at hits alone: a miss only lowers the precision, which the
// monotone curve never shows. So the curve is kept at the hits, and the values are those of the full one.
class CurveBuilder {
 public:
  void clear() {
    hits_.fill(0);
    misses_.fill(0);
    for (auto& precision : precision_at_hit_) precision.clear();
  }

  void add(uint16_t matched, uint16_t ignored) {
    for (size_t t = 0; t < kCocoThresholds; ++t) {
      const unsigned bit = 1U << t;
      if ((ignored & bit) != 0) continue;
      if ((matched & bit) == 0) {
        misses_[t] += 1;
        continue;
      }
      hits_[t] += 1;
      precision_at_hit_[t].push_back(hits_[t] / (misses_[t] + hits_[t] + kSpacing));
    }
  }

  CocoCurve finish(size_t counted_truth, const std::array<double, kCocoRecalls>& recalls) {
    CocoCurve curve;
    curve.defined = true;
    const auto truth = static_cast<double>(counted_truth);
    for (size_t t = 0; t < kCocoThresholds; ++t) {
      std::vector<double>& precision = precision_at_hit_[t];
      for (size_t i = precision.size(); i-- > 1;) precision[i - 1] = std::max(precision[i - 1], precision[i]);
      curve.recall[t] = hits_[t] / truth;
      size_t hit = 0;
      for (size_t r = 0; r < kCocoRecalls; ++r) {
        while (hit < precision.size() && static_cast<double>(hit + 1) / truth < recalls[r]) ++hit;
        if (hit == precision.size()) break;
        curve.precision[t][r] = precision[hit];
      }
    }
    return curve;
  }

 private:
  static constexpr double kSpacing = std::numeric_limits<double>::epsilon();
  std::array<double, kCocoThresholds> hits_{}, misses_{};
  std::array<std::vector<double>, kCocoThresholds> precision_at_hit_;
};

// Detections best first; equal scores keep their order.
std::vector<uint32_t> order_by_score(const std::vector<CocoScored>& found) {
  std::vector<std::pair<double, uint32_t>> keys(found.size());
  for (size_t i = 0; i < found.size(); ++i) keys[i] = {-found[i].score, static_cast<uint32_t>(i)};
  std::sort(keys.begin(), keys.end());
  std::vector<uint32_t> order(found.size());
  for (size_t i = 0; i < found.size(); ++i) order[i] = keys[i].second;
  return order;
}

}  // namespace

CocoClassCurves accumulate_curves(const std::vector<CocoScored>& found, const std::vector<CocoMark>& marks,
                                  const std::array<size_t, kCocoAreas>& counted_truth,
                                  const std::array<size_t, kCocoLimits>& limits) {
  static const auto kRecalls = linspace<kCocoRecalls>(0.0, 1.0);
  const std::vector<uint32_t> order = order_by_score(found);
  CocoClassCurves curves;
  CurveBuilder builder;
  for (size_t area = 0; area < kCocoAreas; ++area) {
    if (counted_truth[area] == 0) continue;
    for (size_t limit = 0; limit < kCocoLimits; ++limit) {
      builder.clear();
      for (const uint32_t at : order) {
        if (found[at].rank < limits[limit]) builder.add(marks[at].matched[area], marks[at].ignored[area]);
      }
      curves[area][limit] = builder.finish(counted_truth[area], kRecalls);
    }
  }
  return curves;
}

}  // namespace grapnel::detection::data
