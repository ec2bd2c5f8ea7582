#include "tasks/detection/data/warp.hpp"

#include <algorithm>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "core/per_processor.hpp"

namespace grapnel::detection::data {
namespace {

constexpr int kFractionBits = 7;
constexpr int kOne = 1 << kFractionBits;
constexpr int kShift = 32 - kFractionBits;
constexpr int64_t kHalfFraction = int64_t{1} << (kShift - 1);  // positions are rounded to 1/128 px

void blend(const uint8_t* a, const uint8_t* b, const uint8_t* c, const uint8_t* d, int fx, int fy,
           uint8_t* out) {
  const int wa = (kOne - fx) * (kOne - fy);
  const int wb = fx * (kOne - fy);
  const int wc = (kOne - fx) * fy;
  const int wd = fx * fy;
  constexpr int kHalf = 1 << (2 * kFractionBits - 1);
  for (int i = 0; i < 3; ++i) {
    out[i] =
        static_cast<uint8_t>((a[i] * wa + b[i] * wb + c[i] * wc + d[i] * wd + kHalf) >> (2 * kFractionBits));
  }
}

void sample_inside_plain(const uint8_t* pixels, int64_t row_bytes, SampleLine line, int count, uint8_t* out) {
  for (int i = 0; i < count; ++i, out += 3, line.x += line.step_x, line.y += line.step_y) {
    const uint8_t* at = pixels + (line.y >> 32) * row_bytes + (line.x >> 32) * 3;
    blend(at, at + 3, at + row_bytes, at + row_bytes + 3, static_cast<int>(line.x >> kShift) & (kOne - 1),
          static_cast<int>(line.y >> kShift) & (kOne - 1), out);
  }
}

#if defined(__x86_64__)
// Weights of each fraction, ready to be multiplied with.
struct Weights {
  alignas(16) uint8_t rows[kOne][16];    // (1 - f, f) for pairs of bytes
  alignas(16) int16_t columns[kOne][8];  // (1 - f, f) for pairs of words
  Weights() {
    for (int f = 0; f < kOne; ++f) {
      for (int i = 0; i < 16; ++i) rows[f][i] = static_cast<uint8_t>(i % 2 ? f : kOne - f);
      for (int i = 0; i < 8; ++i) columns[f][i] = static_cast<int16_t>(i % 2 ? f : kOne - f);
    }
  }
};
const Weights kWeights;

// One sample: two pixels of two rows come as two loads of eight bytes, two of which are not used. The pixels
// are the signed factor of the first product, hence the 128 taken away here and given back with the rounding.
__attribute__((target("sse4.1"), always_inline)) inline __m128i sample(const uint8_t* at, int64_t row_bytes,
                                                                       size_t fx, size_t fy) {
  const __m128i top = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(at));
  const __m128i bottom = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(at + row_bytes));
  const __m128i pairs = _mm_xor_si128(_mm_unpacklo_epi8(top, bottom), _mm_set1_epi8(-128));
  const __m128i rows =
      _mm_maddubs_epi16(_mm_load_si128(reinterpret_cast<const __m128i*>(kWeights.rows[fy])), pairs);
  // Words b0 g0 r0 b1 g1 r1 become the pairs (b0, b1), (g0, g1), (r0, r1).
  const __m128i order = _mm_setr_epi8(0, 1, 6, 7, 2, 3, 8, 9, 4, 5, 10, 11, -1, -1, -1, -1);
  return _mm_madd_epi16(_mm_shuffle_epi8(rows, order),
                        _mm_load_si128(reinterpret_cast<const __m128i*>(kWeights.columns[fx])));
}

__attribute__((target("sse4.1"))) void sample_inside_sse41(const uint8_t* pixels, int64_t row_bytes,
                                                           SampleLine line, int count, uint8_t* out) {
  const auto next = [&]() __attribute__((target("sse4.1"), always_inline)) {
    const __m128i sum = sample(pixels + (line.y >> 32) * row_bytes + (line.x >> 32) * 3, row_bytes,
                               static_cast<size_t>(line.x >> kShift) & (kOne - 1),
                               static_cast<size_t>(line.y >> kShift) & (kOne - 1));
    line.x += line.step_x;
    line.y += line.step_y;
    constexpr int kBack = (128 << (2 * kFractionBits)) + (1 << (2 * kFractionBits - 1));
    return _mm_srai_epi32(_mm_add_epi32(sum, _mm_set1_epi32(kBack)), 2 * kFractionBits);
  };
  // Four samples are twelve bytes: packed together and written at once, as long as sixteen are there.
  const __m128i squeeze = _mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1);
  int i = 0;
  for (; i + 6 <= count; i += 4, out += 12) {
    const __m128i first = next();
    const __m128i second = next();
    const __m128i third = next();
    const __m128i fourth = next();
    const __m128i bytes = _mm_packus_epi16(_mm_packs_epi32(first, second), _mm_packs_epi32(third, fourth));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm_shuffle_epi8(bytes, squeeze));
  }
  for (; i < count; ++i, out += 3) {
    const __m128i one = next();
    const __m128i words = _mm_packs_epi32(one, one);
    const uint32_t bytes = static_cast<uint32_t>(_mm_cvtsi128_si32(_mm_packus_epi16(words, words)));
    std::memcpy(out, &bytes, 3);
  }
}
#endif

}  // namespace

void sample_clamped(const cv::Mat& picture, SampleLine line, int count, uint8_t* out) {
  const int last_x = picture.cols - 1;
  const int last_y = picture.rows - 1;
  line.x += kHalfFraction;
  line.y += kHalfFraction;
  for (int i = 0; i < count; ++i, out += 3, line.x += line.step_x, line.y += line.step_y) {
    const auto x = static_cast<int>(line.x >> 32);
    const auto y = static_cast<int>(line.y >> 32);
    const uint8_t* top = picture.ptr(std::clamp(y, 0, last_y));
    const uint8_t* bottom = picture.ptr(std::clamp(y + 1, 0, last_y));
    const int left = std::clamp(x, 0, last_x) * 3;
    const int right = std::clamp(x + 1, 0, last_x) * 3;
    blend(top + left, top + right, bottom + left, bottom + right,
          static_cast<int>(line.x >> kShift) & (kOne - 1), static_cast<int>(line.y >> kShift) & (kOne - 1),
          out);
  }
}

void sample_inside(const cv::Mat& picture, SampleLine line, int count, uint8_t* out) {
  line.x += kHalfFraction;
  line.y += kHalfFraction;
  const auto row_bytes = static_cast<int64_t>(picture.step[0]);
#if defined(__x86_64__)
  static const bool has_sse41 = __builtin_cpu_supports("sse4.1") != 0;
  if (has_sse41) return sample_inside_sse41(picture.ptr(), row_bytes, line, count, out);
#endif
  sample_inside_plain(picture.ptr(), row_bytes, line, count, out);
}

GRAPNEL_PER_PROCESSOR
void average_bytes(uint8_t* __restrict to, const uint8_t* __restrict from, size_t count) {
  for (size_t i = 0; i < count; ++i) to[i] = static_cast<uint8_t>((to[i] + from[i]) / 2);
}

}  // namespace grapnel::detection::data
