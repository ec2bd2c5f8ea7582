// Which of an image's anchors become detections: the confidence threshold, one class an anchor or several,
// and greedy non-maximum suppression, with the results of torchvision's nms and batched_nms. No LibTorch in
// here.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "tasks/detection/yolox_config.hpp"

namespace grapnel::detection {

struct ScoredBox {
  std::array<float, 4> xyxy;  // px
  float score;
  int64_t label;
};

// Indices of the boxes that survive, best first (equal scores: the earlier). Labels that differ never
// compete. A box goes when its intersection over union with a better survivor is above `iou_threshold`.
std::vector<size_t> suppress_overlaps(const std::vector<ScoredBox>& boxes, double iou_threshold);

struct Detection {
  std::array<float, 4> xyxy;  // px, not clipped to the image
  float objectness;
  float probability;  // of the class
  int64_t label;
};

// `rows` is [A, 5 + C]: cx, cy, w, h in px, objectness and class probabilities, both at most 1. Best first;
// equal scores: the earlier anchor, then the lower class.
std::vector<Detection> select_detections(const float* rows, int64_t num_anchors, int64_t num_classes,
                                         const PostprocessOptions& options);

}  // namespace grapnel::detection
