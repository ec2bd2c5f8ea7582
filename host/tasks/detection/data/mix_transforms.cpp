// The transforms that mix several pictures into one: Mosaic and MixUp, as MMDetection 3.x has them (after
// Z. Ge et al., "YOLOX: Exceeding YOLO Series in 2021", and Megvii's implementation). Neither touches a
// pixel: they describe a drawing.
#include <algorithm>
#include <utility>

#include "tasks/detection/data/transform.hpp"

namespace grapnel::detection::data {
namespace {

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
  std::optional<Fit> fit() const override { return Fit{size_}; }

  void apply(LabelledPicture& picture, Draw& draw) const override {
    if (!draw.rng().chance(prob_)) return;
    const int cx = static_cast<int>(draw.rng().uniform(center_range_[0], center_range_[1]) * size_.width);
    const int cy = static_cast<int>(draw.rng().uniform(center_range_[0], center_range_[1]) * size_.height);
    Drawing drawing;
    drawing.size = drawing.base.canvas = {size_.width * 2, size_.height * 2};
    drawing.base.background = drawing.base.beyond = colour(pad_value_);
    std::vector<LabelledBox> boxes;
    place(picture, 0, {cx, cy}, drawing.base, boxes);
    for (int corner = 1; corner < 4; ++corner) {
      LabelledPicture other = draw.another_picture();
      place(other, corner, {cx, cy}, drawing.base, boxes);
    }
    clip_to_picture(boxes, drawing.size.width, drawing.size.height);
    picture.boxes = std::move(boxes);
    picture.image.release();
    picture.drawing = std::move(drawing);
    picture.is_mosaic = true;
    picture.is_sized = false;
  }

 private:
  // Corners in upstream's order: top left, top right, bottom left, bottom right of the centre.
  void place(LabelledPicture& part, int corner, cv::Point center, Layer& layer,
             std::vector<LabelledBox>& boxes) const {
    const Fit fit{size_};
    const auto scale = static_cast<float>(fit.scale_of(part.size()));
    Tile tile = part.as_tile(fit.size_of(part.size()));
    const bool right = corner % 2 == 1;
    const bool bottom = corner >= 2;
    tile.origin = {right ? center.x : center.x - tile.scaled.width,
                   bottom ? center.y : center.y - tile.scaled.height};
    tile.place = cv::Rect(tile.origin, tile.scaled) & cv::Rect({0, 0}, layer.canvas);
    for (const LabelledBox& box : part.boxes) {
      boxes.push_back({box.x1 * scale + static_cast<float>(tile.origin.x),
                       box.y1 * scale + static_cast<float>(tile.origin.y),
                       box.x2 * scale + static_cast<float>(tile.origin.x),
                       box.y2 * scale + static_cast<float>(tile.origin.y), box.label});
    }
    if (!tile.place.empty()) layer.tiles.push_back(std::move(tile));
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
        outside_value_(read_pad_value(section, "outside_val")),
        max_iters_(section.integer_or("max_iters", 15, {1, 1000})),
        prob_(section.number_or("prob", 1.0, {0, 1})) {
    if (!section.has("outside_val")) outside_value_ = pad_value_;
    require_clipping(section);
  }

  void apply(LabelledPicture& picture, Draw& draw) const override {
    if (!draw.rng().chance(prob_)) return;
    LabelledPicture other = draw.another_picture();
    for (int64_t i = 1; i < max_iters_ && other.boxes.empty(); ++i) other = draw.another_picture();
    if (other.boxes.empty()) return;
    const double jitter = draw.rng().uniform(ratio_range_[0], ratio_range_[1]);
    const bool flip = draw.rng().chance(flip_ratio_);

    const Fit fit{size_};
    const double scale = fit.scale_of(other.size()) * jitter;
    const cv::Size grown = {std::max(1, static_cast<int>(size_.width * jitter)),
                            std::max(1, static_cast<int>(size_.height * jitter))};
    const cv::Size own = picture.size();
    // Where the picture's window lies in the other one; what sticks out of it is padding. The last offset is
    // never drawn, upstream and here.
    const auto offset = [&](int length, int wanted) {
      return length > wanted ? static_cast<int>(draw.rng().integer(0, length - wanted - 1)) : 0;
    };
    const int y = offset(grown.height, own.height);
    const int x = offset(grown.width, own.width);
    blend(picture, layer_of(other, grown, flip, x, y));
    for (const LabelledBox& box : other.boxes) picture.boxes.push_back(moved(box, scale, grown, flip, x, y));
    clip_to_picture(picture.boxes, own.width, own.height);
  }

 private:
  Layer layer_of(LabelledPicture& other, cv::Size grown, bool flip, int x, int y) const {
    Layer layer;
    layer.canvas = size_;
    layer.background = colour(pad_value_);
    layer.beyond = colour(outside_value_);
    Tile tile = other.as_tile(Fit{size_}.size_of(other.size()));
    tile.place = cv::Rect({0, 0}, tile.scaled);
    layer.tiles.push_back(std::move(tile));
    const double scale_x = static_cast<double>(grown.width) / size_.width;
    const double scale_y = static_cast<double>(grown.height) / size_.height;
    layer.follow_with({scale_x, 0, scale_x / 2 - 0.5, 0, scale_y, scale_y / 2 - 0.5});
    if (flip) layer.follow_with({-1, 0, static_cast<double>(grown.width - 1), 0, 1, 0});
    layer.follow_with({1, 0, static_cast<double>(-x), 0, 1, static_cast<double>(-y)});
    return layer;
  }

  static void blend(LabelledPicture& picture, Layer other) {
    if (picture.open_drawing() == nullptr) {
      Drawing drawing;
      drawing.size = drawing.base.canvas = picture.size();
      picture.pixels();
      Tile tile = picture.as_tile(drawing.size);
      tile.place = cv::Rect({0, 0}, drawing.size);
      drawing.base.tiles.push_back(std::move(tile));
      picture.image.release();
      picture.drawing = std::move(drawing);
    }
    picture.drawing->overlay = std::move(other);
  }

  static LabelledBox moved(LabelledBox box, double scale, cv::Size grown, bool flip, int x, int y) {
    const auto w = static_cast<double>(grown.width);
    const auto h = static_cast<double>(grown.height);
    double x1 = std::clamp(box.x1 * scale, 0.0, w);
    double x2 = std::clamp(box.x2 * scale, 0.0, w);
    if (flip) {
      std::swap(x1, x2);
      x1 = w - x1;
      x2 = w - x2;
    }
    return {static_cast<float>(x1 - x), static_cast<float>(std::clamp(box.y1 * scale, 0.0, h) - y),
            static_cast<float>(x2 - x), static_cast<float>(std::clamp(box.y2 * scale, 0.0, h) - y),
            box.label};
  }

  cv::Size size_;
  std::array<double, 2> ratio_range_;
  double flip_ratio_;
  cv::Scalar pad_value_;
  cv::Scalar outside_value_;
  int64_t max_iters_;
  double prob_;
};

}  // namespace

TransformPointer make_mosaic(Section& section) { return std::make_unique<Mosaic>(section); }
TransformPointer make_mix_up(Section& section) { return std::make_unique<MixUp>(section); }

}  // namespace grapnel::detection::data
