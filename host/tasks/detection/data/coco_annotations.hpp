// Reads a COCO annotation file, whoever wrote it: keys in any order, ids with gaps, unknown keys. What cannot
// be trained on or evaluated is refused with the entry that is wrong. A segmentation is looked at only where
// it has to stand in for a box or an area.
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
  std::array<double, 4> bbox_xywh_px{};  // left, top, width, height; a run-length mask's when it gives none
  double area_px2 = 0;  // the file's; when it gives none a run-length mask's, else width x height
  bool iscrowd = false;

  // A box without area: never a target of training, but evaluation counts it, as pycocotools does.
  bool is_empty() const { return !(bbox_xywh_px[2] > 0 && bbox_xywh_px[3] > 0); }
};

struct CocoAnnotations {
  std::string path;
  std::vector<CocoImage> images;  // all in the order of the file
  std::vector<CocoCategory> categories;
  std::vector<CocoAnnotation> annotations;
  int64_t dropped_boxes = 0;  // empty ones, kept for evaluation alone: CocoReadOptions::drop_invalid_boxes
  int64_t unknown_annotations = 0;  // left out: CocoReadOptions::as_pycocotools
};

struct CocoReadOptions {
  bool drop_invalid_boxes = false;  // take an empty or negative box instead of refusing the file
  bool needs_annotations = true;    // false: a file without `annotations` is legal (a test set)
  bool needs_file_names = true;     // false: images without `file_name` are legal (evaluation)
  // For evaluation: empty boxes are taken, and annotations of an unknown image or category are left out
  // instead of refused, since they count for nothing.
  bool as_pycocotools = false;
};

// Failure(kRun) naming file and entry for: an unreadable file, broken JSON, no images, no categories, an id
// that occurs twice, an annotation of an unknown image or category, a box that is not four finite numbers or
// has no area. Well-formed files are read in one pass without a document in memory.
CocoAnnotations read_coco_annotations(const std::string& path, const CocoReadOptions& options = {});

}  // namespace grapnel::detection::data
