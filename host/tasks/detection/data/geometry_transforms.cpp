// The transforms that move pixels: RandomAffine, RandomFlip, Resize, Pad; and FilterAnnotations, which drops
// boxes that became too small. Maps of px take whole numbers as the centres of pixels, as OpenCV's warps do,
// and a box's edges as they are, as MMDetection and Megvii's code do.
#include <algorithm>
#include <array>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "tasks/detection/data/transform.hpp"

namespace grapnel::detection::data {
namespace {

// Rotation, scale, shear and translation in one warp, about the top left corner as upstream has it. After a
// Mosaic `border` is negative and cuts the canvas back to the size of one picture.
class RandomAffine : public Transform {
 public:
  RandomAffine(Section& section, std::optional<cv::Size> mosaic_size)
      : Transform("RandomAffine"),
        max_rotate_degree_(section.number_or("max_rotate_degree", 10, {0, 180})),
        max_translate_ratio_(section.number_or("max_translate_ratio", 0.1, {0, 1})),
        scaling_range_(read_range(section, "scaling_ratio_range", {0.5, 1.5}, {0.01, 100})),
        max_shear_degree_(section.number_or("max_shear_degree", 2, {0, 80})),
        border_value_(read_pad_value(section, "border_val")) {
    std::vector<int64_t> fallback = {0, 0};
    if (mosaic_size) fallback = {-(mosaic_size->width / 2), -(mosaic_size->height / 2)};
    const auto border = section.integers_or("border", fallback, 2, {-16384, 16384});
    border_ = {static_cast<int>(border[0]), static_cast<int>(border[1])};
    belongs_to_mosaic_ = mosaic_size && border_.width < 0 && border_.height < 0;
    if (belongs_to_mosaic_) {
      output_ = {mosaic_size->width * 2 + border_.width * 2, mosaic_size->height * 2 + border_.height * 2};
      if (output_->width <= 0 || output_->height <= 0) {
        section.fail("border", "the border leaves nothing of the mosaic",
                     std::to_string(border[0]) + ", " + std::to_string(border[1]),
                     "minus half of the Mosaic's img_scale (width, height)");
      }
    }
    require_clipping(section);
  }

  std::optional<cv::Size> output_size() const override { return output_; }

  void apply(LabelledPicture& picture, Draw& draw) const override {
    if (belongs_to_mosaic_ && !picture.is_mosaic) return;
    const cv::Size size(picture.size().width + border_.width * 2, picture.size().height + border_.height * 2);
    if (size.width <= 0 || size.height <= 0) return;
    const cv::Matx23d matrix = random_matrix(draw.rng(), size);
    if (Drawing* drawing = picture.is_mosaic ? picture.open_drawing() : nullptr) {
      drawing->base.follow_with(matrix);
      drawing->base.beyond = colour(border_value_);
      drawing->size = size;
    } else {
      cv::Mat warped(size, CV_8UC3);
      cv::warpAffine(picture.pixels(), warped, matrix, size, cv::INTER_LINEAR, cv::BORDER_CONSTANT,
                     border_value_);
      picture.replace_image(std::move(warped));
    }
    for (LabelledBox& box : picture.boxes) box = moved(box, matrix);
    clip_to_picture(picture.boxes, size.width, size.height);
    if (picture.is_mosaic) picture.is_sized = true;
    picture.is_mosaic = false;
  }

 private:
  // translation * shear * rotation * scaling
  cv::Matx23d random_matrix(CounterRng& rng, cv::Size size) const {
    const auto radians = [](double degrees) { return degrees * CV_PI / 180; };
    const double angle = radians(rng.uniform(-max_rotate_degree_, max_rotate_degree_));
    const double scale = rng.uniform(scaling_range_[0], scaling_range_[1]);
    const double shear_x = std::tan(radians(rng.uniform(-max_shear_degree_, max_shear_degree_)));
    const double shear_y = std::tan(radians(rng.uniform(-max_shear_degree_, max_shear_degree_)));
    const double shift_x = rng.uniform(-max_translate_ratio_, max_translate_ratio_) * size.width;
    const double shift_y = rng.uniform(-max_translate_ratio_, max_translate_ratio_) * size.height;
    const double c = std::cos(angle) * scale;
    const double s = std::sin(angle) * scale;
    return {c + shear_x * s, -s + shear_x * c, shift_x, shear_y * c + s, -shear_y * s + c, shift_y};
  }

