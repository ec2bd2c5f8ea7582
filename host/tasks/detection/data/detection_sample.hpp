// What one draw of the detection data gives: a picture and its boxes, ready to be put into a batch.
#pragma once

#include <cstdint>
#include <opencv2/core.hpp>
#include <vector>

#include "runner/dataset.hpp"
#include "tasks/detection/data/labelled_box.hpp"

namespace grapnel::detection::data {

struct DetectionSample : runner::Sample {
  // uint8, BGR, [H, W, 3], of the dataset's output size. May share its memory with the picture cache: read
  // only.
  cv::Mat image;
  std::vector<LabelledBox> boxes;  // in px of `image`, inside of it
  int64_t image_id = 0;            // COCO id of the picture the sample began with
  int original_width_px = 0;       // of that picture on disk
  int original_height_px = 0;
  // px of `image` a px of the original picture, when no mixing transform ran: a detection's x / scale_x is
  // its x in the original. Padding is at the right and the bottom, so there is no offset.
  float scale_x = 1;
  float scale_y = 1;
};

}  // namespace grapnel::detection::data
