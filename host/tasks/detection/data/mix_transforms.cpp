// The transforms that mix several pictures into one: Mosaic and MixUp, as MMDetection 3.x has them (after
// Z. Ge et al., "YOLOX: Exceeding YOLO Series in 2021", and Megvii's implementation).
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "tasks/detection/data/transform.hpp"

namespace grapnel::detection::data {
namespace {

cv::Size fit_floored(cv::Size picture, cv::Size box) {
  const double scale = std::min(static_cast<double>(box.width) / picture.width,
                                static_cast<double>(box.height) / picture.height);
  return {std::max(1, static_cast<int>(picture.width * scale + 1e-9)),
          std::max(1, static_cast<int>(picture.height * scale + 1e-9))};
}

// Puts four pictures around a random centre of a canvas of twice img_scale.
class Mosaic : public Transform {
 public:
  explicit Mosaic(Section& section)
      : Transform("Mosaic"),
        size_(read_size(section, "img_scale", cv::Size(640, 640))),
        center_range_(read_range(section, "center_ratio_range", {0.5, 1.5}, {0, 2})),
        pad_value_(read_pad_value(section, "pad_val")),
        prob_(section.number_or("prob", 1.0, {0, 1})) {
    require_clipping(section);
  }

  std::optional<cv::Size> output_size() const override { return size_; }
  std::optional<cv::Size> fit_size() const override { return size_; }

  void apply(LabelledPicture& picture, Draw& draw) const override {
    if (!draw.rng().chance(prob_)) return;
    const int cx = static_cast<int>(draw.rng().uniform(center_range_[0], center_range_[1]) * size_.width);
    const int cy = static_cast<int>(draw.rng().uniform(center_range_[0], center_range_[1]) * size_.height);
    cv::Mat canvas(size_.height * 2, size_.width * 2, CV_8UC3, pad_value_);
    std::vector<LabelledBox> boxes;
    paste(std::move(picture), 0, {cx, cy}, canvas, boxes);
    for (int corner = 1; corner < 4; ++corner) paste(draw.another_picture(), corner, {cx, cy}, canvas, boxes);
    clip_to_picture(boxes, canvas.cols, canvas.rows);
    picture.boxes = std::move(boxes);
    picture.replace_image(std::move(canvas));
    picture.is_mosaic = true;
    picture.is_sized = false;
  }

 private:
  // Corners in upstream's order: top left, top right, bottom left, bottom right of the centre.
  void paste(LabelledPicture part, int corner, cv::Point center, cv::Mat& canvas,
             std::vector<LabelledBox>& boxes) const {
    resize_picture(part, fit_floored(part.image.size(), size_));
    const bool right = corner % 2 == 1;
    const bool bottom = corner >= 2;
    const cv::Point origin(right ? center.x : center.x - part.image.cols,
                           bottom ? center.y : center.y - part.image.rows);
    const cv::Rect place = cv::Rect(origin, part.image.size()) & cv::Rect(0, 0, canvas.cols, canvas.rows);
    if (place.area() > 0) part.image(place - origin).copyTo(canvas(place));
    for (LabelledBox box : part.boxes) {
      box.x1 += static_cast<float>(origin.x);
      box.x2 += static_cast<float>(origin.x);
      box.y1 += static_cast<float>(origin.y);
      box.y2 += static_cast<float>(origin.y);
      boxes.push_back(box);
    }
  }

  cv::Size size_;
  std::array<double, 2> center_range_;
  cv::Scalar pad_value_;
  double prob_;
};

// Averages the picture with another one that was scaled, mirrored and cropped at random.
class MixUp : public Transform {
 public:
  explicit MixUp(Section& section)
      : Transform("MixUp"),
        size_(read_size(section, "img_scale", cv::Size(640, 640))),
        ratio_range_(read_range(section, "ratio_range", {0.5, 1.5}, {0.01, 100})),
        flip_ratio_(section.number_or("flip_ratio", 0.5, {0, 1})),
        pad_value_(read_pad_value(section, "pad_val")),
        max_iters_(section.integer_or("max_iters", 15, {1, 1000})),
        prob_(section.number_or("prob", 1.0, {0, 1})) {
    require_clipping(section);
  }

  void apply(LabelledPicture& picture, Draw& draw) const override {
    if (!draw.rng().chance(prob_)) return;
    LabelledPicture other = draw.another_picture();
    for (int64_t i = 1; i < max_iters_ && other.boxes.empty(); ++i) other = draw.another_picture();
    if (other.boxes.empty()) return;
    const double jitter = draw.rng().uniform(ratio_range_[0], ratio_range_[1]);
    const bool flip = draw.rng().chance(flip_ratio_);

    resize_picture(other, fit_floored(other.image.size(), size_));
    pad_picture(other, size_, pad_value_);
    resize_picture(other, {std::max(1, static_cast<int>(size_.width * jitter)),
                           std::max(1, static_cast<int>(size_.height * jitter))});
    const cv::Size own = picture.image.size();
    const cv::Size grown = other.image.size();
    // Where the picture's window lies in the other one; what sticks out of it is padding.
    const auto offset = [&](int length, int wanted) {
      return length > wanted ? static_cast<int>(draw.rng().integer(0, length - wanted)) : 0;
    };
    const int y = offset(grown.height, own.height);
    const int x = offset(grown.width, own.width);
    blend(picture, other.image, flip, x, y);
    for (LabelledBox box : other.boxes) {
      if (flip) {
        const float x1 = static_cast<float>(grown.width) - box.x2;
        box.x2 = static_cast<float>(grown.width) - box.x1;
        box.x1 = x1;
      }
      box.x1 -= static_cast<float>(x);
      box.x2 -= static_cast<float>(x);
      box.y1 -= static_cast<float>(y);
      box.y2 -= static_cast<float>(y);
      picture.boxes.push_back(box);
    }
    clip_to_picture(picture.boxes, own.width, own.height);
  }

 private:
  void blend(LabelledPicture& picture, const cv::Mat& other, bool flip, int x, int y) const {
    const cv::Size own = picture.image.size();
    cv::Mat layer(own, CV_8UC3, pad_value_);
    const cv::Rect there(x, y, std::min(own.width, other.cols - x), std::min(own.height, other.rows - y));
    const cv::Rect here(0, 0, there.width, there.height);
    cv::Mat target = layer(here);
    if (flip) {
      const cv::Rect mirrored(other.cols - there.x - there.width, there.y, there.width, there.height);
      cv::flip(other(mirrored), target, 1);
    } else {
      other(there).copyTo(target);
    }
    picture.own_image();
    uint8_t* to = picture.image.ptr();
    const uint8_t* from = layer.ptr();
    const size_t count = picture.image.total() * 3;
    if (!picture.image.isContinuous()) {
      picture.replace_image(picture.image.clone());
      to = picture.image.ptr();
    }
    for (size_t i = 0; i < count; ++i) to[i] = static_cast<uint8_t>((to[i] + from[i]) / 2);
  }

  cv::Size size_;
  std::array<double, 2> ratio_range_;
  double flip_ratio_;
  cv::Scalar pad_value_;
  int64_t max_iters_;
  double prob_;
};

}  // namespace

TransformPointer make_mosaic(Section& section) { return std::make_unique<Mosaic>(section); }
TransformPointer make_mix_up(Section& section) { return std::make_unique<MixUp>(section); }

}  // namespace grapnel::detection::data
