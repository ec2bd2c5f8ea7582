// COCO's bounding box evaluation, number for number as pycocotools 2.0 gives it (cocoeval.py; T.-Y. Lin et
// al., "Microsoft COCO", 2014): greedy matching at IoU 0.50:0.05:0.95, 101-point interpolated precision,
// crowds, size ranges, at most 100 detections an image. Ties keep their order, and the peculiarities stay:
// an annotation whose id is 0 never counts as found, `ignore` in the file counts for nothing beside iscrowd.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tasks/detection/data/coco_annotations.hpp"

namespace grapnel::detection::data {

struct CocoDetection {
  int64_t image_id = 0;
  int64_t category_id = 0;
  std::array<double, 4> bbox_xywh_px{};
  double score = 0;
  std::optional<double> mask_area_px2 =
      std::nullopt;  // the detection's area where it is a mask; else width x height
};

struct CocoClassResult {
  int64_t category_id = 0;
  std::string name;
  double ap = -1;  // -1: the class has no ground truth
};

struct CocoEvaluation {
  // In pycocotools' order, named by kCocoStatNames; -1 where there is nothing to measure.
  std::array<double, 12> stats{};
  std::vector<CocoClassResult> classes;  // by ascending category id; none without use_categories
  std::array<int64_t, 3> max_detections{};
  // With keep_curves, as pycocotools' `eval`: [10 IoUs, 101 recalls, classes, 4 sizes, 3 limits] and
  // [10 IoUs, classes, 4 sizes, 3 limits]; -1 where there is no ground truth.
  std::vector<double> precision, recall;
  std::vector<std::string> notes;  // for people: what the files held that counts for nothing
};

// "AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl".
extern const std::array<const char*, 12> kCocoStatNames;

struct CocoEvalOptions {
  std::vector<int64_t> image_ids;     // empty: all of the file
  std::vector<int64_t> category_ids;  // empty: all of the file
  // Detections a picture (and class), the limits behind AR; all else is at the largest.
  std::array<int64_t, 3> max_detections = {1, 10, 100};
  bool use_categories = true;  // false: pycocotools' useCats = 0, every class is the same
  bool keep_curves = false;
};

// Detections of images or categories outside the selection are left out.
CocoEvaluation evaluate_coco(const CocoAnnotations& truth, const std::vector<CocoDetection>& detections,
                             const CocoEvalOptions& options = {});

// Reads a COCO results file: a list of {image_id, category_id, bbox [x, y, w, h], score}. A file whose first
// entry has no box but a run-length mask (`segmentation`) is one of masks: its detections get the masks'
// boxes and areas, as pycocotools' loadRes gives them. Failure(kRun) naming file and entry for anything else,
// and for an image that `truth` does not have. A category that it does not have counts for nothing.
std::vector<CocoDetection> read_coco_results(const std::string& path, const CocoAnnotations& truth);

// Reads both files and evaluates: the command `grapnel coco-eval`. Failure(kRun) as the readers give it.
CocoEvaluation evaluate_coco_files(const std::string& annotations_path, const std::string& results_path,
                                   const CocoEvalOptions& options = {});

// For people: pycocotools' twelve lines, then AP a class.
std::string coco_table(const CocoEvaluation& evaluation);
// {"stats": {"AP": ...}, "classes": [{"id": 1, "name": "...", "AP": ...}], "notes": [...]}, every digit;
// with keep_curves "precision" and "recall" too.
std::string coco_json(const CocoEvaluation& evaluation);

}  // namespace grapnel::detection::data
