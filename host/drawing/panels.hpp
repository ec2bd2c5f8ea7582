// Two pictures beside each other, each under its title.
#pragma once

#include <opencv2/core.hpp>
#include <string>

namespace grapnel::drawing {

// uint8 BGR pictures of one height; titles are ASCII.
cv::Mat side_by_side(const cv::Mat& left, const std::string& left_title, const cv::Mat& right,
                     const std::string& right_title);

}  // namespace grapnel::drawing