  // The upright box around the moved corners.
  static LabelledBox moved(const LabelledBox& box, const cv::Matx23d& m) {
    LabelledBox result{1e30f, 1e30f, -1e30f, -1e30f, box.label};
    for (const double x : {box.x1, box.x2}) {
      for (const double y : {box.y1, box.y2}) {
        const auto to_x = static_cast<float>(m(0, 0) * x + m(0, 1) * y + m(0, 2));
        const auto to_y = static_cast<float>(m(1, 0) * x + m(1, 1) * y + m(1, 2));
        result.x1 = std::min(result.x1, to_x);
        result.x2 = std::max(result.x2, to_x);
        result.y1 = std::min(result.y1, to_y);
        result.y2 = std::max(result.y2, to_y);
      }
    }
    return result;
  }

  double max_rotate_degree_;
  double max_translate_ratio_;
  std::array<double, 2> scaling_range_;
  double max_shear_degree_;
  cv::Scalar border_value_;
  cv::Size border_;
  bool belongs_to_mosaic_ = false;
  std::optional<cv::Size> output_;
};

class RandomFlip : public Transform {
 public:
  explicit RandomFlip(Section& section) : Transform("RandomFlip") {
    prob_ = section.number_or(section.either_name("prob", "flip_ratio"), 0.5, {0, 1});
    const std::string direction =
        section.choice_or("direction", "horizontal", {"horizontal", "vertical", "diagonal"});
    horizontal_ = direction != "vertical";
    vertical_ = direction != "horizontal";
  }

  bool commutes_with_resizing() const override { return true; }

  void apply(LabelledPicture& picture, Draw& draw) const override {
    if (!draw.rng().chance(prob_)) return;
    const cv::Size size = picture.size();
    if (picture.drawing) {
      // Colours are changed pixel by pixel, so they may wait.
      const cv::Matx23d mirror(horizontal_ ? -1 : 1, 0, horizontal_ ? size.width - 1 : 0, 0,
                               vertical_ ? -1 : 1, vertical_ ? size.height - 1 : 0);
      picture.drawing->base.follow_with(mirror);
      if (picture.drawing->overlay) picture.drawing->overlay->follow_with(mirror);
    } else {
      cv::Mat flipped(size, CV_8UC3);
      cv::flip(picture.pixels(), flipped, horizontal_ ? (vertical_ ? -1 : 1) : 0);
      picture.replace_image(std::move(flipped));
    }
    const auto w = static_cast<float>(size.width);
    const auto h = static_cast<float>(size.height);
    for (LabelledBox& box : picture.boxes) {
      const LabelledBox before = box;
      if (horizontal_) box.x1 = w - before.x2, box.x2 = w - before.x1;
      if (vertical_) box.y1 = h - before.y2, box.y2 = h - before.y1;
    }
  }

 private:
  double prob_;
  bool horizontal_;
  bool vertical_;
};

// keep_ratio fits the picture into (width, height); MMCV's reading of `scale` as long and short edge gives
// the same for squares. `rounding` is ours: MMCV rounds the sides, Megvii's code cuts them.
class Resize : public Transform {
 public:
  explicit Resize(Section& section)
      : Transform("Resize"),
        size_(read_size(section, section.either_name("scale", "img_scale"), std::nullopt)),
        keep_ratio_(section.boolean_or("keep_ratio", false)),
        rounds_(section.choice_or("rounding", "nearest", {"nearest", "down"}) == "nearest") {
    section.boolean_or("clip_object_border", true);
    section.choice_or("interpolation", "bilinear", {"bilinear"});
    section.choice_or("backend", "cv2", {"cv2"});
  }

