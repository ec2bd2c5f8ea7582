// Reads IDX files (LeCun, "The MNIST database", file formats), gzip-compressed or plain: the form in which
// Fashion-MNIST is distributed. Unsigned bytes only. No LibTorch in here.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace grapnel {

struct IdxArray {
  std::vector<int64_t> shape;  // [N, 28, 28] for images, [N] for labels
  std::vector<uint8_t> bytes;  // row-major
};

// Failure(kRun) naming the file when it is missing, is no IDX file of bytes, has another number of
// dimensions, is truncated, or carries bytes past its end.
IdxArray read_idx(const std::string& path, size_t dimensions);

// A labelled set of grey pictures: `images` and `labels` files that belong together.
struct IdxPictures {
  int64_t count = 0;
  int64_t height_px = 0;
  int64_t width_px = 0;
  std::vector<uint8_t> pixels;  // [count, height, width], 0 black
  std::vector<uint8_t> labels;  // [count], each < class_count
};

// `folder`/`part`-images-idx3-ubyte.gz and -labels-idx1-ubyte.gz; part is "train" or "t10k". Failure(kRun) as
// read_idx, and when the counts differ or a label is not below `class_count`.
IdxPictures read_idx_pictures(const std::string& folder, const std::string& part, int64_t class_count);

}  // namespace grapnel
