// JPEG through libjpeg-turbo: decodes at 1, 1/2, 1/4 or 1/8 of the size, and only the part that is asked for.
// What it does not take (four colour components, 12 bits, a picture that its EXIF data turns) or cannot
// decode is left to OpenCV: every function then says so and throws nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <opencv2/core.hpp>
#include <optional>

namespace grapnel::detection::data {

constexpr int kMostHalvings = 3;

// ceil(size / 2^halvings).
inline cv::Size halved(cv::Size size, int halvings) {
  const int add = (1 << halvings) - 1;
  return {(size.width + add) >> halvings, (size.height + add) >> halvings};
}

// A part of a picture: its top left pixel is the picture's pixel `origin`.
struct PicturePart {
  cv::Mat image;  // uint8 BGR [H, W, 3]
  cv::Point origin;
};

// The size in the header of a JPEG that decode_jpeg takes; empty for every other file. Allocates nothing of
// the picture's size.
std::optional<cv::Size> jpeg_size(const uint8_t* bytes, size_t size);

// The picture at 1 / 2^halvings of its size (halved()), at least the pixels of `window`, which lies inside of
// it and is not empty. A pixel's value does not depend on the window. Empty when libjpeg gives up.
std::optional<PicturePart> decode_jpeg(const uint8_t* bytes, size_t size, int halvings, cv::Rect window);

}  // namespace grapnel::detection::data
