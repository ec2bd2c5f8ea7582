// Arithmetic is in float and in the order of Megvii's, so that costs round, and so tie, as theirs do.
#include "tasks/detection/simota.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

namespace grapnel::detection {
namespace {

constexpr float kCentreRadius = 1.5F;  // cells
constexpr float kIouCostWeight = 3.0F;
constexpr float kOutOfCentreCost = 1e6F;
constexpr float kIouEpsilon = 1e-8F;
constexpr size_t kIousForDynamicK = 10;
constexpr float kLargestLogCost =
    100.0F;  // PyTorch's binary cross entropy never takes a logarithm below -100

float sigmoid(float x) { return 1.0F / (1.0F + std::exp(-x)); }

float iou_cxcywh(const TruthBox& truth, const float* box) {
  const float left = std::max(truth.cx - truth.w / 2, box[0] - box[2] / 2);
  const float top = std::max(truth.cy - truth.h / 2, box[1] - box[3] / 2);
  const float right = std::min(truth.cx + truth.w / 2, box[0] + box[2] / 2);
  const float bottom = std::min(truth.cy + truth.h / 2, box[1] + box[3] / 2);
  const float overlap = left < right && top < bottom ? (right - left) * (bottom - top) : 0.0F;
  return overlap / (truth.w * truth.h + box[2] * box[3] - overlap);
}

}  // namespace

SimOta::SimOta(const AnchorPoints& anchors, int64_t num_classes)
    : anchors_(anchors), num_classes_(num_classes), label_wanted_(static_cast<size_t>(num_classes)) {}

std::vector<AnchorMatch> SimOta::assign(const float* predictions, const std::vector<TruthBox>& truths) {
  find_candidates(truths);
  if (candidates_.empty()) return {};
  decode_candidates(predictions, truths);
  fill_costs(truths);
  times_matched_.assign(candidates_.size(), 0);
  matched_truth_.assign(candidates_.size(), 0);
  for (size_t truth = 0; truth < truths.size(); ++truth) match_truth(truth);
  return resolve(truths.size());
}

void SimOta::find_candidates(const std::vector<TruthBox>& truths) {
  candidates_.clear();
  in_centre_.clear();
  std::vector<uint8_t> inside(truths.size());
  for (size_t anchor = 0; anchor < anchors_.size(); ++anchor) {
    const float stride = anchors_.stride[anchor];
    const float x = (anchors_.column[anchor] + 0.5F) * stride;
    const float y = (anchors_.row[anchor] + 0.5F) * stride;
    const float radius = stride * kCentreRadius;
    bool any = false;
    for (size_t truth = 0; truth < truths.size(); ++truth) {
      const float cx = truths[truth].cx;
      const float cy = truths[truth].cy;
      const bool is_inside =
          x - (cx - radius) > 0 && (cx + radius) - x > 0 && y - (cy - radius) > 0 && (cy + radius) - y > 0;
      inside[truth] = is_inside;
      any |= is_inside;
    }
    if (!any) continue;
    candidates_.push_back(static_cast<int64_t>(anchor));
    in_centre_.insert(in_centre_.end(), inside.begin(), inside.end());
  }
}

void SimOta::decode_candidates(const float* predictions, const std::vector<TruthBox>& truths) {
  const auto classes = static_cast<size_t>(num_classes_);
  std::fill(label_wanted_.begin(), label_wanted_.end(), uint8_t{0});
  for (const TruthBox& truth : truths) label_wanted_[static_cast<size_t>(truth.label)] = 1;
  boxes_.resize(candidates_.size() * 4);
  negative_cost_.resize(candidates_.size());
  label_cost_.resize(candidates_.size() * classes);
  for (size_t n = 0; n < candidates_.size(); ++n) {
    const auto anchor = static_cast<size_t>(candidates_[n]);
    const float* row = predictions + anchor * (5 + classes);
    const float stride = anchors_.stride[anchor];
    float* box = &boxes_[n * 4];
    box[0] = (row[0] + anchors_.column[anchor]) * stride;
    box[1] = (row[1] + anchors_.row[anchor]) * stride;
    box[2] = std::exp(row[2]) * stride;
    box[3] = std::exp(row[3]) * stride;
    const float objectness = sigmoid(row[4]);
    double negative_sum = 0;
    for (size_t c = 0; c < classes; ++c) {
      const float probability = std::sqrt(sigmoid(row[5 + c]) * objectness);
      const float negative = std::min(-std::log1p(-probability), kLargestLogCost);
      negative_sum += negative;
      if (label_wanted_[c]) {
        label_cost_[n * classes + c] = std::min(-std::log(probability), kLargestLogCost) - negative;
      }
    }
    negative_cost_[n] = negative_sum;
  }
}

void SimOta::fill_costs(const std::vector<TruthBox>& truths) {
  const size_t num_candidates = candidates_.size();
  const float cost_without_overlap = -std::log(kIouEpsilon);
  ious_.resize(truths.size() * num_candidates);
  costs_.resize(ious_.size());
  for (size_t g = 0; g < truths.size(); ++g) {
    const auto label = static_cast<size_t>(truths[g].label);
    for (size_t n = 0; n < num_candidates; ++n) {
      const float iou = iou_cxcywh(truths[g], &boxes_[n * 4]);
      const float iou_cost = iou == 0.0F ? cost_without_overlap : -std::log(iou + kIouEpsilon);
      const auto class_cost =
          static_cast<float>(negative_cost_[n] + label_cost_[n * static_cast<size_t>(num_classes_) + label]);
      float cost = class_cost + kIouCostWeight * iou_cost;
      if (!in_centre_[n * truths.size() + g]) cost += kOutOfCentreCost;
      ious_[g * num_candidates + n] = iou;
      costs_[g * num_candidates + n] = std::isnan(cost) ? std::numeric_limits<float>::infinity() : cost;
    }
  }
}

// How many anchors a box gets: the sum of its ten best overlaps, at least one.
size_t SimOta::dynamic_k(const float* ious) {
  const size_t num_candidates = candidates_.size();
  const size_t considered = std::min(kIousForDynamicK, num_candidates);
  best_ious_.assign(ious, ious + num_candidates);
  for (float& iou : best_ious_) {
    if (!(iou >= 0.0F)) iou = 0.0F;
  }
  const auto last = best_ious_.begin() + static_cast<std::ptrdiff_t>(considered);
  std::partial_sort(best_ious_.begin(), last, best_ious_.end(), std::greater<float>());
  float sum = 0;
  for (auto iou = best_ious_.begin(); iou != last; ++iou) sum += *iou;
  return std::clamp<size_t>(static_cast<size_t>(sum), 1, num_candidates);
}

void SimOta::match_truth(size_t truth) {
  const size_t num_candidates = candidates_.size();
  const size_t k = dynamic_k(&ious_[truth * num_candidates]);
  const float* costs = &costs_[truth * num_candidates];
  order_.resize(num_candidates);
  for (size_t n = 0; n < num_candidates; ++n) order_[n] = n;
  std::partial_sort(
      order_.begin(), order_.begin() + static_cast<std::ptrdiff_t>(k), order_.end(),
      [costs](size_t a, size_t b) { return costs[a] != costs[b] ? costs[a] < costs[b] : a < b; });
  for (size_t i = 0; i < k; ++i) {
    ++times_matched_[order_[i]];
    matched_truth_[order_[i]] = truth;
  }
}

// An anchor that several boxes took goes to the one, of all boxes, for which it costs least.
std::vector<AnchorMatch> SimOta::resolve(size_t num_truths) const {
  const size_t num_candidates = candidates_.size();
  std::vector<AnchorMatch> matches;
  for (size_t n = 0; n < num_candidates; ++n) {
    if (times_matched_[n] == 0) continue;
    size_t truth = matched_truth_[n];
    if (times_matched_[n] > 1) {
      truth = 0;
      for (size_t g = 1; g < num_truths; ++g) {
        if (costs_[g * num_candidates + n] < costs_[truth * num_candidates + n]) truth = g;
      }
    }
    matches.push_back({candidates_[n], static_cast<int64_t>(truth), ious_[truth * num_candidates + n]});
  }
  return matches;
}

}  // namespace grapnel::detection
