// The kernels' bodies, on GCC's vector types of GRAPNEL_LANES floats. Included by one source file for each
// instruction set, which defines GRAPNEL_LANES and GRAPNEL_TILE_ROWS before. Everything has internal linkage,
// and nothing of the standard library is instantiated: code for one processor must not be picked for another.
#include <cstdint>
#include <cstring>
#if defined(__AVX512F__)
#include <immintrin.h>
#endif

#include "tasks/detection/kernels/kernel_table.hpp"

namespace grapnel::detection::kernels {
namespace {

template <int kLanes>
struct VectorOf;
template <>
struct VectorOf<8> {
  using Float = float __attribute__((vector_size(32)));
  using Int = int32_t __attribute__((vector_size(32)));
};
template <>
struct VectorOf<16> {
  using Float = float __attribute__((vector_size(64)));
  using Int = int32_t __attribute__((vector_size(64)));
};

constexpr int kLanes = GRAPNEL_LANES;
constexpr int kTileRows = GRAPNEL_TILE_ROWS;
constexpr int kPanel = 2 * kLanes;  // columns of a packed panel

#define GRAPNEL_INLINE [[gnu::always_inline]] inline

template <int kN>
GRAPNEL_INLINE typename VectorOf<kN>::Float load(const float* from) {
  typename VectorOf<kN>::Float value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

template <int kN>
GRAPNEL_INLINE void store(float* to, typename VectorOf<kN>::Float value) {
  std::memcpy(to, &value, sizeof value);
}

// ---- matrices ---------------------------------------------------------------------------------------------

// c[r, v] (+)= sum over segments s and k < depth of
//   a[a_segments[s] + r * row_step + k * depth_step] * b[s, k][v]
// for kRows rows and kVectors * kN columns, in registers. b's rows lie b_step apart from b_segments[s] on, or
// one after the other when there is no b_segments.
template <int kRows, int kVectors, int kN, bool kAdd>
GRAPNEL_INLINE void tile(const float* __restrict a, int64_t row_step, int64_t depth_step, int64_t depth,
                         const Segments& segments, const float* __restrict b, int64_t b_step,
                         float* __restrict c, int64_t c_step) {
  using Float = typename VectorOf<kN>::Float;
  Float sums[kRows][kVectors];
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      sums[r][v] = kAdd ? load<kN>(c + r * c_step + v * kN) : Float{};
    }
  }
  const float* b_row = b;
  for (int64_t s = 0; s < segments.count; ++s) {
    const float* a_column = a + segments.a[s];
    if (segments.b != nullptr) b_row = b + segments.b[s];
    for (int64_t k = 0; k < depth; ++k) {
      Float columns[kVectors];
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) columns[v] = load<kN>(b_row + v * kN);
#pragma GCC unroll 16
      for (int r = 0; r < kRows; ++r) {
        const float factor = a_column[r * row_step];
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; ++v) sums[r][v] += factor * columns[v];
      }
      a_column += depth_step;
      b_row += b_step;
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) store<kN>(c + r * c_step + v * kN, sums[r][v]);
  }
}

// The rows that are left of a strip: the largest power of two of them at a time.
template <int kRows, int kVectors, int kN, bool kAdd>
void last_rows(const float* a, int64_t row_step, int64_t depth_step, int64_t rows, int64_t depth,
               const Segments& segments, const float* b, int64_t b_step, float* c, int64_t c_step) {
  if (rows >= kRows) {
    tile<kRows, kVectors, kN, kAdd>(a, row_step, depth_step, depth, segments, b, b_step, c, c_step);
    a += kRows * row_step;
    c += kRows * c_step;
    rows -= kRows;
  }
  if constexpr (kRows > 1) {
    last_rows<kRows / 2, kVectors, kN, kAdd>(a, row_step, depth_step, rows, depth, segments, b, b_step, c, c_step);
  }
}

