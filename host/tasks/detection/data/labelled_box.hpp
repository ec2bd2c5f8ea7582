// A box with its class, in the pixels of the picture it belongs to.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace grapnel::detection::data {

struct LabelledBox {
  float x1 = 0;  // left, top, right, bottom edge in px; right and bottom are exclusive
  float y1 = 0;
  float x2 = 0;
  float y2 = 0;
  int32_t label = 0;  // index into the dataset's classes
};

// Cuts every box at the picture's border and drops those that lie outside of it. The order is kept.
inline void clip_to_picture(std::vector<LabelledBox>& boxes, int width_px, int height_px) {
  const auto w = static_cast<float>(width_px);
  const auto h = static_cast<float>(height_px);
  for (LabelledBox& box : boxes) {
    box.x1 = std::clamp(box.x1, 0.0f, w);
    box.x2 = std::clamp(box.x2, 0.0f, w);
    box.y1 = std::clamp(box.y1, 0.0f, h);
    box.y2 = std::clamp(box.y2, 0.0f, h);
  }
  boxes.erase(std::remove_if(boxes.begin(), boxes.end(),
                             [](const LabelledBox& box) { return box.x2 <= box.x1 || box.y2 <= box.y1; }),
              boxes.end());
}

}  // namespace grapnel::detection::data
