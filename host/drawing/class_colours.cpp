#include "drawing/class_colours.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>

namespace grapnel::drawing {
namespace {

// R, G, B; without black, which would not be seen as a line.
constexpr double kOkabeIto[][3] = {{230, 159, 0}, {86, 180, 233}, {0, 158, 115},  {240, 228, 66},
                                   {0, 114, 178}, {213, 94, 0},   {204, 121, 167}};
constexpr size_t kFirst = std::size(kOkabeIto);

// Lightness and saturation, one tone after the other; each goes around the circle by itself.
constexpr double kTones[][2] = {{0.62, 0.85}, {0.38, 0.95}, {0.80, 0.70}, {0.50, 0.45}, {0.70, 0.45}};

cv::Scalar from_hsl(double hue_degrees, double saturation, double lightness) {
  const double chroma = saturation * std::min(lightness, 1 - lightness);
  const auto channel = [&](double n) {
    const double k = std::fmod(n + hue_degrees / 30, 12.0);
    return std::round(255 * (lightness - chroma * std::max(-1.0, std::min({k - 3, 9 - k, 1.0}))));
  };
  return {channel(4), channel(8), channel(0)};
}

double luminance(const cv::Scalar& bgr) {
  const auto linear = [](double value) {
    const double part = value / 255;
    return part <= 0.04045 ? part / 12.92 : std::pow((part + 0.055) / 1.055, 2.4);
  };
  return 0.0722 * linear(bgr[0]) + 0.7152 * linear(bgr[1]) + 0.2126 * linear(bgr[2]);
}

}  // namespace

cv::Scalar class_colour(size_t label) {
  if (label < kFirst) return {kOkabeIto[label][2], kOkabeIto[label][1], kOkabeIto[label][0]};
  const size_t turn = label - kFirst;
  constexpr size_t kTurns = std::size(kTones);
  const double* tone = kTones[turn % kTurns];
  const double hue =
      static_cast<double>(turn / kTurns) * 137.50776405003785 + static_cast<double>(turn % kTurns) * 72;
  return from_hsl(std::fmod(hue, 360.0), tone[1], tone[0]);
}

double contrast_ratio(const cv::Scalar& one, const cv::Scalar& other) {
  const double a = luminance(one), b = luminance(other);
  return (std::max(a, b) + 0.05) / (std::min(a, b) + 0.05);
}

cv::Scalar text_colour_on(const cv::Scalar& background) {
  const cv::Scalar black(0, 0, 0), white(255, 255, 255);
  return contrast_ratio(background, black) >= contrast_ratio(background, white) ? black : white;
}

}  // namespace grapnel::drawing
