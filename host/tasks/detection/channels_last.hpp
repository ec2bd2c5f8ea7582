// Pictures in channels-last memory seen as matrices of pixels x channels, which is how the kernels take them.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <optional>

#include "tasks/detection/kernels/kernel_table.hpp"

namespace grapnel::detection {

// Elements from one pixel's channels to the next one's, where a [B, C, H, W] tensor's pixels lie evenly apart (a
// channels-last picture, or some channels of one); empty for other layouts.
std::optional<int64_t> pixel_stride(const torch::Tensor& x);

// `x` itself where its pixels lie evenly apart (and, if `dense`, without gaps), else a channels-last copy.
torch::Tensor with_channels_last_rows(const torch::Tensor& x, bool dense = false);

// Of float32 tensors that with_channels_last_rows gave.
kernels::Rows<const float> channels_last_rows(const torch::Tensor& x);

// An uninitialised float32 picture [B, C, H, W] in channels-last memory.
torch::Tensor empty_channels_last(int64_t batch, int64_t channels, int64_t height, int64_t width);

}  // namespace grapnel::detection
