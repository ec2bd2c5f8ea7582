// YOLOX's training loss: SimOTA decides which anchors are foreground, then IoU loss on their boxes, binary
// cross entropy on objectness (all anchors) and classes (foreground), and L1 on raw boxes in the last epochs.
// As Megvii YOLOX computes it at commit 6ddff48.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <vector>

#include "tasks/detection/simota.hpp"
#include "tasks/detection/yolox_model.hpp"

namespace grapnel::detection {

// 0-d tensors on the predictions' device, each a sum over the batch divided by max(foreground, 1).
struct YoloxLosses {
  torch::Tensor total;  // the sum of the others
  torch::Tensor iou;    // 5 * (1 - IoU^2)
  torch::Tensor objectness;
  torch::Tensor classification;  // targets are the IoU at the true class, 0 elsewhere
  torch::Tensor l1;              // 0 without use_l1
  int64_t foreground = 0;        // anchors matched to a box
  int64_t boxes = 0;             // true boxes in the batch
};

AnchorPoints make_anchor_points(const std::vector<FeatureLevel>& levels);

// SimOTA for every image. `truth` of a match is the box's row in `targets`.
// Arguments and errors as for compute_losses.
std::vector<std::vector<AnchorMatch>> assign_anchors(const HeadOutput& output, const torch::Tensor& targets);

// targets: [B, M, 5] class, cx, cy, w, h in px of the batch's images; rows without width or height are
// padding. Images without boxes, and batches without any, are allowed. Gradients are deterministic at any
// number of threads. Failure(kRun) for another shape, or a class outside [0, C).
YoloxLosses compute_losses(const HeadOutput& output, const torch::Tensor& targets, bool use_l1);

}  // namespace grapnel::detection
