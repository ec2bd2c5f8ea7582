// Puts a picture into its place in a batch: 8-bit pixels become floats, what is left of the place is padding.
#pragma once

#include <opencv2/core.hpp>

namespace grapnel::detection::data {

// `plane` is [plane.height, plane.width, 3] floats, contiguous; the picture, not larger, goes to its top
// left. Every float is written once.
void write_plane(const cv::Mat& picture, float* plane, cv::Size plane_size, float padding);

}  // namespace grapnel::detection::data
