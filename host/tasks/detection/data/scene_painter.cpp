#include "tasks/detection/data/scene_painter.hpp"

#include <algorithm>
#include <array>
#include <opencv2/imgproc.hpp>

#include "core/failure.hpp"

namespace grapnel::detection::data {
namespace {

constexpr int kVisibleGrey = 24;    // darker pixels of an item are not painted
constexpr double kOpaqueGrey = 64;  // from here on the background does not shine through
constexpr double kMostCovered = 0.1;
constexpr double kMostBoxOverlap = 0.2;

using Color = std::array<double, 3>;

Color random_color(CounterRng& rng, double low, double high) {
  return {rng.uniform(low, high), rng.uniform(low, high), rng.uniform(low, high)};
}

cv::Mat paint_background(int size_px, CounterRng& rng) {
  constexpr int kKnots = 4;
  cv::Mat knots(kKnots, kKnots, CV_8UC3);
  const Color base = random_color(rng, 25, 90);
  for (int y = 0; y < kKnots; ++y) {
    for (int x = 0; x < kKnots; ++x) {
      for (int c = 0; c < 3; ++c) {
        knots.at<cv::Vec3b>(y, x)[c] =
            static_cast<uint8_t>(base[static_cast<size_t>(c)] + rng.uniform(-25, 25));
      }
    }
  }
  cv::Mat image;
  cv::resize(knots, image, {size_px, size_px}, 0, 0, cv::INTER_CUBIC);
  return image;
}

// The item's grey values, enlarged and cut to its visible pixels; empty when nothing of it is visible.
cv::Mat cut_out(const IdxPictures& source, int64_t index, double scale) {
  const cv::Mat grey(static_cast<int>(source.height_px), static_cast<int>(source.width_px), CV_8U,
                     const_cast<uint8_t*>(source.pixels.data() + index * source.height_px * source.width_px));
  cv::Mat enlarged;
  cv::resize(grey, enlarged,
             {static_cast<int>(grey.cols * scale + 0.5), static_cast<int>(grey.rows * scale + 0.5)}, 0, 0,
             cv::INTER_LINEAR);
  const cv::Mat visible = enlarged >= kVisibleGrey;
  const cv::Rect box = cv::boundingRect(visible);
  return box.area() > 0 ? enlarged(box).clone() : cv::Mat();
}

class Canvas {
 public:
  Canvas(int size_px, CounterRng& rng) : size_px_(size_px), rng_(rng) {
    scene_.image = paint_background(size_px, rng);
    scene_.owner = cv::Mat(size_px, size_px, CV_32S, cv::Scalar(-1));
  }

  // Paints the item at a random place if there is one where it covers little; false if none was found.
  bool try_place(const cv::Mat& grey, int label, int tries) {
    if (grey.empty() || grey.cols > size_px_ || grey.rows > size_px_) return false;
    for (int i = 0; i < tries; ++i) {
      const cv::Rect box(static_cast<int>(rng_.integer(0, size_px_ - grey.cols)),
                         static_cast<int>(rng_.integer(0, size_px_ - grey.rows)), grey.cols, grey.rows);
      if (!covers_little(grey, box)) continue;
      paint(grey, box, label);
      return true;
    }
    return false;
  }

  size_t count() const { return scene_.items.size(); }

  // The scene with each box tight around what later items left visible.
  Scene finish() {
    struct Extent {
      int x1 = 1 << 30, y1 = 1 << 30, x2 = -1, y2 = -1;
    };
    std::vector<Extent> extents(scene_.items.size());
    for (int y = 0; y < size_px_; ++y) {
      const int* row = scene_.owner.ptr<int>(y);
      for (int x = 0; x < size_px_; ++x) {
        if (row[x] < 0) continue;
        Extent& extent = extents[static_cast<size_t>(row[x])];
        extent = {std::min(extent.x1, x), std::min(extent.y1, y), std::max(extent.x2, x),
                  std::max(extent.y2, y)};
      }
    }
    for (size_t i = 0; i < extents.size(); ++i) {
      const Extent& e = extents[i];
      scene_.items[i].box_px = {e.x1, e.y1, e.x2 - e.x1 + 1, e.y2 - e.y1 + 1};
    }
    return std::move(scene_);
  }

