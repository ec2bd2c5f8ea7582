#include "tasks/detection/data/batch_plane.hpp"

#include <algorithm>

#include "core/per_processor.hpp"

namespace grapnel::detection::data {
namespace {

GRAPNEL_PER_PROCESSOR
void widen(const uint8_t* __restrict from, float* __restrict to, size_t count) {
  for (size_t i = 0; i < count; ++i) to[i] = static_cast<float>(from[i]);
}

}  // namespace

void write_plane(const cv::Mat& picture, float* plane, cv::Size plane_size, float padding) {
  const size_t row = static_cast<size_t>(plane_size.width) * 3;
  const size_t filled = static_cast<size_t>(picture.cols) * 3;
  for (int y = 0; y < picture.rows; ++y, plane += row) {
    widen(picture.ptr(y), plane, filled);
    std::fill(plane + filled, plane + row, padding);
  }
  std::fill(plane, plane + row * static_cast<size_t>(plane_size.height - picture.rows), padding);
}

}  // namespace grapnel::detection::data
