// Bilinear sampling of one row along a line through a picture: the inner loop of every drawing. Fractions
// have 7 bits and sums are exact, so the vector code and the plain one give the same bytes.
#pragma once

#include <cstdint>
#include <opencv2/core.hpp>

namespace grapnel::detection::data {

// Where the samples of a row lie: positions in px (whole numbers are centres) as fixed-point numbers with 32
// bits behind the point.
struct SampleLine {
  int64_t x = 0;
  int64_t y = 0;
  int64_t step_x = 0;
  int64_t step_y = 0;

  SampleLine from(int64_t count) const { return {x + count * step_x, y + count * step_y, step_x, step_y}; }
};

// Samples [0, count) into `out`, three bytes each. `picture` is uint8 BGR. Positions beyond its outermost
// centres take the nearest pixel's colour.
void sample_clamped(const cv::Mat& picture, SampleLine line, int count, uint8_t* out);
// The same for positions with 0 <= x < cols - 2 and 0 <= y < rows - 1, rounding to 1/128 included. Writes
// nothing behind the last sample.
void sample_inside(const cv::Mat& picture, SampleLine line, int count, uint8_t* out);

// to = (to + from) / 2, rounded down.
void average_bytes(uint8_t* to, const uint8_t* from, size_t count);

}  // namespace grapnel::detection::data
