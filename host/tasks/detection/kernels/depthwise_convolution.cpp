// Depthwise 3x3 convolution: nine products a value, so all that counts is how often memory is read.
#include <cstring>

#include "tasks/detection/kernels/convolution_passes.hpp"

namespace grapnel::detection::kernels {
namespace {

constexpr int64_t kTaps = 9;

// [channels][9] -> [9][channels], turned around when `flipped`.
void pack_taps(const float* weight, int64_t channels, bool flipped, float* packed) {
  for (int64_t k = 0; k < kTaps; ++k) {
    const int64_t to = flipped ? kTaps - 1 - k : k;
    for (int64_t c = 0; c < channels; ++c) packed[to * channels + c] = weight[c * kTaps + k];
  }
}

DepthwiseShape picture_of(const Convolution& shape) {
  return {shape.out_channels, shape.height, shape.width, shape.out_height, shape.out_width, shape.stride};
}

}  // namespace

void depthwise(const Convolution& shape, Rows<const float> x, const float* weight, Rows<float> z,
               const Finish& finish) {
  const int64_t channels = shape.out_channels;
  Floats taps(kTaps * channels);
  pack_taps(weight, channels, false, taps.get());
  const DepthwiseShape picture_shape = picture_of(shape);
  const int64_t in_size = shape.height * shape.width * channels;
  const int64_t out_row = shape.out_width * channels;
  over_picture_rows(shape.batch, shape.out_height, [&](int thread, int64_t picture, int64_t first, int64_t last) {
    float* out = z.data + picture * shape.out_height * out_row;
    // A few rows at a time, so that their statistics are taken while they are in the cache.
    const int64_t step = std::max<int64_t>(1, block_rows(channels) / shape.out_width);
    for (int64_t row = first; row < last; row += step) {
      const int64_t end = std::min(last, row + step);
      table().depthwise(picture_shape, x.data + picture * in_size, taps.get(), out, row, end);
      finish_rows(finish, thread, {out + row * out_row, channels}, (end - row) * shape.out_width, channels);
    }
  });
}

void depthwise_backward(const Convolution& shape, Rows<const float> x, const float* weight, Rows<const float> dz,
                        Rows<float> dx, float* dweight) {
  const int64_t channels = shape.out_channels;
  const DepthwiseShape picture_shape = picture_of(shape);
  const int64_t in_size = shape.height * shape.width * channels;
  const int64_t out_size = shape.out_height * shape.out_width * channels;
  ThreadSums sums(kTaps * channels);
  over_picture_rows(shape.batch, shape.out_height, [&](int thread, int64_t picture, int64_t first, int64_t last) {
    table().depthwise_weight_gradient(picture_shape, x.data + picture * in_size, dz.data + picture * out_size,
                                      sums.of(thread), first, last);
  });
  Floats by_tap(kTaps * channels);
  sums.finish(by_tap.get());
  for (int64_t c = 0; c < channels; ++c) {
    for (int64_t k = 0; k < kTaps; ++k) dweight[c * kTaps + k] = by_tap.get()[k * channels + c];
  }
  if (dx.data == nullptr) return;
  Floats taps(kTaps * channels);
  // With stride 1 it is a convolution itself, with the weights turned around.
  pack_taps(weight, channels, shape.stride == 1, taps.get());
  over_picture_rows(shape.batch, shape.height, [&](int, int64_t picture, int64_t first, int64_t last) {
    const float* from = dz.data + picture * out_size;
    float* to = dx.data + picture * in_size;
    if (shape.stride == 1) {
      table().depthwise(picture_shape, from, taps.get(), to, first, last);
    } else {
      table().depthwise_input_gradient(picture_shape, from, taps.get(), to, first, last);
    }
  });
}

}  // namespace grapnel::detection::kernels
