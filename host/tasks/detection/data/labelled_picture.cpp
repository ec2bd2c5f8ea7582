// How a picture gets its pixels and its size: read, drawn, fit into a box.
#include <algorithm>
#include <opencv2/imgproc.hpp>

#include "tasks/detection/data/transform.hpp"

namespace grapnel::detection::data {
namespace {

void scale_boxes(std::vector<LabelledBox>& boxes, double x, double y) {
  for (LabelledBox& box : boxes) {
    box.x1 = static_cast<float>(box.x1 * x);
    box.x2 = static_cast<float>(box.x2 * x);
    box.y1 = static_cast<float>(box.y1 * y);
    box.y2 = static_cast<float>(box.y2 * y);
  }
}

double ratio(int to, int from) { return static_cast<double>(to) / from; }

// The scales of `fit` along both sides, once the size is chosen.
std::array<double, 2> scales(const Fit& fit, cv::Size from, cv::Size to) {
  if (!fit.rounds) return {fit.scale_of(from), fit.scale_of(from)};
  return {ratio(to.width, from.width), ratio(to.height, from.height)};
}

void change_size(LabelledPicture& picture, cv::Size size) {
  if (picture.image.empty() && !picture.drawing && picture.unread == picture.source_size()) {
    picture.unread = size;
    return;
  }
  cv::Mat resized(size, CV_8UC3);
  cv::resize(picture.pixels(), resized, size, 0, 0, cv::INTER_LINEAR);
  picture.replace_image(std::move(resized));
}

}  // namespace

double Fit::scale_of(cv::Size picture) const {
  return std::min(ratio(box.width, picture.width), ratio(box.height, picture.height));
}

cv::Size Fit::size_of(cv::Size picture) const {
  const double scale = scale_of(picture);
  const auto side = [&](int length, int limit) {
    return std::clamp(static_cast<int>(length * scale + (rounds ? 0.5 : 0.0)), 1, limit);
  };
  return {side(picture.width, box.width), side(picture.height, box.height)};
}

const cv::Mat& LabelledPicture::pixels() {
  if (drawing) {
    replace_image(draw(*drawing));
  } else if (image.empty()) {
    image = source->read(index, unread);
    owns_image = false;
  }
  return image;
}

Tile LabelledPicture::as_tile(cv::Size scaled) {
  Tile tile;
  tile.scaled = scaled;
  if (drawing || !image.empty()) {
    tile.image = pixels();
    tile.size = tile.image.size();
  } else {
    tile.source = source;
    tile.index = index;
    tile.size = source_size();
  }
  return tile;
}

LabelledPicture open_picture(const PictureSource& source, int64_t index, Fit fit) {
  PictureSource::Description description = source.describe(index);
  LabelledPicture picture;
  picture.source = &source;
  picture.index = index;
  picture.unread = description.size;
  picture.original_width_px = description.size.width;
  picture.original_height_px = description.size.height;
  picture.boxes = std::move(description.boxes);
  // Before the scaling: a side that is cut to whole px shall not cut the boxes.
  clip_to_picture(picture.boxes, picture.unread.width, picture.unread.height);
  if (fit.wanted()) fit_picture(picture, fit);
  return picture;
}

void resize_picture(LabelledPicture& picture, cv::Size size) {
  const cv::Size before = picture.size();
  if (size == before) return;
  change_size(picture, size);
  const double x = ratio(size.width, before.width);
  const double y = ratio(size.height, before.height);
  picture.scale_x *= static_cast<float>(x);
  picture.scale_y *= static_cast<float>(y);
  scale_boxes(picture.boxes, x, y);
}

void fit_picture(LabelledPicture& picture, Fit fit) {
  const cv::Size before = picture.size();
  const cv::Size size = fit.size_of(before);
  const auto [x, y] = scales(fit, before, size);
  if (size != before) change_size(picture, size);
  picture.scale_x *= static_cast<float>(x);
  picture.scale_y *= static_cast<float>(y);
  scale_boxes(picture.boxes, x, y);
}

}  // namespace grapnel::detection::data
