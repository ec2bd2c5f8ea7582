#include "tasks/detection/data/coco_match.hpp"

#include <algorithm>
#include <cmath>

namespace grapnel::detection::data {
namespace {

constexpr std::array<std::array<double, 2>, kCocoAreas> kAreaRanges = {
    {{0, 1e10}, {0, 32.0 * 32.0}, {32.0 * 32.0, 96.0 * 96.0}, {96.0 * 96.0, 1e10}}};
constexpr uint16_t kAllThresholds = (1U << kCocoThresholds) - 1;

bool outside(double area_px2, size_t area) {
  return area_px2 < kAreaRanges[area][0] || area_px2 > kAreaRanges[area][1];
}

double area_of(const CocoDetection& found) {
  return found.mask_area_px2.value_or(found.bbox_xywh_px[2] * found.bbox_xywh_px[3]);
}

// pycocotools' bbIou; against a crowd the union is the detection's own area.
double overlap(const std::array<double, 4>& found, const CocoAnnotation& truth) {
  const auto& box = truth.bbox_xywh_px;
  const double w = std::fmin(found[2] + found[0], box[2] + box[0]) - std::fmax(found[0], box[0]);
  if (w <= 0) return 0;
  const double h = std::fmin(found[3] + found[1], box[3] + box[1]) - std::fmax(found[1], box[1]);
  if (h <= 0) return 0;
  const double intersection = w * h;
  const double found_area = found[2] * found[3];
  const double united = truth.iscrowd ? found_area : found_area + box[2] * box[3] - intersection;
  return intersection / united;
}

}  // namespace

void CocoMatcher::match(const std::vector<const CocoAnnotation*>& truth,
                        const std::vector<const CocoDetection*>& found, std::vector<CocoMark>& marks,
                        std::array<size_t, kCocoAreas>& counted) {
  fill_overlaps(truth, found);
  const size_t first = marks.size();
  marks.resize(first + found.size());
  for (size_t area = 0; area < kCocoAreas; ++area) {
    skip_.resize(truth.size());
    for (size_t g = 0; g < truth.size(); ++g) {
      skip_[g] = truth[g]->iscrowd || outside(truth[g]->area_px2, area);
      counted[area] += skip_[g] == 0;
    }
    if (!candidates_.empty()) match_area(truth, area, marks.data() + first);
    for (size_t d = 0; d < found.size(); ++d) {
      CocoMark& mark = marks[first + d];
      if (outside(area_of(*found[d]), area)) {
        mark.ignored[area] |= static_cast<uint16_t>(~mark.matched[area] & kAllThresholds);
      }
    }
  }
}

void CocoMatcher::fill_overlaps(const std::vector<const CocoAnnotation*>& truth,
                                const std::vector<const CocoDetection*>& found) {
  overlaps_.resize(found.size() * truth.size());
  candidates_.clear();
  for (size_t d = 0; d < found.size(); ++d) {
    bool candidate = false;
    for (size_t g = 0; g < truth.size(); ++g) {
      const double iou = overlap(found[d]->bbox_xywh_px, *truth[g]);
      overlaps_[d * truth.size() + g] = iou;
      candidate |= !(iou < thresholds_[0]);  // so that a NaN matches, as in Python
    }
    if (candidate) candidates_.push_back(static_cast<uint32_t>(d));
  }
}

void CocoMatcher::match_area(const std::vector<const CocoAnnotation*>& truth, size_t area, CocoMark* marks) {
  order_.clear();
  for (const uint8_t wanted : {uint8_t{0}, uint8_t{1}}) {
    for (size_t g = 0; g < truth.size(); ++g) {
      if (skip_[g] == wanted) order_.push_back(static_cast<uint32_t>(g));
    }
  }
  for (size_t t = 0; t < kCocoThresholds; ++t) {
    const auto bit = static_cast<uint16_t>(1U << t);
    taken_.assign(truth.size(), 0);
    for (const uint32_t d : candidates_) {
      const double* overlaps = overlaps_.data() + d * truth.size();
      double best = std::min(thresholds_[t], 1 - 1e-10);
      int64_t chosen = -1;
      for (const uint32_t g : order_) {
        if (taken_[g] && !truth[g]->iscrowd) continue;
        // What is ignored comes last: a match that counts is never given up for one that does not.
        if (chosen >= 0 && !skip_[static_cast<size_t>(chosen)] && skip_[g]) break;
        if (overlaps[g] < best) continue;
        best = overlaps[g];
        chosen = g;
      }
      if (chosen < 0) continue;
      const auto g = static_cast<size_t>(chosen);
      if (skip_[g]) marks[d].ignored[area] |= bit;
      if (truth[g]->id != 0)
        marks[d].matched[area] |= bit;  // pycocotools keeps the id as the mark of a match
      taken_[g] = 1;
    }
  }
}

}  // namespace grapnel::detection::data
