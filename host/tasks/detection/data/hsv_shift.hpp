// Shifts hue, saturation and value of a row of pixels in one pass, bit for bit what OpenCV's 8-bit
// BGR -> HSV (hue 0..179), an addition (hue modulo 180, the others clipped to 0..255) and HSV -> BGR give.
#pragma once

#include <cstddef>
#include <cstdint>

namespace grapnel::detection::data {

struct HsvShift {
  int hue = 0;  // -180..180
  int saturation = 0;
  int value = 0;
};

// `bgr` holds `count` pixels of three bytes.
void shift_hsv(uint8_t* bgr, size_t count, HsvShift shift);

}  // namespace grapnel::detection::data
