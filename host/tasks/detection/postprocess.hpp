// From raw head outputs to detections, with the results of Megvii YOLOX's postprocess: decoding, then what
// nms.hpp does for each image.
#pragma once

#include <torch/torch.h>

#include <vector>

#include "tasks/detection/nms.hpp"
#include "tasks/detection/yolox_config.hpp"
#include "tasks/detection/yolox_model.hpp"

namespace grapnel::detection {

// [B, A, 5 + C], float32 or float64: cx, cy, w, h in px, objectness and class probabilities.
torch::Tensor decode(const HeadOutput& output);

// `decoded` is decode's result, on any device. One [N, 7] float32 CPU tensor an image: x1, y1, x2, y2 in px
// (not clipped to the image), objectness, class probability, class; best first. N may be 0.
std::vector<torch::Tensor> postprocess(const torch::Tensor& decoded, const PostprocessOptions& options);

}  // namespace grapnel::detection
