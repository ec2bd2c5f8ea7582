// Dense 3x3 convolution of stride 1 by Winograd's F(4 x 4, 3 x 3): tiles of 6 x 6 input pixels become 4 x 4 output
// pixels through 36 products of matrices [tiles, channels] instead of 9 times 16. Tiles are worked on in blocks
// that stay in the cache between the transforms and the products.
#include <array>
#include <vector>

#include "tasks/detection/kernels/convolution_passes.hpp"

namespace grapnel::detection::kernels {
namespace {

constexpr int64_t kTile = 4;
constexpr int64_t kSpan = 6;
constexpr int64_t kPositions = kSpan * kSpan;
constexpr int64_t kTaps = 9;
constexpr int64_t kNoOffset = 0;

int64_t tiles_of(int64_t pixels) { return (pixels + kTile - 1) / kTile; }

// One block: whole rows of tiles of one picture.
struct Blocks {
  int64_t tile_rows, tile_columns;  // of a picture
  int64_t most_rows;                // tile rows in a block

  Blocks(const Convolution& shape, int64_t most_tiles)
      : tile_rows(tiles_of(shape.height)),
        tile_columns(tiles_of(shape.width)),
        most_rows(std::clamp<int64_t>(most_tiles / tile_columns, 1, tile_rows)) {}
  int64_t most_tiles() const { return most_rows * tile_columns; }
};

// Transforms the tiles of `rows` tile rows out of a strip into [36][tiles][channels].
void transform_tiles(KernelTable::Transform transform, const Strip& strip, const float* strip_data, int64_t rows,
                     const Blocks& blocks, int64_t channels, float* to) {
  const int64_t tiles = rows * blocks.tile_columns;
  const int64_t position_step = tiles * channels;
  for (int64_t t = 0; t < tiles; ++t) {
    const float* from = strip_data + (t / blocks.tile_columns) * kTile * strip.row_size() +
                        (t % blocks.tile_columns) * kTile * strip.depth();
    transform({from, strip.row_size(), strip.depth()}, channels,
              {to + t * channels, kSpan * position_step, position_step}, kSpan, kSpan);
  }
}

// Transforms a weight [out][9][in] into [36][out][in]; turned around for the input's gradient.
void transform_weight(const float* weight, int64_t out, int64_t in, bool turned, float* to) {
  const int64_t step = turned ? -in : in;
  over_chunks(out, [&](int, int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      const float* from = weight + n * kTaps * in + (turned ? (kTaps - 1) * in : 0);
      table().winograd_weight({from, 3 * step, step}, in, {to + n * in, kSpan * out * in, out * in}, kSpan, kSpan);
    }
  });
}

// 36 right factors [depth, columns], packed one after the other.
void pack_positions(const float* transformed, int64_t depth, int64_t columns, int64_t row_step,
                    int64_t column_step, float* packed) {
  over_chunks(kPositions, [&](int, int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) {
      table().pack(transformed + p * depth * columns, {1, depth, columns}, 0, row_step, column_step,
                   packed + p * depth * columns);
    }
  });
}

void convolve_packed(const Convolution& shape, Rows<const float> x, const float* packed, Rows<float> z,
                     const Finish& finish) {
  const int64_t in = shape.in_channels;
  const int64_t out = shape.out_channels;
  const Blocks blocks(shape, std::clamp<int64_t>(6144 / (in + out), 8, 32));
  const Strip strip{shape.height, shape.width, in, -1, blocks.tile_columns * kTile + 2};
  const int64_t strip_size = (blocks.most_rows * kTile + 2) * strip.row_size();
  const int64_t in_size = kPositions * blocks.most_tiles() * in;
  const int64_t out_size = kPositions * blocks.most_tiles() * out;
  Floats memory((strip_size + in_size + out_size) * thread_count());
  const PackedShape product{1, in, out};

  over_picture_rows(shape.batch, blocks.tile_rows, [&](int thread, int64_t picture, int64_t first, int64_t last) {
    float* strip_data = memory.get() + thread * (strip_size + in_size + out_size);
    float* inputs = strip_data + strip_size;
    float* outputs = inputs + in_size;
    for (int64_t row = first; row < last; row += blocks.most_rows) {
      const int64_t rows = std::min(blocks.most_rows, last - row);
      const int64_t tiles = rows * blocks.tile_columns;
      strip.copy(x.from(picture * shape.height * shape.width), row * kTile - 1, (row + rows) * kTile + 1,
                 strip_data);
      transform_tiles(table().winograd_input, strip, strip_data, rows, blocks, in, inputs);
      for (int64_t p = 0; p < kPositions; ++p) {
        table().multiply({inputs + p * tiles * in, in}, tiles, &kNoOffset, packed + p * in * out, product,
                         {outputs + p * tiles * out, out});
      }
      float* to = z.data + picture * shape.height * shape.width * z.stride;
      for (int64_t t = 0; t < tiles; ++t) {
        const int64_t y = (row + t / blocks.tile_columns) * kTile;
        const int64_t left = t % blocks.tile_columns * kTile;
        table().winograd_output({outputs + t * out, kSpan * tiles * out, tiles * out}, out,
                                {to + (y * shape.width + left) * z.stride, shape.width * z.stride, z.stride},
                                std::min(kTile, shape.height - y), std::min(kTile, shape.width - left));
      }
      const int64_t end = std::min((row + rows) * kTile, shape.height);
      finish_rows(finish, thread, {to + row * kTile * shape.width * z.stride, z.stride},
                  (end - row * kTile) * shape.width, out);
    }
  });
}

}  // namespace

