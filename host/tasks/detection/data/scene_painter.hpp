// Paints one scene: items of clothing, enlarged and tinted, on a smooth coloured background, with the exact
// box of what can be seen of each. A scene depends on the generator and the items alone.
#pragma once

#include <opencv2/core.hpp>
#include <vector>

#include "core/philox.hpp"
#include "tasks/idx_file.hpp"

namespace grapnel::detection::data {

struct SceneItem {
  cv::Rect box_px;     // tight around the item's visible pixels
  int label = 0;       // Fashion-MNIST's, 0..9
  int visible_px = 0;  // how many pixels those are
};

struct Scene {
  cv::Mat image;  // uint8 BGR [size, size, 3]
  cv::Mat owner;  // int32 [size, size]: index into `items` of the item seen there, -1 for background
  std::vector<SceneItem> items;
};

// 2 to 8 items out of `source`, scaled 1x to 2.8x, no item covering more than a tenth of another.
Scene paint_scene(const IdxPictures& source, int size_px, CounterRng& rng);

}  // namespace grapnel::detection::data
