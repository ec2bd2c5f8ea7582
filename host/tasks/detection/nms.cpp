// Suppression compares a box only with the survivors of its own class, sixteen at a time, so its cost grows
// with what is kept. Candidates carry no box until they are looked at.
#include "tasks/detection/nms.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <unordered_map>

#include "core/per_processor.hpp"

namespace grapnel::detection {
namespace {

using Box = std::array<float, 4>;

constexpr size_t kLanes = 16;
// Survivors: x1, y1, x2, y2 and area of sixteen boxes.
struct Survivors {
  float x1[kLanes], y1[kLanes], x2[kLanes], y2[kLanes], area[kLanes];
};

float area_of(const Box& box) { return (box[2] - box[0]) * (box[3] - box[1]); }

// The order of operations is torchvision's: results at the threshold depend on it.
GRAPNEL_PER_PROCESSOR bool overlaps_any(const Survivors* blocks, size_t count, const float* box, float area,
                                  float iou_threshold) {
  for (size_t block = 0; block < count; ++block) {
    const Survivors& rivals = blocks[block];
    int hits = 0;
    for (size_t i = 0; i < kLanes; ++i) {
      const float width = std::max(0.0F, std::min(rivals.x2[i], box[2]) - std::max(rivals.x1[i], box[0]));
      const float height = std::max(0.0F, std::min(rivals.y2[i], box[3]) - std::max(rivals.y1[i], box[1]));
      const float overlap = width * height;
      hits |= overlap / (rivals.area[i] + area - overlap) > iou_threshold ? 1 : 0;
    }
    if (hits != 0) return true;
  }
  return false;
}

// Of probabilities: they are not negative, so their bits are in the order of their values, and integers can
// be compared in any order.
GRAPNEL_PER_PROCESSOR float largest_of(const float* values, int64_t count) {
  int32_t largest = std::numeric_limits<int32_t>::min();
  for (int64_t i = 0; i < count; ++i) {
    int32_t bits = 0;
    std::memcpy(&bits, values + i, sizeof bits);
    largest = std::max(largest, bits);
  }
  float result = 0;
  std::memcpy(&result, &largest, sizeof result);
  return result;
}

// Those that were kept, by class.
class Kept {
 public:
  // A float comparison with the same outcome as one in double: the largest float that is not above.
  explicit Kept(double iou_threshold) : threshold_(static_cast<float>(iou_threshold)) {
    if (static_cast<double>(threshold_) > iou_threshold) {
      threshold_ = std::nextafter(threshold_, -std::numeric_limits<float>::infinity());
    }
  }

  // Keeps the box unless one of its class is in its way.
  bool offer(const Box& box, int64_t label) {
    std::vector<Survivors>& blocks = blocks_[label];
    size_t& count = counts_[label];
    const float area = area_of(box);
    if (overlaps_any(blocks.data(), blocks.size(), box.data(), area, threshold_)) return false;
    // The rest of a new block holds boxes without extent at the origin, which overlap nothing.
    if (count % kLanes == 0) blocks.emplace_back(Survivors{});
    Survivors& block = blocks.back();
    const size_t lane = count++ % kLanes;
    block.x1[lane] = box[0];
    block.y1[lane] = box[1];
    block.x2[lane] = box[2];
    block.y2[lane] = box[3];
    block.area[lane] = area;
    return true;
  }

 private:
  float threshold_;
  std::unordered_map<int64_t, std::vector<Survivors>> blocks_;
  std::unordered_map<int64_t, size_t> counts_;
};

// Sorts as "higher score first, then earlier": the score's bits in an order that integers have, then the
// index.
uint64_t rank(float score, size_t index) {
  score += 0.0F;  // -0 is 0
  uint32_t bits = 0;
  std::memcpy(&bits, &score, sizeof bits);
  const uint32_t rising = (bits & 0x80000000U) != 0 ? ~bits : bits | 0x80000000U;
  return (static_cast<uint64_t>(~rising) << 32) | static_cast<uint32_t>(index);
}
size_t index_of(uint64_t ranked) { return static_cast<uint32_t>(ranked); }

struct Candidate {
  int32_t anchor;
  int32_t label;
};

struct Candidates {
  std::vector<Candidate> all;
  std::vector<uint64_t> order;

  void add(int64_t anchor, int64_t label, float score) {
    order.push_back(rank(score, all.size()));
    all.push_back({static_cast<int32_t>(anchor), static_cast<int32_t>(label)});
  }
};

Candidates candidates_of(const float* row, int64_t num_anchors, int64_t num_classes,
                         const PostprocessOptions& options) {
  const auto threshold = static_cast<float>(options.score_threshold);
  Candidates found;
  for (int64_t anchor = 0; anchor < num_anchors; ++anchor, row += 5 + num_classes) {
    const float objectness = row[4];
    const float* probabilities = row + 5;
    if (!(objectness >= threshold)) continue;  // a probability makes no score larger
    if (options.multi_label) {
      for (int64_t label = 0; label < num_classes; ++label) {
        const float score = objectness * probabilities[label];
        if (score >= threshold) found.add(anchor, label, score);
      }
      continue;
    }
    const float best = largest_of(probabilities, num_classes);
    const float score = objectness * best;
    if (!(score >= threshold)) continue;
    found.add(anchor, std::find(probabilities, probabilities + num_classes, best) - probabilities, score);
  }
  return found;
}

}  // namespace

std::vector<size_t> suppress_overlaps(const std::vector<ScoredBox>& boxes, double iou_threshold) {
  std::vector<uint64_t> order;
  order.reserve(boxes.size());
  for (size_t i = 0; i < boxes.size(); ++i) order.push_back(rank(boxes[i].score, i));
  std::sort(order.begin(), order.end());
  Kept kept(iou_threshold);
  std::vector<size_t> survivors;
  for (const uint64_t ranked : order) {
    const size_t i = index_of(ranked);
    if (kept.offer(boxes[i].xyxy, boxes[i].label)) survivors.push_back(i);
  }
  return survivors;
}

std::vector<Detection> select_detections(const float* rows, int64_t num_anchors, int64_t num_classes,
                                         const PostprocessOptions& options) {
  Candidates candidates = candidates_of(rows, num_anchors, num_classes, options);
  std::vector<uint64_t>& order = candidates.order;
  const auto most = static_cast<size_t>(std::max<int64_t>(options.nms_pre, 0));
  if (most > 0 && most < order.size()) {
    std::nth_element(order.begin(), order.begin() + static_cast<int64_t>(most), order.end());
    order.resize(most);
  }
  std::sort(order.begin(), order.end());
  Kept kept(options.iou_threshold);
  std::vector<Detection> detections;
  for (const uint64_t ranked : order) {
    if (options.max_per_img > 0 && static_cast<int64_t>(detections.size()) == options.max_per_img) break;
    const Candidate& candidate = candidates.all[index_of(ranked)];
    const float* row = rows + candidate.anchor * (5 + num_classes);
    const float half_width = row[2] / 2;
    const float half_height = row[3] / 2;
    const Box box = {row[0] - half_width, row[1] - half_height, row[0] + half_width, row[1] + half_height};
    if (!kept.offer(box, options.class_agnostic ? 0 : candidate.label)) continue;
    detections.push_back({box, row[4], row[5 + candidate.label], candidate.label});
  }
  return detections;
}

}  // namespace grapnel::detection
