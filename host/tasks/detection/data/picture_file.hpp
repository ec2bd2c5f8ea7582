// Reads a picture from disk and refuses what is damaged. OpenCV decodes a truncated JPEG without a word and
// paints the missing part grey, so the end of a JPEG or PNG is looked for first.
#pragma once

#include <cstdint>
#include <opencv2/core.hpp>
#include <string>

namespace grapnel::detection::data {

// The picture as uint8 BGR [H, W, 3], turned as its EXIF orientation says unless that contradicts the given
// size and the stored orientation agrees with it (0: any size is right). Failure(kRun) naming the file when
// it is missing, empty, no picture, truncated, or of another size.
cv::Mat read_picture(const std::string& path, int64_t width_px = 0, int64_t height_px = 0);

// "" or why the bytes are no complete JPEG or PNG; "" also for other formats.
std::string find_truncation(const uint8_t* bytes, size_t size);

}  // namespace grapnel::detection::data
