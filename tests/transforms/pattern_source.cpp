#include "pattern_source.hpp"

#include <opencv2/imgproc.hpp>

namespace grapnel::detection::data {
namespace {

struct Picture {
  cv::Size size;
  std::vector<LabelledBox> boxes;
};

// As in record_megvii.py.
const std::vector<Picture>& pictures() {
  static const std::vector<Picture> all = {
      {{640, 480}, {{20, 30, 200, 300, 0}, {300, 100, 420, 180, 1}, {500, 400, 639, 479, 2}}},
      {{333, 500}, {{0, 0, 333, 500, 0}, {40, 60, 90, 400, 1}}},
      {{120, 90}, {{10, 10, 60, 80, 0}}},
      {{500, 375}, {}},
      {{1000, 100}, {{5, 5, 300, 95, 0}, {900, 20, 990, 90, 1}}},
      {{64, 64}, {{8, 8, 56, 56, 0}, {30, 30, 34, 33, 1}}}};
  return all;
}

uint8_t wave(int v) {
  v = ((v % 512) + 512) % 512;
  return static_cast<uint8_t>(v < 256 ? v : 511 - v);
}

cv::Mat smooth(int index, cv::Size size) {
  cv::Mat image(size, CV_8UC3);
  for (int y = 0; y < size.height; ++y) {
    for (int x = 0; x < size.width; ++x) {
      image.at<cv::Vec3b>(y, x) = {wave(2 * x + y + 37 * index), wave(x + 3 * y + 91 * index),
                                   wave(3 * x - 2 * y + 5120 + 11 * index)};
    }
  }
  return image;
}

// Noise of several sizes, as photographs have it.
cv::Mat textured(int index, cv::Size size) {
  cv::RNG rng(static_cast<uint64_t>(index) + 1);
  cv::Mat sum(size, CV_32FC3, cv::Scalar::all(120));
  for (const auto& [grain_px, strength] : {std::pair(64, 35.0), {16, 25.0}, {5, 14.0}, {2, 5.0}}) {
    cv::Mat noise((size.height + grain_px - 1) / grain_px + 1, (size.width + grain_px - 1) / grain_px + 1,
                  CV_32FC3);
    rng.fill(noise, cv::RNG::NORMAL, 0.0, strength);
    cv::resize(noise, noise, size, 0, 0, cv::INTER_CUBIC);
    sum += noise;
  }
  cv::Mat image;
  sum.convertTo(image, CV_8UC3);
  return image;
}

}  // namespace

PatternSource::PatternSource(Kind kind) {
  for (size_t i = 0; i < pictures().size(); ++i) {
    const auto index = static_cast<int>(i);
    pictures_.push_back(kind == Kind::kSmooth ? smooth(index, pictures()[i].size)
                                              : textured(index, pictures()[i].size));
  }
}

PictureSource::Description PatternSource::describe(int64_t index) const {
  const Picture& one = pictures().at(static_cast<size_t>(index));
  return {one.size, one.boxes};
}

cv::Mat PatternSource::read(int64_t index, cv::Size size) const {
  cv::Mat image = picture(index);
  if (size != image.size()) cv::resize(picture(index), image = cv::Mat(), size, 0, 0, cv::INTER_LINEAR);
  return image;
}

PicturePart PatternSource::read_part(int64_t index, int halvings, cv::Rect) const {
  const cv::Mat& image = picture(index);
  const cv::Size size = halved(image.size(), halvings);
  cv::Mat padded;
  cv::copyMakeBorder(image, padded, 0, (size.height << halvings) - image.rows, 0,
                     (size.width << halvings) - image.cols, cv::BORDER_REPLICATE);
  cv::Mat small;
  cv::resize(padded, small, size, 0, 0, cv::INTER_AREA);
  return {small, {0, 0}};
}

}  // namespace grapnel::detection::data
