// From raw head outputs to detections: decoding, the confidence threshold, and non-maximum suppression with
// the results of Megvii YOLOX's postprocess and torchvision's nms and batched_nms.
#pragma once

#include <torch/torch.h>

#include <array>
#include <cstdint>
#include <vector>

#include "tasks/detection/yolox_config.hpp"
#include "tasks/detection/yolox_model.hpp"

namespace grapnel::detection {

// [B, A, 5 + C]: cx, cy, w, h in px, objectness and class probabilities.
torch::Tensor decode(const HeadOutput& output);

// `decoded` is decode's result, on any device. One [N, 7] float32 CPU tensor an image: x1, y1, x2, y2 in px
// (not clipped to the image), objectness, class probability, class; best first. N may be 0.
std::vector<torch::Tensor> postprocess(const torch::Tensor& decoded, const PostprocessOptions& options);

struct ScoredBox {
  std::array<float, 4> xyxy;  // px
  float score;
  int64_t label;
};

// Indices of the boxes that survive, best first (equal scores: the earlier). Labels that differ never
// compete.
std::vector<size_t> suppress_overlaps(const std::vector<ScoredBox>& boxes, double iou_threshold);

}  // namespace grapnel::detection
