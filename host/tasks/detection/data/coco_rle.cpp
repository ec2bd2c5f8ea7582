#include "tasks/detection/data/coco_rle.hpp"

#include <algorithm>
#include <string>

#include "tasks/detection/data/coco_json.hpp"

namespace grapnel::detection::data {

std::optional<std::vector<uint32_t>> decode_rle_counts(std::string_view text) {
  std::vector<uint32_t> counts;
  size_t at = 0;
  while (at < text.size()) {
    uint64_t value = 0;
    unsigned bits = 0;
    bool more = true;
    while (more) {
      if (at == text.size() || bits > 30) return std::nullopt;
      const int digit = static_cast<unsigned char>(text[at++]) - '0';
      if (digit < 0 || digit > 63) return std::nullopt;
      value |= static_cast<uint64_t>(digit & 31) << bits;
      bits += 5;
      more = (digit & 32) != 0;
      if (!more && (digit & 16) != 0) value |= ~uint64_t{0} << bits;
    }
    if (counts.size() > 2) value += counts[counts.size() - 2];
    counts.push_back(static_cast<uint32_t>(value));
  }
  return counts;
}

double rle_area_px2(const CocoRle& rle) {
  uint32_t area = 0;
  for (size_t i = 1; i < rle.counts.size(); i += 2) area += rle.counts[i];
  return area;
}

std::array<double, 4> rle_box_xywh_px(const CocoRle& rle) {
  const uint32_t height = rle.height_px;
  const size_t runs = rle.counts.size() / 2 * 2;  // a background run at the end bounds nothing
  if (runs == 0 || height == 0) return {0, 0, 0, 0};
  uint32_t left = rle.width_px, top = height, right = 0, bottom = 0;
  uint32_t position = 0, first_column = 0;
  for (size_t i = 0; i < runs; ++i) {
    position += rle.counts[i];
    const bool is_last_pixel = i % 2 == 1;
    const uint32_t pixel = position - (is_last_pixel ? 1 : 0);
    const uint32_t row = pixel % height;
    const uint32_t column = pixel / height;
    if (!is_last_pixel) {
      first_column = column;
    } else if (first_column < column) {  // the run goes round a column's end
      top = 0;
      bottom = height - 1;
    }
    left = std::min(left, column);
    right = std::max(right, column);
    top = std::min(top, row);
    bottom = std::max(bottom, row);
  }
  return {double(left), double(top), double(right - left + 1), double(bottom - top + 1)};
}

CocoRle read_coco_rle(const JsonEntry& entry, simdjson::dom::element segmentation) {
  const auto refuse = [&](const std::string& got) {
    entry.fail("wrong \"segmentation\"", got,
               "{\"size\": [height, width], \"counts\": a text or a list of runs}");
  };
  CocoRle rle;
  simdjson::dom::array size;
  uint64_t height = 0, width = 0;
  if (segmentation["size"].get_array().get(size) != simdjson::SUCCESS || size.size() != 2 ||
      size.at(0).get_uint64().get(height) != simdjson::SUCCESS ||
      size.at(1).get_uint64().get(width) != simdjson::SUCCESS || height > 1U << 24 || width > 1U << 24) {
    refuse(json_excerpt(segmentation));
  }
  rle.height_px = static_cast<uint32_t>(height);
  rle.width_px = static_cast<uint32_t>(width);
  std::string_view text;
  simdjson::dom::array list;
  if (segmentation["counts"].get_string().get(text) == simdjson::SUCCESS) {
    auto counts = decode_rle_counts(text);
    if (!counts) refuse(json_excerpt(segmentation));
    rle.counts = std::move(*counts);
  } else if (segmentation["counts"].get_array().get(list) == simdjson::SUCCESS) {
    for (const simdjson::dom::element run : list) {
      uint64_t length = 0;
      if (run.get_uint64().get(length) != simdjson::SUCCESS || length > UINT32_MAX) refuse(json_excerpt(run));
      rle.counts.push_back(static_cast<uint32_t>(length));
    }
  } else {
    refuse(json_excerpt(segmentation));
  }
  uint64_t covered = 0;
  for (const uint32_t run : rle.counts) covered += run;
  if (covered != height * width) {
    refuse("runs over " + std::to_string(covered) + " px for a picture of " + std::to_string(height * width));
  }
  return rle;
}

}  // namespace grapnel::detection::data
