// Writes detections as a COCO results file, which `grapnel coco-eval` and pycocotools' loadRes read.
#pragma once

#include <string>
#include <vector>

#include "tasks/detection/data/coco_eval.hpp"

namespace grapnel::detection {

// [{"image_id", "category_id", "bbox": [x, y, w, h], "score"}], whole or not at all. Failure(kRun) as AtomicFile.
void write_coco_results(const std::string& path, const std::vector<data::CocoDetection>& detections);

}  // namespace grapnel::detection
