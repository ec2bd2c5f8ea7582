#include "tasks/detection/data/drawing.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "tasks/detection/data/warp.hpp"

namespace grapnel::detection::data {
namespace {

using Polygon = std::vector<cv::Point2d>;

cv::Matx33d squared(const cv::Matx23d& m) {
  return {m(0, 0), m(0, 1), m(0, 2), m(1, 0), m(1, 1), m(1, 2), 0, 0, 1};
}

cv::Point2d mapped(const cv::Matx33d& m, double x, double y) {
  return {m(0, 0) * x + m(0, 1) * y + m(0, 2), m(1, 0) * x + m(1, 1) * y + m(1, 2)};
}

// What of a convex polygon lies where sign * coordinate <= sign * limit (Sutherland and Hodgman, one edge).
Polygon cut(const Polygon& polygon, bool along_x, double sign, double limit) {
  Polygon kept;
  const auto beyond = [&](const cv::Point2d& p) { return sign * ((along_x ? p.x : p.y) - limit); };
  for (size_t i = 0; i < polygon.size(); ++i) {
    const cv::Point2d& a = polygon[i];
    const cv::Point2d& b = polygon[(i + 1) % polygon.size()];
    const double da = beyond(a);
    const double db = beyond(b);
    if (da <= 0) kept.push_back(a);
    if ((da <= 0) != (db <= 0)) kept.push_back(a + (b - a) * (da / (da - db)));
  }
  return kept;
}

struct Bounds {
  double x1, y1, x2, y2;
};

// The canvas that is seen and covered by `place`, pixels' centres at whole numbers; empty: nothing.
std::optional<Bounds> seen_part(const cv::Matx33d& to_canvas, cv::Size size, const cv::Rect& place) {
  Polygon polygon = {mapped(to_canvas, -1, -1), mapped(to_canvas, size.width, -1),
                     mapped(to_canvas, size.width, size.height), mapped(to_canvas, -1, size.height)};
  polygon = cut(polygon, true, -1, place.x - 0.5);
  polygon = cut(polygon, true, 1, place.x + place.width - 0.5);
  polygon = cut(polygon, false, -1, place.y - 0.5);
  polygon = cut(polygon, false, 1, place.y + place.height - 0.5);
  if (polygon.empty()) return std::nullopt;
  Bounds bounds{polygon[0].x, polygon[0].y, polygon[0].x, polygon[0].y};
  for (const cv::Point2d& p : polygon) {
    bounds = {std::min(bounds.x1, p.x), std::min(bounds.y1, p.y), std::max(bounds.x2, p.x),
              std::max(bounds.y2, p.y)};
  }
  return bounds;
}

// A run of pixels [first, end) of a row.
struct Span {
  int first = 0;
  int end = 0;
  bool empty() const { return first >= end; }
  void intersect(Span other) {
    first = std::max(first, other.first);
    end = std::min(end, other.end);
  }
};

// The x of [0, width) with low <= at + slope * x < high. Neighbours that share a limit share the rounding, so
// they leave no pixel between them and take none twice.
Span solve(double at, double slope, double low, double high, int width) {
  if (std::abs(slope) < 1e-12) return at >= low && at < high ? Span{0, width} : Span{};
  const auto clamped = [width](double x) {
    return static_cast<int>(std::clamp(x, 0.0, static_cast<double>(width)));
  };
  const double a = (low - at) / slope;
  const double b = (high - at) / slope;
  if (slope > 0) return {clamped(std::ceil(a)), clamped(std::ceil(b))};
  return {clamped(std::floor(b) + 1), clamped(std::floor(a) + 1)};
}

// Maps that squeeze everything into a line are cut, so that no sum overflows.
int64_t fixed(double value, double limit) {
  return std::llround(std::clamp(value, -limit, limit) * 4294967296.0);
}
int64_t fixed_place(double value) { return fixed(value, 1e9); }
int64_t fixed_step(double value) { return fixed(value, 65536); }

void fill(uint8_t* row, Span span, const cv::Vec3b& bgr) {
  if (span.empty()) return;
  uint8_t* to = row + 3 * span.first;
  if (bgr[0] == bgr[1] && bgr[1] == bgr[2]) {
    std::memset(to, bgr[0], static_cast<size_t>(span.end - span.first) * 3);
    return;
  }
  for (int x = span.first; x < span.end; ++x, to += 3) std::memcpy(to, bgr.val, 3);
}

// A tile with the pixels that are seen of it.
class TilePainter {
 public:
  // `to_canvas` maps the drawing's px. Empty when nothing of the tile is seen.
  static std::optional<TilePainter> make(const Tile& tile, const cv::Matx33d& to_canvas, cv::Size size) {
    const auto seen = seen_part(to_canvas, size, tile.place);
    if (!seen) return std::nullopt;
    const double fit_x = static_cast<double>(tile.scaled.width) / tile.size.width;
    const double fit_y = static_cast<double>(tile.scaled.height) / tile.size.height;
    const double shown =
        std::sqrt(std::abs(to_canvas(0, 0) * to_canvas(1, 1) - to_canvas(0, 1) * to_canvas(1, 0)));
    const double fit = std::sqrt(fit_x * fit_y);
    const int halvings = tile.image.empty() ? choose_halvings(fit, shown > 0 ? fit / shown : fit) : 0;

    TilePainter painter;
    painter.place_ = tile.place;
    // Edge to edge: px u of the canvas is px ((u - origin + 1/2) / fit) / 2^halvings - 1/2 of what is read.
    const double to_x = 1 / (fit_x * (1 << halvings));
    const double to_y = 1 / (fit_y * (1 << halvings));
    const cv::Matx33d to_source(to_x, 0, (0.5 - tile.origin.x) * to_x - 0.5, 0, to_y,
                                (0.5 - tile.origin.y) * to_y - 0.5, 0, 0, 1);
    painter.to_source_ = to_source * to_canvas;
    const cv::Size level = halved(tile.size, halvings);
    const cv::Point2d first = mapped(to_source, seen->x1, seen->y1);
    const cv::Point2d last = mapped(to_source, seen->x2, seen->y2);
    const auto window = [](double from, double to, int length) {
      const int begin = std::clamp(static_cast<int>(std::floor(from)) - 1, 0, length - 1);
      const int end = std::clamp(static_cast<int>(std::floor(to)) + 3, begin + 1, length);
      return std::pair(begin, end - begin);
    };
    const auto [x, width] = window(first.x, last.x, level.width);
    const auto [y, height] = window(first.y, last.y, level.height);
    painter.part_ = tile.image.empty() ? tile.source->read_part(tile.index, halvings, {x, y, width, height})
                                       : PicturePart{tile.image, {0, 0}};
    return painter;
  }

