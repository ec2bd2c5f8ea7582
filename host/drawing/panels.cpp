#include "drawing/panels.hpp"

#include <algorithm>

#include "drawing/labelled_boxes.hpp"

namespace grapnel::drawing {

cv::Mat side_by_side(const cv::Mat& left, const std::string& left_title, const cv::Mat& right,
                     const std::string& right_title) {
  const int text_height = drawing_scale(left.size()).text_height_px;
  const int margin = std::max(4, text_height / 2), gap = std::max(4, left.cols / 100);
  const int header = text_size("X", text_height).height + 2 * margin;
  cv::Mat both(header + std::max(left.rows, right.rows), left.cols + gap + right.cols, CV_8UC3,
               cv::Scalar(32, 32, 32));
  const auto put = [&](const cv::Mat& picture, const std::string& title, int x) {
    picture.copyTo(both(cv::Rect(x, header, picture.cols, picture.rows)));
    draw_text(both, fitted_text(title, "", text_height, picture.cols - 2 * margin),
              {x + margin, margin + text_height}, text_height, {255, 255, 255});
  };
  put(left, left_title, 0);
  put(right, right_title, left.cols + gap);
  return both;
}

}  // namespace grapnel::drawing
