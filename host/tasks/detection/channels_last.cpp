#include "tasks/detection/channels_last.hpp"

namespace grapnel::detection {

using torch::Tensor;

std::optional<int64_t> pixel_stride(const Tensor& x) {
  if (x.stride(1) != 1 && x.size(1) != 1) return std::nullopt;
  int64_t pixels = 1;
  std::optional<int64_t> stride;
  for (const int64_t dim : {int64_t{3}, int64_t{2}, int64_t{0}}) {
    if (x.size(dim) == 1) continue;
    if (!stride) stride = x.stride(dim);
    if (x.stride(dim) != pixels * *stride) return std::nullopt;
    pixels *= x.size(dim);
  }
  return stride.value_or(x.size(1));
}

Tensor with_channels_last_rows(const Tensor& x, bool dense) {
  const auto stride = pixel_stride(x);
  if (stride && (!dense || *stride == x.size(1))) return x;
  Tensor copy = torch::empty(x.sizes(), x.options(), at::MemoryFormat::ChannelsLast);
  return copy.copy_(x);
}

kernels::Rows<const float> channels_last_rows(const Tensor& x) { return {x.data_ptr<float>(), *pixel_stride(x)}; }

Tensor empty_channels_last(int64_t batch, int64_t channels, int64_t height, int64_t width) {
  return torch::empty({batch, channels, height, width}, torch::TensorOptions(torch::kFloat32),
                      at::MemoryFormat::ChannelsLast);
}

}  // namespace grapnel::detection