  void paint(uint8_t* row, int y, int width, const cv::Matx33d& to_canvas) const {
    const cv::Point2d canvas = mapped(to_canvas, 0, y);
    Span span = solve(canvas.x, to_canvas(0, 0), place_.x - 0.5, place_.x + place_.width - 0.5, width);
    span.intersect(solve(canvas.y, to_canvas(1, 0), place_.y - 0.5, place_.y + place_.height - 0.5, width));
    if (span.empty()) return;
    const cv::Point2d at = mapped(to_source_, 0, y);
    const cv::Point2d in_part(at.x - part_.origin.x, at.y - part_.origin.y);
    // A little less than what sample_inside takes, for its rounding.
    constexpr double kMargin = 1.0 / 64;
    Span inside = span;
    inside.intersect(solve(in_part.x, to_source_(0, 0), kMargin, part_.image.cols - 2 - kMargin, width));
    inside.intersect(solve(in_part.y, to_source_(1, 0), kMargin, part_.image.rows - 1 - kMargin, width));
    if (inside.empty()) inside = {span.end, span.end};
    const SampleLine line{fixed_place(at.x) - (static_cast<int64_t>(part_.origin.x) << 32),
                          fixed_place(at.y) - (static_cast<int64_t>(part_.origin.y) << 32),
                          fixed_step(to_source_(0, 0)), fixed_step(to_source_(1, 0))};
    const auto sample = [&](auto how, int first, int end) {
      if (end > first) how(part_.image, line.from(first), end - first, row + 3 * first);
    };
    sample(sample_clamped, span.first, inside.first);
    sample(sample_inside, inside.first, inside.end);
    sample(sample_clamped, inside.end, span.end);
  }

 private:
  PicturePart part_;
  cv::Rect place_;
  cv::Matx33d to_source_;
};

class LayerPainter {
 public:
  LayerPainter(const Layer& layer, cv::Size size)
      : layer_(layer), width_(size.width), to_canvas_(squared(layer.to_drawing).inv()) {
    for (const Tile& tile : layer.tiles) {
      if (auto painter = TilePainter::make(tile, to_canvas_, size)) tiles_.push_back(std::move(*painter));
    }
  }

  void paint(uint8_t* row, int y) const {
    const cv::Point2d at = mapped(to_canvas_, 0, y);
    Span canvas = solve(at.x, to_canvas_(0, 0), -0.5, layer_.canvas.width - 0.5, width_);
    canvas.intersect(solve(at.y, to_canvas_(1, 0), -0.5, layer_.canvas.height - 0.5, width_));
    if (layer_.beyond != layer_.background || canvas.empty()) fill(row, {0, width_}, layer_.beyond);
    fill(row, layer_.beyond == layer_.background ? Span{0, width_} : canvas, layer_.background);
    for (const TilePainter& tile : tiles_) tile.paint(row, y, width_, to_canvas_);
  }

 private:
  const Layer& layer_;
  int width_;
  cv::Matx33d to_canvas_;
  std::vector<TilePainter> tiles_;
};

}  // namespace

void Layer::follow_with(const cv::Matx23d& next) {
  const cv::Matx33d both = squared(next) * squared(to_drawing);
  to_drawing = {both(0, 0), both(0, 1), both(0, 2), both(1, 0), both(1, 1), both(1, 2)};
}

cv::Vec3b colour(const cv::Scalar& value) {
  return {cv::saturate_cast<uint8_t>(value[0]), cv::saturate_cast<uint8_t>(value[1]),
          cv::saturate_cast<uint8_t>(value[2])};
}

int choose_halvings(double fit, double shown) {
  // Rounding a size to whole pixels shall not cost a level.
  const double needed = std::min(fit, shown) * 0.98;
  int halvings = 0;
  while (halvings < kMostHalvings && 0.5 / (1 << halvings) >= needed) ++halvings;
  return halvings;
}

cv::Mat draw(const Drawing& drawing) {
  cv::Mat image(drawing.size, CV_8UC3);
  const LayerPainter base(drawing.base, drawing.size);
  std::optional<LayerPainter> overlay;
  if (drawing.overlay) overlay.emplace(*drawing.overlay, drawing.size);
  const size_t row_bytes = static_cast<size_t>(drawing.size.width) * 3;
  std::vector<uint8_t> other(overlay ? row_bytes : 0);
  for (int y = 0; y < drawing.size.height; ++y) {
    uint8_t* row = image.ptr(y);
    base.paint(row, y);
    if (overlay) {
      overlay->paint(other.data(), y);
      average_bytes(row, other.data(), row_bytes);
    }
    for (const HsvShift& shift : drawing.shifts)
      shift_hsv(row, static_cast<size_t>(drawing.size.width), shift);
  }
  return image;
}

}  // namespace grapnel::detection::data
