// A picture that is described and not yet drawn: which part of which source goes where. Mosaic, RandomAffine,
// MixUp, RandomFlip and YOLOXHSVRandomAug only change the description; drawing it then takes each pixel
// straight from the decoded sources, in one pass and one interpolation instead of three or four, and decodes
// only what is seen, at the scale at which it is seen.
#pragma once

#include <cstdint>
#include <opencv2/core.hpp>
#include <optional>
#include <vector>

#include "tasks/detection/data/hsv_shift.hpp"
#include "tasks/detection/data/jpeg_decoder.hpp"
#include "tasks/detection/data/labelled_box.hpp"

namespace grapnel::detection::data {

// Where pictures come from. Thread-safe; what it gives does not depend on what was asked for before.
class PictureSource {
 public:
  struct Description {
    cv::Size size;  // as the picture is on disk, turned upright
    std::vector<LabelledBox> boxes;
  };

  virtual ~PictureSource() = default;
  virtual int64_t size() const = 0;
  // Item `index`, without its pixels.
  virtual Description describe(int64_t index) const = 0;
  // Its pixels, resized bilinearly in one step. May be shared: read only.
  virtual cv::Mat read(int64_t index, cv::Size size) const = 0;
  // At least the pixels of `window` of the picture at 1 / 2^halvings of its size. Read only.
  virtual PicturePart read_part(int64_t index, int halvings, cv::Rect window) const = 0;
};

// One source, scaled to a rectangle of a canvas.
struct Tile {
  cv::Mat image;                          // the pixels, or, when empty,
  const PictureSource* source = nullptr;  // where they are read from: item `index`
  int64_t index = 0;
  cv::Size size;     // of the source, in its own px
  cv::Size scaled;   // of the source on the canvas
  cv::Point origin;  // of its top left corner there
  cv::Rect place;    // what of the canvas it covers, inside of both
};

// A canvas, seen through a map: of its px to the drawing's, whole numbers being the centres of pixels.
struct Layer {
  cv::Size canvas;
  std::vector<Tile> tiles;
  cv::Vec3b background;  // of the canvas, between the tiles
  cv::Vec3b beyond;      // outside of it
  cv::Matx23d to_drawing{1, 0, 0, 0, 1, 0};

  // Puts `next`, a map of the drawing's px, behind the map.
  void follow_with(const cv::Matx23d& next);
};

struct Drawing {
  cv::Size size;
  Layer base;
  std::optional<Layer> overlay;  // averaged with the base, rounded down
  std::vector<HsvShift> shifts;  // in order, after that
};

cv::Vec3b colour(const cv::Scalar& value);

// The 1 / 2^halvings at which a source is read that is shown at `fit` times its size first and at `shown`
// times in the end: the smallest picture that is as fine as the coarser of both.
int choose_halvings(double fit, double shown);

cv::Mat draw(const Drawing& drawing);

}  // namespace grapnel::detection::data
