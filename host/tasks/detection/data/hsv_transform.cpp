// YOLOXHSVRandomAug: shifts hue, saturation and value of the whole picture, as MMDetection 3.x and Megvii's
// code have it, which go to 8-bit HSV and back also where nothing is shifted.
#include <array>

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
    const HsvShift shift{gains[0], gains[1], gains[2]};
    if (picture.drawing) {
      picture.drawing->shifts.push_back(shift);
      return;
    }
    picture.own_image();
    for (int y = 0; y < picture.image.rows; ++y) {
      shift_hsv(picture.image.ptr(y), static_cast<size_t>(picture.image.cols), shift);
    }
  }

 private:
  std::array<double, 3> deltas_;
};

}  // namespace

TransformPointer make_hsv_random_aug(Section& section) { return std::make_unique<HsvRandomAug>(section); }

}  // namespace grapnel::detection::data