// All rows of a strip of kVectors * kN columns.
template <int kVectors, int kN, bool kAdd>
void strip(const float* a, int64_t row_step, int64_t depth_step, int64_t rows, int64_t depth,
           const Segments& segments, const float* b, int64_t b_step, float* c, int64_t c_step) {
  int64_t r = 0;
  for (; r + kTileRows <= rows; r += kTileRows) {
    tile<kTileRows, kVectors, kN, kAdd>(a + r * row_step, row_step, depth_step, depth, segments, b, b_step,
                                        c + r * c_step, c_step);
  }
  last_rows<kTileRows / 2, kVectors, kN, kAdd>(a + r * row_step, row_step, depth_step, rows - r, depth, segments,
                                               b, b_step, c + r * c_step, c_step);
}

// Columns of the next strip: a whole panel, half of one or 8.
int64_t strip_columns(int64_t left) { return left >= kPanel ? kPanel : left >= kLanes ? kLanes : kChannelStep; }

template <bool kAdd>
void strip_of(int64_t columns, const float* a, int64_t row_step, int64_t depth_step, int64_t rows, int64_t depth,
              const Segments& segments, const float* b, int64_t b_step, float* c, int64_t c_step) {
  if (columns == kPanel) {
    strip<2, kLanes, kAdd>(a, row_step, depth_step, rows, depth, segments, b, b_step, c, c_step);
  } else if (columns == kLanes) {
    strip<1, kLanes, kAdd>(a, row_step, depth_step, rows, depth, segments, b, b_step, c, c_step);
  } else {
    strip<1, 8, kAdd>(a, row_step, depth_step, rows, depth, segments, b, b_step, c, c_step);
  }
}

void pack(const float* b, PackedShape shape, int64_t segment_step, int64_t row_step, int64_t column_step,
          float* packed) {
  for (int64_t n = 0, count = 0; n < shape.columns; n += count) {
    count = strip_columns(shape.columns - n);
    for (int64_t s = 0; s < shape.segments; ++s) {
      for (int64_t k = 0; k < shape.depth; ++k) {
        const float* from = b + s * segment_step + k * row_step + n * column_step;
        for (int64_t j = 0; j < count; ++j) packed[j] = from[j * column_step];
        packed += count;
      }
    }
  }
}

void multiply(Rows<const float> a, int64_t rows, const int64_t* offsets, const float* packed, PackedShape shape,
              Rows<float> c) {
  const Segments segments{shape.segments, offsets, nullptr};
  for (int64_t n = 0, count = 0; n < shape.columns; n += count) {
    count = strip_columns(shape.columns - n);
    strip_of<false>(count, a.data, a.stride, 1, rows, shape.depth, segments, packed, count, c.data + n, c.stride);
    packed += shape.segments * shape.depth * count;
  }
}

void multiply_transposed(Rows<const float> a, Rows<const float> b, int64_t rows, const Segments& segments,
                         int64_t m, int64_t n, Rows<float> c) {
  for (int64_t j = 0, count = 0; j < n; j += count) {
    count = strip_columns(n - j);
    strip_of<true>(count, a.data, 1, a.stride, m, rows, segments, b.data + j, b.stride, c.data + j, c.stride);
  }
}

// ---- normalisation and activation -------------------------------------------------------------------------

