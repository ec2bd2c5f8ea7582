// The passes behind convolution.hpp, and what they share.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

#include "tasks/detection/kernels/convolution.hpp"
#include "tasks/detection/kernels/parallel.hpp"

namespace grapnel::detection::kernels {

// KernelTable::pack by several threads.
void pack_panels(const float* b, const PackedShape& shape, int64_t segment_step, int64_t row_step,
                 int64_t column_step, float* packed);

void finish_rows(const Finish& finish, int thread, Rows<float> z, int64_t rows, int64_t channels);

// One array of sums a thread, added up at the end in the order of the threads.
class ThreadSums {
 public:
  explicit ThreadSums(int64_t size);
  float* of(int thread);      // zeroed when first asked for
  void finish(float* total);  // thread 0 must have been asked for

 private:
  int64_t size_;
  std::vector<char> begun_;
  Floats sums_;
};

inline int64_t padded(int64_t channels) { return (channels + kChannelStep - 1) / kChannelStep * kChannelStep; }

// Strips of a picture [height, width, channels] with zeros around it: columns [left, left + strip_width), and
// channels up to a multiple of kChannelStep.
struct Strip {
  int64_t height, width, channels;
  int64_t left, strip_width;

  int64_t depth() const { return padded(channels); }
  int64_t row_size() const { return strip_width * depth(); }

  // Rows [first, last) of the picture, of which some may lie outside.
  void copy(Rows<const float> picture, int64_t first, int64_t last, float* to) const {
    const int64_t begin = std::max<int64_t>(left, 0);
    const int64_t end = std::min(left + strip_width, width);
    for (int64_t row = first; row < last; ++row, to += row_size()) {
      if (row < 0 || row >= height) {
        std::memset(to, 0, static_cast<size_t>(row_size()) * sizeof(float));
        continue;
      }
      zero(to, begin - left);
      zero(to + (end - left) * depth(), left + strip_width - end);
      const float* from = picture.data + (row * width + begin) * picture.stride;
      float* out = to + (begin - left) * depth();
      if (picture.stride == channels && depth() == channels) {
        std::memcpy(out, from, static_cast<size_t>((end - begin) * channels) * sizeof(float));
        continue;
      }
      for (int64_t column = begin; column < end; ++column, from += picture.stride, out += depth()) {
        std::memcpy(out, from, static_cast<size_t>(channels) * sizeof(float));
        std::memset(out + channels, 0, static_cast<size_t>(depth() - channels) * sizeof(float));
      }
    }
  }

 private:
  void zero(float* to, int64_t columns) const {
    std::memset(to, 0, static_cast<size_t>(columns * depth()) * sizeof(float));
  }
};

// x and z of a depthwise or dense convolution: rows must be contiguous for depthwise.
void depthwise(const Convolution& shape, Rows<const float> x, const float* weight, Rows<float> z,
               const Finish& finish);
void depthwise_backward(const Convolution& shape, Rows<const float> x, const float* weight, Rows<const float> dz,
                        Rows<float> dx, float* dweight);
void dense(const Convolution& shape, Rows<const float> x, const float* weight, Rows<float> z,
           const Finish& finish);
void dense_backward(const Convolution& shape, Rows<const float> x, const float* weight, Rows<const float> dz,
                    Rows<float> dx, float* dweight);


// Winograd's way to a dense 3x3 convolution of stride 1: a quarter of the products, for a few more additions and
// some bits of accuracy (about 1e-6 of the largest value, where the direct way has 3e-7). True where it is faster.
bool suits_winograd(const Convolution& shape);
void winograd(const Convolution& shape, Rows<const float> x, const float* weight, Rows<float> z,
              const Finish& finish);
void winograd_weight_gradient(const Convolution& shape, Rows<const float> x, Rows<const float> dz, float* dweight);
void winograd_input_gradient(const Convolution& shape, const float* weight, Rows<const float> dz, Rows<float> dx);

}  // namespace grapnel::detection::kernels
