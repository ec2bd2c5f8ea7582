// One step of the data pipeline: changes a picture and its boxes, drawing what is random from the sample's
// own generator. Immutable after construction, so loader threads share it.
#pragma once

#include <array>
#include <memory>
#include <opencv2/core.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/philox.hpp"
#include "core/section.hpp"
#include "core/table_shape.hpp"
#include "tasks/detection/data/drawing.hpp"
#include "tasks/detection/data/labelled_box.hpp"

namespace grapnel::detection::data {

constexpr double kPadValue = 114;  // YOLOX's grey

// A picture on its way through the pipeline. It is read or drawn when somebody wants its pixels: until then
// it is an item of a source with the size that it is wanted at, or a drawing.
struct LabelledPicture {
  cv::Mat image;                          // uint8 BGR [H, W, 3]; empty: neither read nor drawn yet
  bool owns_image = false;                // false: `image` is the cache's; copy before writing
  const PictureSource* source = nullptr;  // of item `index`, when not read yet
  cv::Size unread;                        // the size it will be read at
  std::optional<Drawing> drawing;
  std::vector<LabelledBox> boxes;  // in px of size()
  int64_t index = 0;               // item of the dataset with which it began
  int original_width_px = 0;
  int original_height_px = 0;
  float scale_x = 1;  // px of `image` a px of the original
  float scale_y = 1;
  bool is_mosaic = false;    // made by Mosaic, twice the size of its parts
  bool is_sized = false;     // some transform gave it a size
  bool is_rejected = false;  // FilterAnnotations(keep_empty = false) left nothing: draw another picture

  cv::Size size() const {
    if (drawing) return drawing->size;
    return image.empty() ? unread : image.size();
  }
  // On disk.
  cv::Size source_size() const { return {original_width_px, original_height_px}; }
  // Reads or draws it, if that has not been done.
  const cv::Mat& pixels();
  // pixels(), writable without touching the cache.
  void own_image() {
    pixels();
    if (!owns_image) image = image.clone();
    owns_image = true;
  }
  void replace_image(cv::Mat other) {
    image = std::move(other);
    drawing.reset();
    owns_image = true;
  }
  // The picture as a tile of that size; origin and place are left to the caller. Draws a drawing first.
  Tile as_tile(cv::Size scaled);
  // A drawing of it to which geometry may be added, or nothing: the pixels are there, or colours were
  // changed.
  Drawing* open_drawing() {
    return drawing && !drawing->overlay && drawing->shifts.empty() ? &*drawing : nullptr;
  }
};

// How a picture is fit into a box: its aspect kept, the sides cut to whole px as Mosaic and Megvii's code do,
// or rounded to the nearest as MMCV does, never below 1 px or beyond the box.
struct Fit {
  cv::Size box;  // 0 x 0: as it is on disk
  bool rounds = false;

  bool wanted() const { return box.width > 0 && box.height > 0; }
  double scale_of(cv::Size picture) const;
  cv::Size size_of(cv::Size picture) const;
};

// Item `index` of `source`, fit, its boxes scaled alike and clipped; not read yet.
LabelledPicture open_picture(const PictureSource& source, int64_t index, Fit fit);

// What a transform may use while it is applied.
class Draw {
 public:
  virtual ~Draw() = default;
  CounterRng& rng() { return rng_; }
  // A picture drawn at random out of the whole dataset, through the inner pipeline where there is one.
  virtual LabelledPicture another_picture() = 0;

 protected:
  explicit Draw(CounterRng& rng) : rng_(rng) {}

 private:
  CounterRng& rng_;
};

class Transform {
 public:
  explicit Transform(std::string type) : type_(std::move(type)) {}
  virtual ~Transform() = default;
  const std::string& type() const { return type_; }
  virtual void apply(LabelledPicture& picture, Draw& draw) const = 0;

  // The size that this transform gives every picture; empty when it keeps the size.
  virtual std::optional<cv::Size> output_size() const { return std::nullopt; }
  // The size into which it first fits each picture, aspect kept: pictures may be read at that size already.
  virtual std::optional<Fit> fit() const { return std::nullopt; }
  // True: applying it to the resized picture gives what resizing afterwards would (colour, mirroring).
  virtual bool commutes_with_resizing() const { return false; }

 private:
  std::string type_;
};

using TransformPointer = std::unique_ptr<const Transform>;

// ---- options that several transforms have
// ------------------------------------------------------------------ A size as MMDetection 3.x writes it:
// (width, height), or one number for a square. Positive, at most 16384.
cv::Size read_size(Section& section, std::string_view key, std::optional<cv::Size> fallback);
std::optional<cv::Size> read_optional_size(Section& section, std::string_view key);
// A grey or a list of three (B, G, R), 0..255; MMDetection's {img = ...} too.
cv::Scalar read_pad_value(Section& section, const char* key);
// Boxes are always cut at the border: bbox_clip_border = false is refused.
void require_clipping(Section& section);
// Two numbers, the first not above the second.
std::array<double, 2> read_range(Section& section, const char* key, std::array<double, 2> fallback,
                                 FloatRange range);

// ---- what several transforms do
// ---------------------------------------------------------------------------- Resizes bilinearly and scales
// the boxes and scale_x, scale_y. No-op for the picture's own size.
void resize_picture(LabelledPicture& picture, cv::Size size);
// Fits it, as above. With sides that are cut the boxes are scaled by the exact ratio, as the originals do;
// with rounded ones by that of the sizes.
void fit_picture(LabelledPicture& picture, Fit fit);
// Pads at the right and the bottom.
void pad_picture(LabelledPicture& picture, cv::Size size, const cv::Scalar& value);

// ---- the transforms, each made from its table; unknown keys are refused by the pipeline
// ---------------------- `mosaic_size`: img_scale of a Mosaic before it in the pipeline.
TransformPointer make_mosaic(Section& section);
TransformPointer make_mix_up(Section& section);
TransformPointer make_random_affine(Section& section, std::optional<cv::Size> mosaic_size);
TransformPointer make_hsv_random_aug(Section& section);
TransformPointer make_random_flip(Section& section);
TransformPointer make_resize(Section& section);
TransformPointer make_pad(Section& section);
TransformPointer make_filter_annotations(Section& section);

}  // namespace grapnel::detection::data
