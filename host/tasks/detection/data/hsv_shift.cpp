#include "tasks/detection/data/hsv_shift.hpp"

#include <algorithm>

#include "core/per_processor.hpp"

namespace grapnel::detection::data {
namespace {

// Enough for whole vectors of every instruction set, small enough for the first-level cache.
constexpr size_t kBlock = 128;

struct Planes {
  int32_t b[kBlock];
  int32_t g[kBlock];
  int32_t r[kBlock];
};

// OpenCV works with tables of (255 << 12) / v and (180 << 12) / (6 d), rounded; single precision gives the
// same numbers for every v and d of 8 bits.
constexpr float kSaturation = 255 << 12;
constexpr float kHue = (180 << 12) / 6.0f;
constexpr int32_t kHalf = 1 << 11;

GRAPNEL_PER_PROCESSOR
void shift_block(Planes& planes, int32_t hue, int32_t saturation, int32_t value) {
  int32_t* __restrict pb = planes.b;
  int32_t* __restrict pg = planes.g;
  int32_t* __restrict pr = planes.r;
  for (size_t i = 0; i < kBlock; ++i) {
    const int32_t b = pb[i];
    const int32_t g = pg[i];
    const int32_t r = pr[i];
    const int32_t most = std::max(std::max(b, g), r);
    const int32_t d = most - std::min(std::min(b, g), r);
    // d is 0 where `most` is, and so is what it multiplies.
    const auto s_step = static_cast<int32_t>(kSaturation / static_cast<float>(std::max(most, 1)) + 0.5f);
    const auto h_step = static_cast<int32_t>(kHue / static_cast<float>(std::max(d, 1)) + 0.5f);
    const int32_t s0 = (d * s_step + kHalf) >> 12;
    const int32_t red_most = -static_cast<int32_t>(most == r);
    const int32_t green_most = -static_cast<int32_t>(most == g) & ~red_most;
    const int32_t blue_most = ~(red_most | green_most);
    const int32_t t = (red_most & (g - b)) | (green_most & (b - r + 2 * d)) | (blue_most & (r - g + 4 * d));
    int32_t h = (t * h_step + kHalf) >> 12;
    h += (-static_cast<int32_t>(h < 0) & 180) + hue;
    h += -static_cast<int32_t>(h < 0) & 180;
    h -= -static_cast<int32_t>(h >= 180) & 180;
    const auto s = static_cast<float>(std::clamp(s0 + saturation, 0, 255)) * (1.0f / 255.0f);
    const auto v = static_cast<float>(std::clamp(most + value, 0, 255)) * (1.0f / 255.0f);
    const float turn = static_cast<float>(h) * (6.0f / 180.0f);
    const auto sector = static_cast<int32_t>(turn);
    const float part = turn - static_cast<float>(sector);
    // Cut, not rounded: OpenCV's vector code does so; the few pixels at the end of a row that do not fill its
    // vectors it rounds.
    const auto full = static_cast<int32_t>(v * 255.0f);
    const auto low = static_cast<int32_t>(v * (1.0f - s) * 255.0f);
    const auto falling = static_cast<int32_t>(v * (1.0f - s * part) * 255.0f);
    const auto rising = static_cast<int32_t>(v * (1.0f - s * (1.0f - part)) * 255.0f);
    const int32_t in0 = -static_cast<int32_t>(sector == 0);
    const int32_t in1 = -static_cast<int32_t>(sector == 1);
    const int32_t in2 = -static_cast<int32_t>(sector == 2);
    const int32_t in3 = -static_cast<int32_t>(sector == 3);
    const int32_t in4 = -static_cast<int32_t>(sector == 4);
    const int32_t in5 = ~(in0 | in1 | in2 | in3 | in4);
    pb[i] = (low & (in0 | in1)) | (rising & in2) | (full & (in3 | in4)) | (falling & in5);
    pg[i] = (rising & in0) | (full & (in1 | in2)) | (falling & in3) | (low & (in4 | in5));
    pr[i] = (full & (in0 | in5)) | (falling & in1) | (low & (in2 | in3)) | (rising & in4);
  }
}

GRAPNEL_PER_PROCESSOR
void split(const uint8_t* __restrict bgr, Planes& planes, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    planes.b[i] = bgr[3 * i];
    planes.g[i] = bgr[3 * i + 1];
    planes.r[i] = bgr[3 * i + 2];
  }
}

GRAPNEL_PER_PROCESSOR
void join(const Planes& planes, uint8_t* __restrict bgr, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    bgr[3 * i] = static_cast<uint8_t>(planes.b[i]);
    bgr[3 * i + 1] = static_cast<uint8_t>(planes.g[i]);
    bgr[3 * i + 2] = static_cast<uint8_t>(planes.r[i]);
  }
}

}  // namespace

void shift_hsv(uint8_t* bgr, size_t count, HsvShift shift) {
  Planes planes{};
  const int32_t hue = shift.hue % 180;
  for (size_t at = 0; at < count; at += kBlock) {
    const size_t here = std::min(kBlock, count - at);
    split(bgr + 3 * at, planes, here);
    shift_block(planes, hue, shift.saturation, shift.value);
    join(planes, bgr + 3 * at, here);
  }
}

}  // namespace grapnel::detection::data
