#include "tasks/detection/focus.hpp"

#include <cstring>

#include "tasks/detection/channels_last.hpp"
#include "tasks/detection/kernels/parallel.hpp"

namespace grapnel::detection {
namespace {

// By LibTorch's operators, for any type and where a gradient is wanted.
torch::Tensor permuted(const torch::Tensor& x) {
  const int64_t batch = x.size(0);
  const int64_t channels = x.size(1);
  const int64_t height = x.size(2) / 2;
  const int64_t width = x.size(3) / 2;
  // [B, H/2, dy, W/2, dx, C] -> [B, H/2, W/2, dx, dy, C]: the patch's columns vary slowest among the channels.
  return x.permute({0, 2, 3, 1})
      .reshape({batch, height, 2, width, 2, channels})
      .permute({0, 1, 3, 4, 2, 5})
      .reshape({batch, height, width, 4 * channels})
      .permute({0, 3, 1, 2});
}

}  // namespace

torch::Tensor focus(const torch::Tensor& x) {
  const bool differentiated = torch::GradMode::is_enabled() && x.requires_grad();
  if (differentiated || !x.device().is_cpu() || x.scalar_type() != torch::kFloat32) return permuted(x);
  const torch::Tensor from = with_channels_last_rows(x, /*dense=*/true);
  const int64_t channels = x.size(1);
  const int64_t height = x.size(2) / 2;
  const int64_t width = x.size(3) / 2;
  torch::Tensor to = empty_channels_last(x.size(0), 4 * channels, height, width);
  const float* source = from.data_ptr<float>();
  float* target = to.data_ptr<float>();
  const int64_t row_size = 2 * width * channels;
  const auto bytes = static_cast<size_t>(channels) * sizeof(float);
  kernels::over_chunks(x.size(0) * height, [&](int, int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const float* upper = source + 2 * row * row_size;
      const float* lower = upper + row_size;
      float* out = target + row * width * 4 * channels;
      for (int64_t column = 0; column < width; ++column) {
        for (int64_t along = 0; along < 2; ++along) {
          std::memcpy(out, upper, bytes);
          std::memcpy(out + channels, lower, bytes);
          upper += channels;
          lower += channels;
          out += 2 * channels;
        }
      }
    }
  });
  return to;
}

}  // namespace grapnel::detection