  std::optional<cv::Size> output_size() const override { return size_; }
  std::optional<Fit> fit() const override {
    return keep_ratio_ ? std::optional(Fit{size_, rounds_}) : std::nullopt;
  }

  void apply(LabelledPicture& picture, Draw&) const override {
    if (keep_ratio_) {
      fit_picture(picture, {size_, rounds_});
    } else {
      resize_picture(picture, size_);
    }
    picture.is_sized = true;
    picture.is_mosaic = false;
  }

 private:
  cv::Size size_;
  bool keep_ratio_;
  bool rounds_;
};

class Pad : public Transform {
 public:
  explicit Pad(Section& section)
      : Transform("Pad"),
        square_(section.boolean_or("pad_to_square", false)),
        divisor_(static_cast<int>(section.integer_or("size_divisor", 1, {1, 16384}))),
        value_(read_pad_value(section, "pad_val")) {
    size_ = read_optional_size(section, "size");
    if (size_ && square_) {
      section.fail("pad_to_square", "two sizes to pad to", "size and pad_to_square", "one of them");
    }
    if (!size_ && !square_ && divisor_ == 1) {
      section.fail("size", "nothing to pad to", "no option", "size, pad_to_square or size_divisor");
    }
  }

  std::optional<cv::Size> output_size() const override { return size_; }

  void apply(LabelledPicture& picture, Draw&) const override {
    cv::Size size = picture.size();
    if (size_) size = {std::max(size.width, size_->width), std::max(size.height, size_->height)};
    if (square_) size.width = size.height = std::max(size.width, size.height);
    size.width = (size.width + divisor_ - 1) / divisor_ * divisor_;
    size.height = (size.height + divisor_ - 1) / divisor_ * divisor_;
    pad_picture(picture, size, value_);
  }

 private:
  bool square_;
  int divisor_;
  cv::Scalar value_;
  std::optional<cv::Size> size_;
};

class FilterAnnotations : public Transform {
 public:
  explicit FilterAnnotations(Section& section)
      : Transform("FilterAnnotations"),
        min_wh_(section.numbers_or("min_gt_bbox_wh", {1, 1}, 2, {0, 1e6})),
        keep_empty_(section.boolean_or("keep_empty", true)) {
    section.boolean_or("by_box", true);
  }

  void apply(LabelledPicture& picture, Draw&) const override {
    auto& boxes = picture.boxes;
    boxes.erase(std::remove_if(boxes.begin(), boxes.end(),
                               [&](const LabelledBox& box) {
                                 return !(box.x2 - box.x1 > min_wh_[0] && box.y2 - box.y1 > min_wh_[1]);
                               }),
                boxes.end());
    if (boxes.empty() && !keep_empty_) picture.is_rejected = true;
  }

 private:
  std::vector<double> min_wh_;
  bool keep_empty_;
};

}  // namespace

void pad_picture(LabelledPicture& picture, cv::Size size, const cv::Scalar& value) {
  const int right = size.width - picture.size().width;
  const int bottom = size.height - picture.size().height;
  if (right == 0 && bottom == 0) return;
  cv::Mat padded(size, CV_8UC3);
  cv::copyMakeBorder(picture.pixels(), padded, 0, bottom, 0, right, cv::BORDER_CONSTANT, value);
  picture.replace_image(std::move(padded));
}

TransformPointer make_random_affine(Section& section, std::optional<cv::Size> mosaic_size) {
  return std::make_unique<RandomAffine>(section, mosaic_size);
}
TransformPointer make_random_flip(Section& section) { return std::make_unique<RandomFlip>(section); }
TransformPointer make_resize(Section& section) { return std::make_unique<Resize>(section); }
TransformPointer make_pad(Section& section) { return std::make_unique<Pad>(section); }
TransformPointer make_filter_annotations(Section& section) {
  return std::make_unique<FilterAnnotations>(section);
}

}  // namespace grapnel::detection::data
