// SimOTA: which anchors answer for which box of an image (Ge et al., "YOLOX: Exceeding YOLO Series in 2021",
// section 2.1, with the constants of Megvii's implementation at commit 6ddff48). Plain loops over floats: on
// a processor this is several times faster than the same matching as tensor operations, and it has no ties to
// chance.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace grapnel::detection {

// The anchors of all levels, one after the other, each level row by row: the order of the head's output.
struct AnchorPoints {
  std::vector<float> column;  // cells
  std::vector<float> row;     // cells
  std::vector<float> stride;  // px a cell
  size_t size() const { return stride.size(); }
};

struct TruthBox {
  float cx, cy, w, h;  // px
  int64_t label;       // in [0, num_classes)
};

// One foreground anchor.
struct AnchorMatch {
  int64_t anchor;  // index into AnchorPoints
  int64_t truth;   // index into the image's boxes
  float iou;       // of the anchor's predicted box and the truth
};

class SimOta {
 public:
  // `anchors` is borrowed and must outlive this object.
  SimOta(const AnchorPoints& anchors, int64_t num_classes);

  // `predictions` is one image's raw head output, row-major [A, 5 + C]: dx, dy, log w, log h (cells),
  // objectness and class logits. Returns the foreground in ascending anchor order, each anchor at most once;
  // empty when there are no boxes, or when no anchor lies near one. Equal costs: the lower anchor (or box)
  // wins. Predictions that are not finite come last in every choice. Not thread-safe: one object a thread.
  std::vector<AnchorMatch> assign(const float* predictions, const std::vector<TruthBox>& truths);

 private:
  void find_candidates(const std::vector<TruthBox>& truths);
  void decode_candidates(const float* predictions, const std::vector<TruthBox>& truths);
  void fill_costs(const std::vector<TruthBox>& truths);
  size_t dynamic_k(const float* ious);
  void match_truth(size_t truth);
  std::vector<AnchorMatch> resolve(size_t num_truths) const;

  const AnchorPoints& anchors_;
  int64_t num_classes_;

  // Scratch, kept from image to image. N candidates, G truths, C classes.
  std::vector<int64_t> candidates_;    // [N] anchor indices, ascending
  std::vector<uint8_t> in_centre_;     // [N, G]
  std::vector<float> boxes_;           // [N, 4] cx, cy, w, h in px
  std::vector<double> negative_cost_;  // [N] class cost if no class were the right one
  std::vector<float> label_cost_;      // [N, C] what is added when the class is the right one
  std::vector<uint8_t> label_wanted_;  // [C]
  std::vector<float> ious_;            // [G, N]
  std::vector<float> costs_;           // [G, N]
  std::vector<float> best_ious_;
  std::vector<size_t> order_;
  std::vector<int32_t> times_matched_;  // [N]
  std::vector<size_t> matched_truth_;   // [N]
};

}  // namespace grapnel::detection
