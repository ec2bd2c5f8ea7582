// Which pass a shape takes, and the 1x1 convolution: one product of matrices, the normalisation's work done on
// each block of rows while it is in the cache.
#include "tasks/detection/kernels/convolution.hpp"

#include <cstring>
#include <vector>

#include "tasks/detection/kernels/convolution_passes.hpp"
#include "tasks/detection/kernels/parallel.hpp"

namespace grapnel::detection::kernels {
namespace {

constexpr int64_t kNoOffset = 0;

bool is_multiple(int64_t channels) { return channels % kChannelStep == 0; }

// Rows whose input and output fit into the second-level cache together.
int64_t product_rows(const Convolution& shape) {
  constexpr int64_t kFloats = 65536;
  return std::clamp<int64_t>(kFloats / (shape.in_channels + shape.out_channels) / 8 * 8, 32, 256);
}

void pointwise(const Convolution& shape, Rows<const float> x, const float* weight, Rows<float> z,
               const Finish& finish) {
  const int64_t depth = shape.in_channels;
  const PackedShape packed_shape{1, depth, shape.out_channels};
  Floats packed(depth * shape.out_channels);
  pack_panels(weight, packed_shape, 0, 1, depth, packed.get());
  const int64_t rows = shape.in_rows();
  const int64_t block = product_rows(shape);
  over_chunks((rows + block - 1) / block, [&](int thread, int64_t begin, int64_t end) {
    for (int64_t row = begin * block; row < std::min(end * block, rows); row += block) {
      const int64_t count = std::min(block, rows - row);
      const Rows<float> out = z.from(row);
      table().multiply(x.from(row), count, &kNoOffset, packed.get(), packed_shape, out);
      finish_rows(finish, thread, out, count, shape.out_channels);
    }
  });
}

void pointwise_backward(const Convolution& shape, Rows<const float> x, const float* weight,
                        Rows<const float> z, Rows<float> v, const NormGradient& gradient, Rows<float> dx,
                        float* dweight) {
  const int64_t in = shape.in_channels;
  const int64_t out = shape.out_channels;
  const PackedShape packed_shape{1, out, in};
  Floats packed(in * out);
  if (dx.data != nullptr) pack_panels(weight, packed_shape, 0, in, 1, packed.get());
  ThreadSums sums(in * out);
  const Segments whole{1, &kNoOffset, &kNoOffset};
  const int64_t rows = shape.in_rows();
  const int64_t block = product_rows(shape);
  over_chunks((rows + block - 1) / block, [&](int thread, int64_t begin, int64_t end) {
    float* mine = sums.of(thread);
    for (int64_t row = begin * block; row < std::min(end * block, rows); row += block) {
      const int64_t count = std::min(block, rows - row);
      const Rows<float> dz = v.from(row);
      const Rows<const float> dz_read{dz.data, dz.stride};
      table().normalise_backward(dz, z.from(row), count, out, gradient.by_v.data(),
                                 gradient.by_z.data(), gradient.constant.data());
      if (dx.data != nullptr) {
        table().multiply(dz_read, count, &kNoOffset, packed.get(), packed_shape, dx.from(row));
      }
      table().multiply_transposed(dz_read, x.from(row), count, whole, out, in, {mine, in});
    }
  });
  sums.finish(dweight);
}

}  // namespace

void pack_panels(const float* b, const PackedShape& shape, int64_t segment_step, int64_t row_step,
                 int64_t column_step, float* packed) {
  const int64_t panel = table().panel;
  over_chunks((shape.columns + panel - 1) / panel, [&](int, int64_t begin, int64_t end) {
    const int64_t first = begin * panel;
    const int64_t last = std::min(end * panel, shape.columns);
    table().pack(b + first * column_step, {shape.segments, shape.depth, last - first}, segment_step, row_step,
                 column_step, packed + first * shape.segments * shape.depth);
  });
}

void finish_rows(const Finish& finish, int thread, Rows<float> z, int64_t rows, int64_t channels) {
  if (finish.moments != nullptr) finish.moments->add(thread, {z.data, z.stride}, rows);
  if (finish.affine != nullptr) table().normalise_silu({z.data, z.stride}, rows, channels, *finish.affine, {nullptr, 0}, z);
}

ThreadSums::ThreadSums(int64_t size)
    : size_(size), begun_(static_cast<size_t>(thread_count())), sums_(size * thread_count()) {}

float* ThreadSums::of(int thread) {
  float* mine = sums_.get() + thread * size_;
  if (begun_[static_cast<size_t>(thread)] != 0) return mine;
  std::memset(mine, 0, static_cast<size_t>(size_) * sizeof(float));
  begun_[static_cast<size_t>(thread)] = 1;
  return mine;
}

void ThreadSums::finish(float* total) {
  over_chunks((size_ + 4095) / 4096, [&](int, int64_t begin, int64_t end) {
    const int64_t first = begin * 4096;
    const int64_t last = std::min(end * 4096, size_);
    std::memcpy(total + first, sums_.get() + first, static_cast<size_t>(last - first) * sizeof(float));
    for (size_t t = 1; t < begun_.size(); ++t) {
      if (begun_[t] == 0) continue;
      const float* other = sums_.get() + static_cast<int64_t>(t) * size_;
      for (int64_t i = first; i < last; ++i) total[i] += other[i];
    }
  });
}

bool is_supported(const Convolution& shape, bool needs_input_gradient) {
  if (!is_multiple(shape.out_channels) || shape.stride < 1 || shape.stride > 2 || shape.out_rows() == 0) return false;
  if (shape.depthwise) return shape.kernel == 3;
  if (shape.kernel == 1) return shape.stride == 1 && is_multiple(shape.in_channels);
  return shape.kernel == 3 && (!needs_input_gradient || is_multiple(shape.in_channels));
}

void convolve(const Convolution& shape, Rows<const float> x, const float* weight, Rows<float> z,
              const Finish& finish) {
  if (shape.depthwise) {
    depthwise(shape, x, weight, z, finish);
  } else if (shape.kernel == 1) {
    pointwise(shape, x, weight, z, finish);
  } else {
    dense(shape, x, weight, z, finish);
  }
}

void convolve_backward(const Convolution& shape, Rows<const float> x, const float* weight, Rows<const float> z,
                       Rows<float> v, const NormGradient& gradient, Rows<float> dx, float* dweight) {
  if (!shape.depthwise && shape.kernel == 1) {
    pointwise_backward(shape, x, weight, z, v, gradient, dx, dweight);
    return;
  }
  normalise_backward(v, z, shape.out_rows(), shape.out_channels, gradient);
  const Rows<const float> dz{v.data, v.stride};
  if (shape.depthwise) {
    depthwise_backward(shape, x, weight, dz, dx, dweight);
  } else {
    dense_backward(shape, x, weight, dz, dx, dweight);
  }
}

}  // namespace grapnel::detection::kernels
