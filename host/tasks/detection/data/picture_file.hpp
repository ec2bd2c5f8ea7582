// Reads a picture from disk and refuses what is damaged. OpenCV decodes a truncated JPEG without a word and
// paints the missing part grey, so the end of a JPEG or PNG is looked for first.
#pragma once

#include <cstdint>
#include <opencv2/core.hpp>
#include <string>

#include "tasks/detection/data/jpeg_decoder.hpp"

namespace grapnel::detection::data {

// The picture as uint8 BGR [H, W, 3], turned as its EXIF orientation says unless that contradicts the given
// size and the stored orientation agrees with it (0: any size is right). Failure(kRun) naming the file when
// it is missing, empty, no picture, truncated, or of another size.
cv::Mat read_picture(const std::string& path, int64_t width_px = 0, int64_t height_px = 0);

// At least the pixels of `window` of the same picture at 1 / 2^halvings of its size (halved()). Of a JPEG
// libjpeg makes that size while it decodes, and decodes no more than it must; of others the mean of each
// square is taken. The pixels do not depend on the window. Failure(kRun) as read_picture.
PicturePart read_picture_part(const std::string& path, int64_t width_px, int64_t height_px, int halvings,
                              cv::Rect window);

// The size that read_picture gives, out of the header where that is enough.
cv::Size picture_size(const std::string& path);

// "" or why the bytes are no complete JPEG or PNG; "" also for other formats.
std::string find_truncation(const uint8_t* bytes, size_t size);

}  // namespace grapnel::detection::data
