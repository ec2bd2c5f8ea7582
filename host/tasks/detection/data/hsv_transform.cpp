// YOLOXHSVRandomAug: shifts hue, saturation and value of the whole picture, as MMDetection 3.x has it. Works
// in OpenCV's 8-bit HSV (hue 0..179).
#include <algorithm>
#include <array>
#include <opencv2/imgproc.hpp>

#include "tasks/detection/data/transform.hpp"

namespace grapnel::detection::data {
namespace {

class HsvRandomAug : public Transform {
 public:
  explicit HsvRandomAug(Section& section)
      : Transform("YOLOXHSVRandomAug"),
        deltas_{section.number_or("hue_delta", 5, {0, 90}),
                section.number_or("saturation_delta", 30, {0, 255}),
                section.number_or("value_delta", 30, {0, 255})} {}

  bool commutes_with_resizing() const override { return true; }

  void apply(LabelledPicture& picture, Draw& draw) const override {
    std::array<int, 3> gains{};
    for (size_t i = 0; i < 3; ++i) gains[i] = static_cast<int>(draw.rng().uniform(-1, 1) * deltas_[i]);
    // Each channel takes part with probability one half.
    for (int& gain : gains) gain *= static_cast<int>(draw.rng().integer(0, 1));
    if (gains[0] == 0 && gains[1] == 0 && gains[2] == 0) return;
    shift(picture, gains);
  }

 private:
  static void shift(LabelledPicture& picture, const std::array<int, 3>& gains) {
    cv::Mat table(1, 256, CV_8UC3);
    for (int i = 0; i < 256; ++i) {
      table.at<cv::Vec3b>(i) = {static_cast<uint8_t>(((i + gains[0]) % 180 + 180) % 180),
                                static_cast<uint8_t>(std::clamp(i + gains[1], 0, 255)),
                                static_cast<uint8_t>(std::clamp(i + gains[2], 0, 255))};
    }
    cv::Mat hsv;
    cv::cvtColor(picture.image, hsv, cv::COLOR_BGR2HSV);
    cv::LUT(hsv, table, hsv);
    cv::Mat shifted;
    cv::cvtColor(hsv, shifted, cv::COLOR_HSV2BGR);
    picture.replace_image(std::move(shifted));
  }

  std::array<double, 3> deltas_;
};

}  // namespace

TransformPointer make_hsv_random_aug(Section& section) { return std::make_unique<HsvRandomAug>(section); }

}  // namespace grapnel::detection::data
