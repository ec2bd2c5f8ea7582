// Draws boxes with their names into a copy of a picture, legible whatever the picture's size.
#pragma once

#include <cstddef>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

namespace grapnel::drawing {

struct LabelledBox {
  float x1 = 0, y1 = 0, x2 = 0, y2 = 0;  // px of the picture
  size_t label = 0;                      // chooses the colour
  std::string text;                      // ASCII: "shoe 0.87"
};

// How large things are drawn, all in px of the drawn picture. They follow the root of the picture's area.
struct DrawingScale {
  // Drawn px a picture's px. Pictures are enlarged if their longer side is below 320 px, and narrow strips.
  int enlargement = 1;
  int line_px = 2;
  int text_height_px = 9;  // of a capital letter
};
DrawingScale drawing_scale(const cv::Size& picture);

// Where the label of each box goes, in the order of `boxes`: inside the picture, and off labels placed before
// where there is room for it near its box. Boxes and sizes in drawn px; earlier boxes choose first.
std::vector<cv::Rect> place_labels(const std::vector<cv::Rect>& boxes, const std::vector<cv::Size>& labels,
                                   const cv::Size& picture);

// `picture`: uint8 BGR, not empty. Gives picture times enlargement. The first box is the most important: it
// is drawn on top and its label is placed first. Coordinates that are not finite are left out.
cv::Mat draw_boxes(const cv::Mat& picture, const std::vector<LabelledBox>& boxes);

// Text cut so that it is no wider than `width_px`, with ".." where something is missing; `tail` is kept
// whole.
std::string fitted_text(const std::string& head, const std::string& tail, int text_height_px, int width_px);

// A line of text whose capital letters are `height_px` high; `from` is the left end of its baseline.
void draw_text(cv::Mat& picture, const std::string& text, const cv::Point& from, int height_px,
               const cv::Scalar& colour);
cv::Size text_size(const std::string& text,
                   int height_px);  // of its letters, those below the baseline included

}  // namespace grapnel::drawing
