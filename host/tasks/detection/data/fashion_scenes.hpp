// Makes a small detection set out of real pictures: items of clothing from Fashion-MNIST, enlarged, tinted
// and laid out on smooth coloured backgrounds, as JPEG files and COCO JSON with exact boxes.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace grapnel::detection::data {

struct FashionScenesOptions {
  std::string out;        // folder: {train,val}/*.jpg, annotations/{train,val}.json, fashion_scenes.json
  int64_t train = 1500;   // scenes from Fashion-MNIST's training part
  int64_t val = 300;      // scenes from its test part
  int64_t size_px = 160;  // scenes are square; 96 to 4096
  uint64_t seed = 0;
  // Folder of the four IDX files as Debian's dataset-fashion-mnist installs them.
  std::string source = "/usr/share/datasets/fashion-mnist";
  int threads = 0;  // 0: one a processor; the bytes written do not depend on it
  // Called with (scenes done, scenes in all), never from two threads at once; may be empty.
  std::function<void(int64_t, int64_t)> progress;
};

// Writes the set into a hidden sibling of `out` and renames it when it is complete, so `out` is whole or
// absent. A set made before by this function is replaced. Failure(kConfig) for a number out of range or an
// `out` that holds something else; Failure(kRun) for IDX files that are missing or broken and for a disk that
// fails.
void write_fashion_scenes(const FashionScenesOptions& options);

}  // namespace grapnel::detection::data
