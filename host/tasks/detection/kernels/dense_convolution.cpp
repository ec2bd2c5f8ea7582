// Dense 3x3 convolution as nine products of matrices that add up in registers. Input rows are copied into a
// zero-padded strip first, so that no border is special and the strip stays in the second-level cache.
#include <array>
#include <cstring>
#include <vector>

#include "tasks/detection/kernels/convolution_passes.hpp"

namespace grapnel::detection::kernels {
namespace {

constexpr int64_t kTaps = 9;

// Output rows that are made from one strip.
int64_t rows_a_strip(int64_t row_size, int64_t stride, int64_t most) {
  constexpr int64_t kFloats = 49152;  // 192 KiB
  return std::clamp<int64_t>((kFloats / row_size - 2) / stride, 1, most);
}

// A weight [out][taps][in] with its channels padded, or the weight itself.
class PaddedWeight {
 public:
  PaddedWeight(const float* weight, int64_t out, int64_t in) : data_(weight) {
    const int64_t depth = padded(in);
    if (depth == in) return;
    copy_.assign(static_cast<size_t>(out * kTaps * depth), 0.0F);
    for (int64_t i = 0; i < out * kTaps; ++i) std::memcpy(&copy_[static_cast<size_t>(i * depth)], weight + i * in,
                                                          static_cast<size_t>(in) * sizeof(float));
    data_ = copy_.data();
  }
  const float* data() const { return data_; }