 private:
  bool covers_little(const cv::Mat& grey, const cv::Rect& box) const {
    for (const SceneItem& item : scene_.items) {
      const double shared = (item.box_px & box).area();
      if (shared > kMostBoxOverlap * std::min(item.box_px.area(), box.area())) return false;
    }
    std::vector<int> covered(scene_.items.size(), 0);
    for (int y = 0; y < box.height; ++y) {
      const int* owner = scene_.owner.ptr<int>(box.y + y) + box.x;
      const uint8_t* from = grey.ptr(y);
      for (int x = 0; x < box.width; ++x) {
        if (from[x] >= kVisibleGrey && owner[x] >= 0) ++covered[static_cast<size_t>(owner[x])];
      }
    }
    for (size_t i = 0; i < covered.size(); ++i) {
      const SceneItem& item = scene_.items[i];
      // What earlier ones have covered counts too: the sum stays below the limit.
      if (covered[i] + hidden_[i] > kMostCovered * (item.visible_px + hidden_[i])) return false;
    }
    return true;
  }

  void paint(const cv::Mat& grey, const cv::Rect& box, int label) {
    const Color tint = random_color(rng_, 140, 255);
    const int index = static_cast<int>(scene_.items.size());
    int visible = 0;
    for (int y = 0; y < box.height; ++y) {
      const uint8_t* from = grey.ptr(y);
      auto* to = scene_.image.ptr<cv::Vec3b>(box.y + y) + box.x;
      int* owner = scene_.owner.ptr<int>(box.y + y) + box.x;
      for (int x = 0; x < box.width; ++x) {
        if (from[x] < kVisibleGrey) continue;
        const double opacity = std::min(1.0, from[x] / kOpaqueGrey);
        const double shade = 0.1 + 0.9 * from[x] / 255;
        for (int c = 0; c < 3; ++c) {
          to[x][c] = static_cast<uint8_t>(to[x][c] * (1 - opacity) +
                                          tint[static_cast<size_t>(c)] * shade * opacity + 0.5);
        }
        if (owner[x] >= 0) {
          ++hidden_[static_cast<size_t>(owner[x])];
          --scene_.items[static_cast<size_t>(owner[x])].visible_px;
        }
        owner[x] = index;
        ++visible;
      }
    }
    scene_.items.push_back({box, label, visible});
    hidden_.push_back(0);
  }

  int size_px_;
  CounterRng& rng_;
  Scene scene_;
  std::vector<int> hidden_;  // pixels of each item that later ones cover
};

}  // namespace

Scene paint_scene(const IdxPictures& source, int size_px, CounterRng& rng) {
  constexpr size_t kFewest = 2;
  constexpr int kTries = 40;
  constexpr int64_t kMostDraws = 1000;
  Canvas canvas(size_px, rng);
  const int64_t wanted = rng.integer(kFewest, 8);
  for (int64_t i = 0; i < wanted || canvas.count() < kFewest; ++i) {
    if (i == kMostDraws) {
      throw Failure(FailureKind::kRun, {"cannot paint a scene", "", "pictures in which nothing is visible",
                                        "pictures of clothing", ""});
    }
    const int64_t index = rng.integer(0, source.count - 1);
    // A crowded scene gets its second item at the smallest scale.
    const double scale = i < wanted ? rng.uniform(1.0, 2.8) : 1.0;
    canvas.try_place(cut_out(source, index, scale), source.labels[static_cast<size_t>(index)], kTries);
  }
  return canvas.finish();
}

}  // namespace grapnel::detection::data
