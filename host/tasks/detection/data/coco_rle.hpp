// COCO's run-length encoded masks, as far as boxes need them: area and bounding box, number for number as
// pycocotools' `area` and `toBbox` give them. Runs go down the columns, background first.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <simdjson.h>
#include <string_view>
#include <vector>

namespace grapnel::detection::data {

class JsonEntry;

struct CocoRle {
  uint32_t height_px = 0;
  uint32_t width_px = 0;
  std::vector<uint32_t> counts;  // lengths of the runs: background, mask, background, ...
};

// The compressed form: five bits a character, and from the fourth run on the difference to the run two
// before. Empty for a text that is none.
std::optional<std::vector<uint32_t>> decode_rle_counts(std::string_view text);

double rle_area_px2(const CocoRle& rle);
std::array<double, 4> rle_box_xywh_px(const CocoRle& rle);

// {"size": [height, width], "counts": "..." or [...]}. Fails in the name of `entry` for anything else, and
// when the runs do not cover the picture.
CocoRle read_coco_rle(const JsonEntry& entry, simdjson::dom::element segmentation);

}  // namespace grapnel::detection::data