 private:
  const float* data_;
  std::vector<float> copy_;
};

// z = convolution of x, with the weight packed as [9][depth of x's strip][out_channels].
void convolve_packed(const Convolution& shape, Rows<const float> x, const float* packed, Rows<float> z,
                     const Finish& finish) {
  const Strip strip{shape.height, shape.width, shape.in_channels, -1, (shape.out_width - 1) * shape.stride + 3};
  const int64_t depth = strip.depth();
  const int64_t most = rows_a_strip(strip.row_size(), shape.stride, shape.out_height);
  const int64_t strip_size = ((most - 1) * shape.stride + 3) * strip.row_size();
  Floats strips(strip_size * thread_count());
  std::array<int64_t, kTaps> taps{};
  for (int64_t k = 0; k < kTaps; ++k) taps[static_cast<size_t>(k)] = (k / 3) * strip.row_size() + (k % 3) * depth;

  over_picture_rows(shape.batch, shape.out_height, [&](int thread, int64_t picture, int64_t first, int64_t last) {
    float* mine = strips.get() + thread * strip_size;
    for (int64_t row = first; row < last; row += most) {
      const int64_t rows = std::min(most, last - row);
      strip.copy(x.from(picture * shape.height * shape.width), row * shape.stride - 1,
                 (row + rows - 1) * shape.stride + 2, mine);
      const Rows<float> out = z.from((picture * shape.out_height + row) * shape.out_width);
      for (int64_t n = 0; n < shape.out_channels; n += table().panel) {
        const PackedShape panel{kTaps, depth, std::min(table().panel, shape.out_channels - n)};
        for (int64_t r = 0; r < rows; ++r) {
          table().multiply({mine + r * shape.stride * strip.row_size(), shape.stride * depth}, shape.out_width,
                           taps.data(), packed + n * kTaps * depth, panel,
                           {out.data + r * shape.out_width * out.stride + n, out.stride});
        }
      }
      finish_rows(finish, thread, out, rows * shape.out_width, shape.out_channels);
    }
  });
}

void weight_gradient(const Convolution& shape, Rows<const float> x, Rows<const float> dz, float* dweight) {
  const Strip strip{shape.height, shape.width, shape.in_channels, -1, (shape.out_width - 1) * shape.stride + 3};
  const int64_t depth = strip.depth();
  const int64_t most = rows_a_strip(strip.row_size(), shape.stride, shape.out_height);
  const int64_t strip_size = ((most - 1) * shape.stride + 3) * strip.row_size();
  Floats strips(strip_size * thread_count());
  ThreadSums sums(shape.out_channels * kTaps * depth);
  std::vector<int64_t> dz_rows(static_cast<size_t>(most));
  std::vector<int64_t> x_rows(static_cast<size_t>(most));
  for (int64_t r = 0; r < most; ++r) {
    dz_rows[static_cast<size_t>(r)] = r * shape.out_width * dz.stride;
    x_rows[static_cast<size_t>(r)] = r * shape.stride * strip.row_size();
  }
  over_picture_rows(shape.batch, shape.out_height, [&](int thread, int64_t picture, int64_t first, int64_t last) {
    float* mine = strips.get() + thread * strip_size;
    float* total = sums.of(thread);
    for (int64_t row = first; row < last; row += most) {
      const int64_t rows = std::min(most, last - row);
      strip.copy(x.from(picture * shape.height * shape.width), row * shape.stride - 1,
                 (row + rows - 1) * shape.stride + 2, mine);
      const Rows<const float> gradients = dz.from((picture * shape.out_height + row) * shape.out_width);
      const Segments segments{rows, dz_rows.data(), x_rows.data()};
      for (int64_t k = 0; k < kTaps; ++k) {
        table().multiply_transposed(gradients,
                                    {mine + (k / 3) * strip.row_size() + (k % 3) * depth, shape.stride * depth},
                                    shape.out_width, segments, shape.out_channels, depth,
                                    {total + k * depth, kTaps * depth});
      }
    }
  });
  if (depth == shape.in_channels) {
    sums.finish(dweight);
    return;
  }
  Floats whole(shape.out_channels * kTaps * depth);
  sums.finish(whole.get());
  for (int64_t i = 0; i < shape.out_channels * kTaps; ++i) {
    std::memcpy(dweight + i * shape.in_channels, whole.get() + i * depth,
                static_cast<size_t>(shape.in_channels) * sizeof(float));
  }
}

// With stride 1 the input's gradient is a convolution of dz with the weight turned around.
void input_gradient(const Convolution& shape, const float* weight, Rows<const float> dz, Rows<float> dx) {
  const int64_t in = shape.in_channels;
  const int64_t out = shape.out_channels;
  Floats packed(kTaps * in * out);
  pack_panels(weight + (kTaps - 1) * in, {kTaps, out, in}, -in, kTaps * in, 1, packed.get());
  const Convolution reverse{shape.batch, out, shape.out_height, shape.out_width, in, shape.height, shape.width,
                            3, 1, false};
  convolve_packed(reverse, dz, packed.get(), dx, {});
}

// With stride 2 each of the four pixels of a 2 x 2 block has its own taps: an even row (or column) is met by the
// middle one of its own output row, an odd one by the last of its own and the first of the next.
struct Phase {
  int64_t row, column;           // of the block's pixel
  std::vector<int64_t> taps;     // indices into the weight's nine
  std::vector<int64_t> offsets;  // of the tap's output pixel in the strip of dz
};

std::array<Phase, 4> phases_of(int64_t row_size, int64_t depth) {
  std::array<Phase, 4> phases;
  for (size_t p = 0; p < phases.size(); ++p) {
    Phase& phase = phases[p];
    phase.row = static_cast<int64_t>(p) / 2;
    phase.column = static_cast<int64_t>(p) % 2;
    for (int64_t down = 0; down <= phase.row; ++down) {
      for (int64_t along = 0; along <= phase.column; ++along) {
        const int64_t ky = phase.row + 1 - 2 * down;
        const int64_t kx = phase.column + 1 - 2 * along;
        phase.taps.push_back(ky * 3 + kx);
        phase.offsets.push_back(down * row_size + along * depth);
      }
    }
  }
  return phases;
}

void strided_input_gradient(const Convolution& shape, const float* weight, Rows<const float> dz, Rows<float> dx) {
  const int64_t in = shape.in_channels;
  const int64_t out = shape.out_channels;
  const int64_t block_columns = (shape.width + 1) / 2;
  const Strip strip{shape.out_height, shape.out_width, out, 0, block_columns + 1};
  const std::array<Phase, 4> phases = phases_of(strip.row_size(), out);
  Floats packed(kTaps * in * out);
  std::array<const float*, 4> packed_of{};
  float* next = packed.get();
  for (size_t p = 0; p < phases.size(); ++p) {
    const std::vector<int64_t>& taps = phases[p].taps;
    const auto count = static_cast<int64_t>(taps.size());
    Floats chosen(out * count * in);
    for (int64_t n = 0; n < out; ++n) {
      for (int64_t s = 0; s < count; ++s) {
        std::memcpy(chosen.get() + (n * count + s) * in, weight + (n * kTaps + taps[static_cast<size_t>(s)]) * in,
                    static_cast<size_t>(in) * sizeof(float));
      }
    }
    pack_panels(chosen.get(), {count, out, in}, in, count * in, 1, next);
    packed_of[p] = next;
    next += count * out * in;
  }

  const int64_t block_rows = (shape.height + 1) / 2;
  const int64_t most = rows_a_strip(strip.row_size(), 1, block_rows);
  const int64_t strip_size = (most + 1) * strip.row_size();
  Floats strips(strip_size * thread_count());
  over_picture_rows(shape.batch, block_rows, [&](int thread, int64_t picture, int64_t first, int64_t last) {
    float* mine = strips.get() + thread * strip_size;
    float* to = dx.data + picture * shape.height * shape.width * dx.stride;
    for (int64_t row = first; row < last; row += most) {
      const int64_t rows = std::min(most, last - row);
      strip.copy(dz.from(picture * shape.out_height * shape.out_width), row,
                 row + rows + 1, mine);
      for (size_t p = 0; p < phases.size(); ++p) {
        const Phase& phase = phases[p];
        const auto count = static_cast<int64_t>(phase.taps.size());
        const int64_t columns = (shape.width - phase.column + 1) / 2;
        for (int64_t n = 0; n < in; n += table().panel) {
          const PackedShape panel{count, out, std::min(table().panel, in - n)};
          for (int64_t r = 0; r < rows; ++r) {
            const int64_t y = 2 * (row + r) + phase.row;
            if (y >= shape.height) continue;
            table().multiply({mine + r * strip.row_size(), out}, columns, phase.offsets.data(),
                             packed_of[p] + n * count * out, panel,
                             {to + (y * shape.width + phase.column) * dx.stride + n, 2 * dx.stride});
          }
        }
      }
    }
  });
}

}  // namespace

void dense(const Convolution& shape, Rows<const float> x, const float* weight, Rows<float> z,
           const Finish& finish) {
  if (suits_winograd(shape)) {
    winograd(shape, x, weight, z, finish);
    return;
  }
  const int64_t depth = padded(shape.in_channels);
  const PaddedWeight whole(weight, shape.out_channels, shape.in_channels);
  Floats packed(kTaps * depth * shape.out_channels);
  pack_panels(whole.data(), {kTaps, depth, shape.out_channels}, depth, 1, kTaps * depth, packed.get());
  convolve_packed(shape, x, packed.get(), z, finish);
}

void dense_backward(const Convolution& shape, Rows<const float> x, const float* weight, Rows<const float> dz,
                    Rows<float> dx, float* dweight) {
  if (suits_winograd(shape)) {
    winograd_weight_gradient(shape, x, dz, dweight);
  } else {
    weight_gradient(shape, x, dz, dweight);
  }
  if (dx.data == nullptr) return;
  if (suits_winograd(shape)) {
    winograd_input_gradient(shape, weight, dz, dx);
  } else if (shape.stride == 1) {
    input_gradient(shape, weight, dz, dx);
  } else {
    strided_input_gradient(shape, weight, dz, dx);
  }
}

}  // namespace grapnel::detection::kernels