// 1 / (1 + e^-x) to about 2e-7: e^-x as 2^n * 2^r with Cephes' polynomial for 2^r, |r| <= 1/2. Beyond +-87 as at
// 87, where it is 0 or 1 in float. Not-a-number may come out as any number: the caller multiplies by x.
template <int kN>
GRAPNEL_INLINE typename VectorOf<kN>::Float sigmoid(typename VectorOf<kN>::Float x) {
  using Float = typename VectorOf<kN>::Float;
  constexpr float kLimit = 126.0F;
  Float t = x * -1.44269504F;
#if defined(__AVX512F__)
  if constexpr (kN == 16) t = _mm512_min_ps(t, _mm512_set1_ps(kLimit));
#endif
  if constexpr (kN != 16) {
    t = t > kLimit ? Float{} + kLimit : t;
    t = t < -kLimit ? Float{} - kLimit : t;
  }
  const auto power_of_two = [](Float r) {
    Float p = Float{} + 1.535336188319500e-4F;
    p = p * r + 1.339887440266574e-3F;
    p = p * r + 9.618437357674640e-3F;
    p = p * r + 5.550332471162809e-2F;
    p = p * r + 2.402264791363012e-1F;
    p = p * r + 6.931472028550421e-1F;
    return p * r + 1.0F;
  };
#if defined(__AVX512F__)
  if constexpr (kN == 16) {
    // Its own instructions for rounding, for scaling by 2^n, and an estimate of 14 bits for a reciprocal, which a
    // step of Newton's method doubles: half the time of a division.
    const Float n = _mm512_roundscale_ps(t, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    const Float sum = 1.0F + _mm512_scalef_ps(power_of_two(t - n), n);
    const Float estimate = _mm512_rcp14_ps(sum);
    return estimate * (2.0F - sum * estimate);
  }
#endif
  using Int = typename VectorOf<kN>::Int;
  constexpr float kRounding = 12582912.0F;  // adding it leaves an integer in the low bits
  const Float n = (t + kRounding) - kRounding;
  const Int bits = (__builtin_convertvector(n, Int) + 127) << 23;
  Float scale;
  std::memcpy(&scale, &bits, sizeof scale);
  return 1.0F / (1.0F + power_of_two(t - n) * scale);
}

template <int kN>
struct Width {
  static constexpr int value = kN;
};

// body(Width<n>, first channel) for every vector of channels; the last one may be of 8.
template <class Body>
GRAPNEL_INLINE void over_channels(int64_t channels, const Body& body) {
  int64_t c = 0;
  for (; c + kLanes <= channels; c += kLanes) body(Width<kLanes>{}, c);
  for (; c < channels; c += 8) body(Width<8>{}, c);
}

constexpr int64_t kRowGroup = 8;  // rows that share one read and write of the sums

void moments(Rows<const float> z, int64_t rows, int64_t channels, float* sum, float* squares) {
  std::memset(sum, 0, static_cast<size_t>(channels) * sizeof(float));
  std::memset(squares, 0, static_cast<size_t>(channels) * sizeof(float));
  const auto group_end = [rows](int64_t r) { return r + kRowGroup < rows ? r + kRowGroup : rows; };
  for (int64_t r = 0; r < rows; r += kRowGroup) {
    const int64_t end = group_end(r);
    over_channels(channels, [&](auto width, int64_t c) {
      constexpr int n = decltype(width)::value;
      auto total = load<n>(sum + c);
      for (int64_t i = r; i < end; ++i) total += load<n>(z.data + i * z.stride + c);
      store<n>(sum + c, total);
    });
  }
  const float share = 1.0F / static_cast<float>(rows);
  for (int64_t r = 0; r < rows; r += kRowGroup) {
    const int64_t end = group_end(r);
    over_channels(channels, [&](auto width, int64_t c) {
      constexpr int n = decltype(width)::value;
      const auto mean = load<n>(sum + c) * share;
      auto total = load<n>(squares + c);
      for (int64_t i = r; i < end; ++i) {
        const auto difference = load<n>(z.data + i * z.stride + c) - mean;
        total += difference * difference;
      }
      store<n>(squares + c, total);
    });
  }
}

void normalise_silu(Rows<const float> z, int64_t rows, int64_t channels, Affine affine,
                    Rows<const float> shortcut, Rows<float> y) {
  for (int64_t r = 0; r < rows; ++r) {
    const float* from = z.data + r * z.stride;
    const float* added = shortcut.data == nullptr ? nullptr : shortcut.data + r * shortcut.stride;
    float* to = y.data + r * y.stride;
    over_channels(channels, [&](auto width, int64_t c) {
      constexpr int n = decltype(width)::value;
      const auto value = load<n>(from + c) * load<n>(affine.scale + c) + load<n>(affine.shift + c);
      auto activated = value * sigmoid<n>(value);
      if (added != nullptr) activated += load<n>(added + c);
      store<n>(to + c, activated);
    });
  }
}

void silu_backward(Rows<const float> z, Rows<const float> dy, int64_t rows, int64_t channels, Affine affine,
                   const float* mean, const float* inverse_deviation, Rows<float> v, GradientSums sums) {
  for (int64_t r = 0; r < rows; r += kRowGroup) {
    const int64_t end = r + kRowGroup < rows ? r + kRowGroup : rows;
    over_channels(channels, [&](auto width, int64_t c) {
      constexpr int n = decltype(width)::value;
      const auto scale = load<n>(affine.scale + c);
      const auto shift = load<n>(affine.shift + c);
      const auto centre = load<n>(mean + c);
      const auto inverse = load<n>(inverse_deviation + c);
      auto total = load<n>(sums.gradient + c);
      auto total_normalised = load<n>(sums.gradient_normalised + c);
      for (int64_t i = r; i < end; ++i) {
        const auto raw = load<n>(z.data + i * z.stride + c);
        const auto value = raw * scale + shift;
        const auto s = sigmoid<n>(value);
        const auto gradient = load<n>(dy.data + i * dy.stride + c) * (s * (1.0F + value * (1.0F - s)));
        store<n>(v.data + i * v.stride + c, gradient);
        total += gradient;
        total_normalised += gradient * ((raw - centre) * inverse);
      }
      store<n>(sums.gradient + c, total);
      store<n>(sums.gradient_normalised + c, total_normalised);
    });
  }
}

void normalise_backward(Rows<float> v, Rows<const float> z, int64_t rows, int64_t channels, const float* by_v,
                        const float* by_z, const float* constant) {
  for (int64_t r = 0; r < rows; ++r) {
    float* gradient = v.data + r * v.stride;
    const float* raw = z.data + r * z.stride;
    over_channels(channels, [&](auto width, int64_t c) {
      constexpr int n = decltype(width)::value;
      store<n>(gradient + c, load<n>(by_v + c) * load<n>(gradient + c) +
                                 (load<n>(by_z + c) * load<n>(raw + c) + load<n>(constant + c)));
    });
  }
}

// ---- depthwise convolution --------------------------------------------------------------------------------

// The rows of a padded 3 x 3 window that lie inside the picture: [first, last).
struct Taps {
  int64_t first, last;
};

GRAPNEL_INLINE Taps inside(int64_t begin, int64_t size) {
  return {begin < 0 ? -begin : 0, begin + 3 > size ? size - begin : 3};
}

// The sum over a window that lies inside the picture, one chain of additions a row.
template <int kN>
GRAPNEL_INLINE typename VectorOf<kN>::Float window(const typename VectorOf<kN>::Float* w, const float* from,
                                                   int64_t row_step, int64_t column_step) {
  typename VectorOf<kN>::Float rows[3];
#pragma GCC unroll 3
  for (int ky = 0; ky < 3; ++ky) {
    const float* at = from + ky * row_step;
    rows[ky] = w[ky * 3] * load<kN>(at);
    rows[ky] += w[ky * 3 + 1] * load<kN>(at + column_step);
    rows[ky] += w[ky * 3 + 2] * load<kN>(at + 2 * column_step);
  }
  return rows[0] + rows[1] + rows[2];
}

void depthwise(const DepthwiseShape& shape, const float* x, const float* weights, float* z, int64_t first,
               int64_t last) {
  const int64_t channels = shape.channels;
  const int64_t row_step = shape.width * channels;
  for (int64_t row = first; row < last; ++row) {
    const int64_t top = row * shape.stride - 1;
    const Taps rows = inside(top, shape.height);
    // Columns [begin, end) have their whole window inside the picture, if the row has.
    const bool whole_rows = rows.first == 0 && rows.last == 3;
    const int64_t begin = whole_rows ? 1 : shape.out_width;
    const int64_t end = whole_rows ? (shape.width - 2) / shape.stride + 1 : shape.out_width;
    over_channels(channels, [&](auto width, int64_t c) {
      constexpr int n = decltype(width)::value;
      typename VectorOf<n>::Float w[9];
      for (int k = 0; k < 9; ++k) w[k] = load<n>(weights + k * channels + c);
      float* to = z + row * shape.out_width * channels + c;
      const float* from = x + top * row_step + c;
      const auto at_border = [&](int64_t column) {
        const int64_t left = column * shape.stride - 1;
        const Taps columns = inside(left, shape.width);
        typename VectorOf<n>::Float sum{};
        for (int64_t ky = rows.first; ky < rows.last; ++ky) {
          for (int64_t kx = columns.first; kx < columns.last; ++kx) {
            sum += w[ky * 3 + kx] * load<n>(from + ky * row_step + (left + kx) * channels);
          }
        }
        store<n>(to + column * channels, sum);
      };
      const int64_t inner_end = end < shape.out_width ? end : shape.out_width;
      int64_t column = 0;
      for (; column < begin && column < shape.out_width; ++column) at_border(column);
      const float* window_from = from + (column * shape.stride - 1) * channels;
      for (; column < inner_end; ++column, window_from += shape.stride * channels) {
        store<n>(to + column * channels, window<n>(w, window_from, row_step, channels));
      }
      for (; column < shape.out_width; ++column) at_border(column);
    });
  }
}

void depthwise_input_gradient(const DepthwiseShape& shape, const float* dz, const float* weights, float* dx,
                              int64_t first, int64_t last) {
  const int64_t channels = shape.channels;
  for (int64_t row = first; row < last; ++row) {
    // The taps that reach this row, and the output rows that they belong to.
    int64_t taps[3];
    const float* from[3];
    int count = 0;
    for (int64_t ky = 0; ky < 3; ++ky) {
      const int64_t down = row + 1 - ky;
      if (down < 0 || down % shape.stride != 0 || down / shape.stride >= shape.out_height) continue;
      taps[count] = ky;
      from[count++] = dz + down / shape.stride * shape.out_width * channels;
    }
    over_channels(channels, [&](auto width, int64_t c) {
      constexpr int n = decltype(width)::value;
      typename VectorOf<n>::Float w[9];
      for (int k = 0; k < 9; ++k) w[k] = load<n>(weights + k * channels + c);
      float* to = dx + row * shape.width * channels + c;
      for (int64_t column = 0; column < shape.width; ++column, to += channels) {
        typename VectorOf<n>::Float sum{};
        for (int64_t kx = 0; kx < 3; ++kx) {
          const int64_t along = column + 1 - kx;
          if (along < 0 || along % shape.stride != 0 || along / shape.stride >= shape.out_width) continue;
          const int64_t offset = along / shape.stride * channels + c;
          for (int i = 0; i < count; ++i) sum += w[taps[i] * 3 + kx] * load<n>(from[i] + offset);
        }
        store<n>(to, sum);
      }
    });
  }
}

void depthwise_weight_gradient(const DepthwiseShape& shape, const float* x, const float* dz,
                               float* weights_gradient, int64_t first, int64_t last) {
  const int64_t channels = shape.channels;
  const int64_t row_step = shape.width * channels;
  const int64_t inner_end = (shape.width - 2) / shape.stride + 1;
  const int64_t end = inner_end < shape.out_width ? inner_end : shape.out_width;
  over_channels(channels, [&](auto width, int64_t c) {
    constexpr int n = decltype(width)::value;
    typename VectorOf<n>::Float sums[9];
    for (int k = 0; k < 9; ++k) sums[k] = load<n>(weights_gradient + k * channels + c);
    for (int64_t row = first; row < last; ++row) {
      const int64_t top = row * shape.stride - 1;
      const Taps rows = inside(top, shape.height);
      const bool whole_rows = rows.first == 0 && rows.last == 3;
      const float* gradients = dz + row * shape.out_width * channels + c;
      const float* from = x + top * row_step + c;
      for (int64_t column = 0; column < shape.out_width; ++column, gradients += channels) {
        const int64_t left = column * shape.stride - 1;
        const auto gradient = load<n>(gradients);
        const float* at = from + left * channels;
        if (whole_rows && column > 0 && column < end) {
#pragma GCC unroll 9
          for (int k = 0; k < 9; ++k) sums[k] += gradient * load<n>(at + (k / 3) * row_step + (k % 3) * channels);
          continue;
        }
        const Taps columns = inside(left, shape.width);
        for (int64_t ky = rows.first; ky < rows.last; ++ky) {
          for (int64_t kx = columns.first; kx < columns.last; ++kx) {
            const auto value = load<n>(at + ky * row_step + kx * channels);
            // Constant indices keep the sums in registers.
#pragma GCC unroll 9
            for (int k = 0; k < 9; ++k) {
              if (k == ky * 3 + kx) sums[k] += gradient * value;
            }
          }
        }
      }
    }
    for (int k = 0; k < 9; ++k) store<n>(weights_gradient + k * channels + c, sums[k]);
  });
}

// ---- Winograd's transforms --------------------------------------------------------------------------------

struct WinogradInput {
  static constexpr int kOut = 6, kIn = 6;
  static constexpr float kMatrix[6][6] = {{4, 0, -5, 0, 1, 0},  {0, -4, -4, 1, 1, 0}, {0, 4, -4, -1, 1, 0},
                                          {0, -2, -1, 2, 1, 0}, {0, 2, -1, -2, 1, 0}, {0, 4, 0, -5, 0, 1}};
};
struct WinogradWeight {
  static constexpr int kOut = 6, kIn = 3;
  static constexpr float kMatrix[6][3] = {{1.0F / 4, 0, 0},
                                          {-1.0F / 6, -1.0F / 6, -1.0F / 6},
                                          {-1.0F / 6, 1.0F / 6, -1.0F / 6},
                                          {1.0F / 24, 1.0F / 12, 1.0F / 6},
                                          {1.0F / 24, -1.0F / 12, 1.0F / 6},
                                          {0, 0, 1}};
};
struct WinogradOutput {
  static constexpr int kOut = 4, kIn = 6;
  static constexpr float kMatrix[4][6] = {
      {1, 1, 1, 1, 1, 0}, {0, 1, -1, 2, -2, 0}, {0, 1, 1, 4, 4, 0}, {0, 1, -1, 8, -8, 1}};
};

// The transposed matrix: what the gradient goes back through.
template <class Of>
struct Transposed {
  static constexpr int kOut = Of::kIn, kIn = Of::kOut;
  static constexpr float at(int row, int column) { return Of::kMatrix[column][row]; }
};
template <class Of>
struct Plain {
  static constexpr int kOut = Of::kOut, kIn = Of::kIn;
  static constexpr float at(int row, int column) { return Of::kMatrix[row][column]; }
};

// to[i * to_step] = sum over j of M(i, j) * from[j * from_step]; the matrix's zeros and ones cost nothing.
template <class M, class Float>
GRAPNEL_INLINE void combine(const Float* from, int from_step, Float* to, int to_step) {
#pragma GCC unroll 6
  for (int i = 0; i < M::kOut; ++i) {
    Float sum{};
#pragma GCC unroll 6
    for (int j = 0; j < M::kIn; ++j) {
      if (M::at(i, j) != 0) sum += M::at(i, j) * from[j * from_step];
    }
    to[i * to_step] = sum;
  }
}

template <class M>
void transform(Grid<const float> from, int64_t channels, Grid<float> to, int64_t rows, int64_t columns) {
  over_channels(channels, [&](auto width, int64_t c) {
    constexpr int n = decltype(width)::value;
    using Float = typename VectorOf<n>::Float;
    Float in[M::kIn * M::kIn];
    Float half[M::kOut * M::kIn];
    Float out[M::kOut * M::kOut];
#pragma GCC unroll 6
    for (int i = 0; i < M::kIn; ++i) {
#pragma GCC unroll 6
      for (int j = 0; j < M::kIn; ++j) {
        in[i * M::kIn + j] = load<n>(from.data + i * from.row_step + j * from.column_step + c);
      }
    }
#pragma GCC unroll 6
    for (int j = 0; j < M::kIn; ++j) combine<M>(in + j, M::kIn, half + j, M::kIn);
#pragma GCC unroll 6
    for (int i = 0; i < M::kOut; ++i) combine<M>(half + i * M::kIn, 1, out + i * M::kOut, 1);
    for (int i = 0; i < rows; ++i) {
      for (int j = 0; j < columns; ++j) {
        store<n>(to.data + i * to.row_step + j * to.column_step + c, out[i * M::kOut + j]);
      }
    }
  });
}

constexpr KernelTable kTable = {GRAPNEL_KERNEL_SET,
                                kPanel,
                                pack,
                                multiply,
                                multiply_transposed,
                                moments,
                                normalise_silu,
                                silu_backward,
                                normalise_backward,
                                depthwise,
                                depthwise_input_gradient,
                                depthwise_weight_gradient,
                                transform<Plain<WinogradInput>>,
                                transform<Plain<WinogradWeight>>,
                                transform<Plain<WinogradOutput>>,
                                transform<Transposed<WinogradOutput>>,
                                transform<Transposed<WinogradWeight>>};

}  // namespace
}  // namespace grapnel::detection::kernels