bool suits_winograd(const Convolution& shape) {
  constexpr int64_t kMostWeights = 512 * 512;  // whose 36 positions a thread keeps for the weight's gradient
  return shape.kernel == 3 && shape.stride == 1 && !shape.depthwise && shape.in_channels % kChannelStep == 0 &&
         shape.in_channels >= 16 && shape.in_channels * shape.out_channels <= kMostWeights &&
         tiles_of(shape.height) * tiles_of(shape.width) >= 8;
}

void winograd(const Convolution& shape, Rows<const float> x, const float* weight, Rows<float> z,
              const Finish& finish) {
  const int64_t in = shape.in_channels;
  const int64_t out = shape.out_channels;
  Floats transformed(kPositions * in * out);
  Floats packed(kPositions * in * out);
  transform_weight(weight, out, in, false, transformed.get());
  pack_positions(transformed.get(), in, out, 1, in, packed.get());
  convolve_packed(shape, x, packed.get(), z, finish);
}

void winograd_input_gradient(const Convolution& shape, const float* weight, Rows<const float> dz,
                             Rows<float> dx) {
  const int64_t in = shape.in_channels;
  const int64_t out = shape.out_channels;
  Floats transformed(kPositions * in * out);
  Floats packed(kPositions * in * out);
  transform_weight(weight, out, in, true, transformed.get());
  pack_positions(transformed.get(), out, in, in, 1, packed.get());
  Convolution reverse = shape;
  std::swap(reverse.in_channels, reverse.out_channels);
  convolve_packed(reverse, dz, packed.get(), dx, {});
}

void winograd_weight_gradient(const Convolution& shape, Rows<const float> x, Rows<const float> dz,
                              float* dweight) {
  const int64_t in = shape.in_channels;
  const int64_t out = shape.out_channels;
  const int64_t pixels = shape.height * shape.width;
  const Blocks blocks(shape, 64);
  const Strip x_strip{shape.height, shape.width, in, -1, blocks.tile_columns * kTile + 2};
  const Strip dz_strip{shape.height, shape.width, out, 0, blocks.tile_columns * kTile};
  const int64_t x_size = (blocks.most_rows * kTile + 2) * x_strip.row_size();
  const int64_t dz_size = blocks.most_rows * kTile * dz_strip.row_size();
  const int64_t in_size = kPositions * blocks.most_tiles() * in;
  const int64_t out_size = kPositions * blocks.most_tiles() * out;
  const int64_t strip_size = std::max(x_size, dz_size);
  Floats memory((strip_size + in_size + out_size) * thread_count());
  ThreadSums sums(kPositions * in * out);
  const Segments whole{1, &kNoOffset, &kNoOffset};

  over_picture_rows(shape.batch, blocks.tile_rows, [&](int thread, int64_t picture, int64_t first, int64_t last) {
    float* strip_data = memory.get() + thread * (strip_size + in_size + out_size);
    float* inputs = strip_data + strip_size;
    float* gradients = inputs + in_size;
    float* total = sums.of(thread);
    for (int64_t row = first; row < last; row += blocks.most_rows) {
      const int64_t rows = std::min(blocks.most_rows, last - row);
      const int64_t tiles = rows * blocks.tile_columns;
      x_strip.copy(x.from(picture * pixels), row * kTile - 1, (row + rows) * kTile + 1, strip_data);
      transform_tiles(table().winograd_input, x_strip, strip_data, rows, blocks, in, inputs);
      dz_strip.copy(dz.from(picture * pixels), row * kTile, (row + rows) * kTile, strip_data);
      transform_tiles(table().winograd_gradient, dz_strip, strip_data, rows, blocks, out, gradients);
      for (int64_t p = 0; p < kPositions; ++p) {
        table().multiply_transposed({gradients + p * tiles * out, out}, {inputs + p * tiles * in, in}, tiles,
                                    whole, out, in, {total + p * in * out, in});
      }
    }
  });
  Floats transformed(kPositions * in * out);
  sums.finish(transformed.get());
  over_chunks(out, [&](int, int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      table().winograd_weight_gradient({transformed.get() + n * in, kSpan * out * in, out * in}, in,
                                       {dweight + n * kTaps * in, 3 * in, in}, 3, 3);
    }
  });
}

}  // namespace grapnel::detection::kernels
