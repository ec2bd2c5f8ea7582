// Convolutions of channels-last pictures as sums of matrix products, for the shapes that YOLOX has: 1x1, and 3x3
// with padding 1 and stride 1 or 2, dense or depthwise. float32, no bias; several threads.
#pragma once

#include <cstdint>

#include "tasks/detection/kernels/kernel_table.hpp"
#include "tasks/detection/kernels/norm.hpp"

namespace grapnel::detection::kernels {

struct Convolution {
  int64_t batch;
  int64_t in_channels, height, width;
  int64_t out_channels, out_height, out_width;
  int64_t kernel;  // 1 or 3
  int64_t stride;
  bool depthwise;

  int64_t in_rows() const { return batch * height * width; }
  int64_t out_rows() const { return batch * out_height * out_width; }
};

// Whether these passes take it: out_channels in multiples of kChannelStep, depthwise with kernel 3, 1x1 with
// stride 1, and for the input's gradient in_channels in multiples too.
bool is_supported(const Convolution& shape, bool needs_input_gradient);

// Weights are [out][in][kernel][kernel] in memory for 1x1 and depthwise, [out][kernel][kernel][in] (channels
// last) for dense 3x3. z's statistics go to `moments`, or z is replaced by silu(normalised z) where `affine` is
// given; one of the two may be null.
struct Finish {
  Moments* moments = nullptr;
  const Affine* affine = nullptr;
};
void convolve(const Convolution& shape, Rows<const float> x, const float* weight, Rows<float> z,
              const Finish& finish);

// v becomes the gradient of z, then dx (nothing where it is null) and dweight, laid out as the weight, are
// written.
void convolve_backward(const Convolution& shape, Rows<const float> x, const float* weight, Rows<const float> z,
                       Rows<float> v, const NormGradient& gradient, Rows<float> dx, float* dweight);

}  // namespace grapnel::detection::kernels
