// Tensors in, tensors out; what is kept is decided in nms.cpp.
#include "tasks/detection/postprocess.hpp"

#include <algorithm>

#include "tasks/detection/simota.hpp"
#include "tasks/detection/yolox_loss.hpp"

namespace grapnel::detection {

torch::Tensor decode(const HeadOutput& output) {
  const AnchorPoints anchors = make_anchor_points(output.levels);
  const auto count = static_cast<int64_t>(anchors.size());
  torch::Tensor cells = torch::empty({count, 2});
  torch::Tensor strides = torch::empty({count, 1});
  auto* cell = cells.data_ptr<float>();
  for (size_t i = 0; i < anchors.size(); ++i) {
    *cell++ = anchors.column[i];
    *cell++ = anchors.row[i];
  }
  std::copy(anchors.stride.begin(), anchors.stride.end(), strides.data_ptr<float>());
  torch::Tensor raw = output.predictions;
  if (raw.element_size() < 4) raw = raw.to(torch::kFloat);  // coordinates need more bits than bfloat16 has
  cells = cells.to(raw.options());
  strides = strides.to(raw.options());
  return torch::cat({(raw.narrow(2, 0, 2) + cells) * strides, raw.narrow(2, 2, 2).exp() * strides,
                     raw.narrow(2, 4, raw.size(2) - 4).sigmoid()},
                    2);
}

std::vector<torch::Tensor> postprocess(const torch::Tensor& decoded, const PostprocessOptions& options) {
  const torch::Tensor values = decoded.detach().to(torch::kCPU, torch::kFloat).contiguous();
  const int64_t num_anchors = values.size(1);
  const int64_t num_classes = values.size(2) - 5;
  std::vector<torch::Tensor> detections;
  for (int64_t image = 0; image < values.size(0); ++image) {
    const float* rows = values.data_ptr<float>() + image * num_anchors * (5 + num_classes);
    const std::vector<Detection> kept = select_detections(rows, num_anchors, num_classes, options);
    torch::Tensor table = torch::empty({static_cast<int64_t>(kept.size()), 7});
    auto* out = table.data_ptr<float>();
    for (const Detection& detection : kept) {
      out = std::copy(detection.xyxy.begin(), detection.xyxy.end(), out);
      *out++ = detection.objectness;
      *out++ = detection.probability;
      *out++ = static_cast<float>(detection.label);
    }
    detections.push_back(table);
  }
  return detections;
}

}  // namespace grapnel::detection
