// The inner loops of YOLOX's training step, compiled once for each instruction set and chosen when the program
// starts. All work on one thread and on rows of channels (channels-last pictures seen as matrices of pixels x
// channels). No LibTorch in here.
#pragma once

#include <cstdint>

namespace grapnel::detection::kernels {

// A matrix whose rows lie `stride` elements apart.
template <class T>
struct Rows {
  T* data;
  int64_t stride;

  // The rows from `row` on.
  Rows from(int64_t row) const { return {data + row * stride, stride}; }
};

// Where the parts of a sum begin, relative to the matrices a and b; without b, b's parts follow each other.
struct Segments {
  int64_t count;
  const int64_t* a;
  const int64_t* b;
};

// Depth [segments, depth] and columns of a right factor.
struct PackedShape {
  int64_t segments;
  int64_t depth;
  int64_t columns;
};

// BatchNorm of one layer, per channel: z -> scale * z + shift.
struct Affine {
  const float* scale;
  const float* shift;
};

// What one call of silu_backward adds up, per channel.
struct GradientSums {
  float* gradient;             // of the normalised value
  float* gradient_normalised;  // times the normalised value
};

// A depthwise convolution of kernel 3 and padding 1 over one picture. Weights are [9][channels].
struct DepthwiseShape {
  int64_t channels;
  int64_t height, width;          // of the input, px
  int64_t out_height, out_width;  // (n - 1) / stride + 1
  int64_t stride;
};

// Small square tiles of vectors of channels: element (row, column) lies at data + row * row_step +
// column * column_step.
template <class T>
struct Grid {
  T* data;
  int64_t row_step, column_step;
};

struct KernelTable {
  const char* name;

  // ---- matrices; columns in multiples of kChannelStep
  // A packed matrix's panels of this many columns may be packed one by one: that from column n on starts at
  // n * segments * depth.
  int64_t panel;
  // Packs b, whose element (segment s, k, column n) is at b[s * segment_step + k * row_step + n * column_step].
  // `packed` has segments * depth * columns floats.
  void (*pack)(const float* b, PackedShape shape, int64_t segment_step, int64_t row_step, int64_t column_step,
               float* packed);
  // c[r, n] = sum over segments s and k of a[offsets[s] + r * stride + k] * packed[s, k, n]
  void (*multiply)(Rows<const float> a, int64_t rows, const int64_t* offsets, const float* packed,
                   PackedShape shape, Rows<float> c);
  // c[m, n] += sum over segments s and r < rows of a[s, r, m] * b[s, r, n]
  void (*multiply_transposed)(Rows<const float> a, Rows<const float> b, int64_t rows, const Segments& segments,
                              int64_t m, int64_t n, Rows<float> c);

  // ---- normalisation and activation
  // Per channel: sum, and sum of squared differences from the mean of these rows.
  void (*moments)(Rows<const float> z, int64_t rows, int64_t channels, float* sum, float* squares);
  // y = silu(scale * z + shift), plus `shortcut` where its data is not null
  void (*normalise_silu)(Rows<const float> z, int64_t rows, int64_t channels, Affine affine,
                         Rows<const float> shortcut, Rows<float> y);
  // v = dy * silu'(scale * z + shift), and its sums; `mean` and `inverse_deviation` normalise z for the second.
  void (*silu_backward)(Rows<const float> z, Rows<const float> dy, int64_t rows, int64_t channels, Affine affine,
                        const float* mean, const float* inverse_deviation, Rows<float> v, GradientSums sums);
  // v = by_v * v + by_z * z + constant, the gradient of z
  void (*normalise_backward)(Rows<float> v, Rows<const float> z, int64_t rows, int64_t channels,
                             const float* by_v, const float* by_z, const float* constant);

  // ---- depthwise convolution of output rows [first, last) of one picture
  void (*depthwise)(const DepthwiseShape& shape, const float* x, const float* weights, float* z, int64_t first,
                    int64_t last);
  // dx rows [first, last), from the whole of dz
  void (*depthwise_input_gradient)(const DepthwiseShape& shape, const float* dz, const float* weights, float* dx,
                                   int64_t first, int64_t last);
  // weights_gradient[9][channels] += what output rows [first, last) give
  void (*depthwise_weight_gradient)(const DepthwiseShape& shape, const float* x, const float* dz,
                                    float* weights_gradient, int64_t first, int64_t last);

  // ---- Winograd's F(4 x 4, 3 x 3) (Lavin and Gray, "Fast algorithms for convolutional neural networks", 2015)
  // Each is to = m * from * transpose(m) for every channel, of which the upper left [rows, columns] are written.
  using Transform = void (*)(Grid<const float> from, int64_t channels, Grid<float> to, int64_t rows,
                             int64_t columns);
  Transform winograd_input;            // 6 x 6 pixels -> 6 x 6
  Transform winograd_weight;           // 3 x 3 taps -> 6 x 6
  Transform winograd_output;           // 6 x 6 -> 4 x 4 pixels
  Transform winograd_gradient;         // 4 x 4 pixels of the output's gradient -> 6 x 6
  Transform winograd_weight_gradient;  // 6 x 6 -> 3 x 3 taps
};

// Matrices and depthwise convolutions take channel counts that are multiples of this.
constexpr int64_t kChannelStep = 8;

// The best table for this processor; GRAPNEL_KERNELS = default | avx2 | avx512 in the environment picks another
// that it can run.
const KernelTable& table();

// One for each instruction set; null where the compiler's target has no such set.
const KernelTable* default_table();
const KernelTable* avx2_table();
const KernelTable* avx512_table();

}  // namespace grapnel::detection::kernels
