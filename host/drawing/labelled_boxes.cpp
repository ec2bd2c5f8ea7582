#include "drawing/labelled_boxes.hpp"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "drawing/class_colours.hpp"

namespace grapnel::drawing {
namespace {

constexpr int kFont = cv::FONT_HERSHEY_SIMPLEX;
constexpr double kCapital = 21;  // px of its capital letters at scale 1
constexpr double kBelow = 7;     // px of its letters' tails

int stroke_of(int text_height_px) { return std::max(1, static_cast<int>(std::lround(text_height_px / 9.0))); }
double font_scale_of(int text_height_px) { return text_height_px / kCapital; }
int below_px(int text_height_px) {
  return static_cast<int>(std::ceil(kBelow * font_scale_of(text_height_px)));
}
int padding_of(int text_height_px) { return std::max(2, text_height_px / 4); }

// Numbers a picture could have; what lies far outside would overflow.
bool is_drawable(const LabelledBox& box) {
  return std::isfinite(box.x1) && std::isfinite(box.y1) && std::isfinite(box.x2) && std::isfinite(box.y2) &&
         box.x2 >= box.x1 && box.y2 >= box.y1;
}

cv::Rect drawn_rect(const LabelledBox& box, int enlargement, const cv::Size& picture) {
  const auto at = [&](float value, int limit) {
    const double scaled =
        std::clamp(static_cast<double>(value) * enlargement, 0.0, static_cast<double>(limit - 1));
    return static_cast<int>(std::lround(scaled));
  };
  return {cv::Point(at(box.x1, picture.width), at(box.y1, picture.height)),
          cv::Point(at(box.x2, picture.width) + 1, at(box.y2, picture.height) + 1)};
}

void outline(cv::Mat& picture, const cv::Rect& rect, const cv::Scalar& colour, int line_px) {
  // A dark rim keeps the line visible on a background of its own colour; on small boxes it would cover the
  // object.
  if (std::min(rect.width, rect.height) >= 12 * line_px) {
    cv::rectangle(picture, rect, cv::Scalar(0, 0, 0), line_px + 2);
  }
  cv::rectangle(picture, rect, colour, line_px);
}

void draw_label(cv::Mat& picture, const cv::Rect& place, const std::string& text, int text_height_px,
                const cv::Scalar& colour) {
  cv::rectangle(picture, place, colour, cv::FILLED);
  const int padding = padding_of(text_height_px);
  draw_text(picture, text, {place.x + padding, place.y + padding + text_height_px}, text_height_px,
            text_colour_on(colour));
}

}  // namespace

DrawingScale drawing_scale(const cv::Size& picture) {
  constexpr int kSmall = 320, kWanted = 480;     // of the longer side
  constexpr int kNarrow = 160, kLongest = 1600;  // a strip's shorter side, and how long it may become by that
  const int longer = std::max({1, picture.width, picture.height});
  const int shorter = std::max(1, std::min(picture.width, picture.height));
  DrawingScale scale;
  if (longer < kSmall) scale.enlargement = (kWanted + longer - 1) / longer;
  if (shorter * scale.enlargement < kNarrow) {
    scale.enlargement =
        std::max(scale.enlargement, std::min((kNarrow + shorter - 1) / shorter, kLongest / longer));
  }
  const double side = std::sqrt(static_cast<double>(picture.width) * picture.height) * scale.enlargement;
  scale.line_px = std::max(2, static_cast<int>(std::lround(side / 350)));
  scale.text_height_px = std::max(9, static_cast<int>(std::lround(side / 55)));
  return scale;
}

void draw_text(cv::Mat& picture, const std::string& text, const cv::Point& from, int height_px,
               const cv::Scalar& colour) {
  cv::putText(picture, text, from, kFont, font_scale_of(height_px), colour, stroke_of(height_px),
              cv::LINE_AA);
}

cv::Size text_size(const std::string& text, int height_px) {
  int baseline = 0;
  const cv::Size size =
      cv::getTextSize(text, kFont, font_scale_of(height_px), stroke_of(height_px), &baseline);
  return {size.width, height_px + below_px(height_px)};
}

std::string fitted_text(const std::string& head, const std::string& tail, int text_height_px, int width_px) {
  std::string kept = head;
  std::string text = kept + tail;
  while (!kept.empty() && text_size(text, text_height_px).width > width_px) {
    kept.pop_back();
    text = kept + ".." + tail;
  }
  return text;
}

std::vector<cv::Rect> place_labels(const std::vector<cv::Rect>& boxes, const std::vector<cv::Size>& labels,
                                   const cv::Size& picture) {
  std::vector<cv::Rect> placed;
  for (size_t i = 0; i < boxes.size(); ++i) {
    const cv::Rect& box = boxes[i];
    const cv::Size& label = labels[i];
    const int right = box.x + box.width - label.width;
    const int above = box.y - label.height, below = box.y + box.height;
    // Outside above is best, then what covers little of the object.
    const cv::Point wanted[] = {{box.x, above}, {right, above},
                                {box.x, below}, {right, below},
                                {box.x, box.y}, {right, below - label.height},
                                {right, box.y}, {box.x, below - label.height}};
    cv::Rect best;
    double best_cost = -1;
    for (const cv::Point& corner : wanted) {
      const cv::Rect place(std::max(0, std::min(corner.x, picture.width - label.width)),
                           std::max(0, std::min(corner.y, picture.height - label.height)), label.width,
                           label.height);
      double cost = 0;
      for (const cv::Rect& other : placed) cost += (place & other).area();
      if (best_cost >= 0 && cost >= best_cost) continue;
      best = place;
      best_cost = cost;
      if (cost == 0) break;
    }
    placed.push_back(best);
  }
  return placed;
}

cv::Mat draw_boxes(const cv::Mat& picture, const std::vector<LabelledBox>& boxes) {
  const DrawingScale scale = drawing_scale(picture.size());
  cv::Mat drawn;
  if (scale.enlargement == 1) {
    drawn = picture.clone();
  } else {
    cv::resize(picture, drawn, {}, scale.enlargement, scale.enlargement, cv::INTER_CUBIC);
  }
  const int padding = padding_of(scale.text_height_px);
  std::vector<cv::Rect> rects;
  std::vector<cv::Size> sizes;
  std::vector<const LabelledBox*> shown;
  std::vector<std::string> texts;
  for (const LabelledBox& box : boxes) {
    if (!is_drawable(box)) continue;
    shown.push_back(&box);
    rects.push_back(drawn_rect(box, scale.enlargement, drawn.size()));
    const size_t last_word = box.text.rfind(' ');
    const bool has_tail = last_word != std::string::npos;
    texts.push_back(fitted_text(box.text.substr(0, last_word), has_tail ? box.text.substr(last_word) : "",
                                scale.text_height_px, drawn.cols - 2 * padding));
    const cv::Size text = text_size(texts.back(), scale.text_height_px);
    sizes.emplace_back(text.width + 2 * padding, text.height + 2 * padding);
  }
  for (size_t i = shown.size(); i-- > 0;)
    outline(drawn, rects[i], class_colour(shown[i]->label), scale.line_px);
  const auto places = place_labels(rects, sizes, drawn.size());
  for (size_t i = shown.size(); i-- > 0;) {
    draw_label(drawn, places[i], texts[i], scale.text_height_px, class_colour(shown[i]->label));
  }
  return drawn;
}

}  // namespace grapnel::drawing
