// Reads a COCO annotation file, whoever wrote it: keys in any order, ids with gaps, unknown keys,
// segmentations ignored. What cannot be trained on or evaluated is refused with the entry that is wrong.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace grapnel::detection::data {

struct CocoImage {
  int64_t id = 0;
  std::string file_name;
  int64_t width_px = 0;  // 0: the file does not say
  int64_t height_px = 0;
};

struct CocoCategory {
  int64_t id = 0;
  std::string name;
};

struct CocoAnnotation {
  int64_t id = 0;  // running number from 1 when the file gives none
  int64_t image_id = 0;
  int64_t category_id = 0;
  std::array<double, 4> bbox_xywh_px{};  // left, top, width, height
  double area_px2 = 0;                   // the file's; width x height when it gives none
  bool iscrowd = false;
};

struct CocoAnnotations {
  std::string path;
  std::vector<CocoImage> images;  // all in the order of the file
  std::vector<CocoCategory> categories;
  std::vector<CocoAnnotation> annotations;
  int64_t dropped_boxes = 0;  // annotations left out because of CocoReadOptions::drop_invalid_boxes
};

struct CocoReadOptions {
  bool drop_invalid_boxes = false;  // leave an empty or negative box out instead of refusing the file
  bool needs_annotations = true;    // false: a file without `annotations` is legal (a test set)
  bool needs_file_names = true;     // false: images without `file_name` are legal (evaluation)
};

// Failure(kRun) naming file and entry for: an unreadable file, broken JSON, no images, no categories, an id
// that occurs twice, an annotation of an unknown image or category, a box that is not four finite numbers or
// has no area.
CocoAnnotations read_coco_annotations(const std::string& path, const CocoReadOptions& options = {});

}  // namespace grapnel::detection::data
