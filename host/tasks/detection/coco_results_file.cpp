#include "tasks/detection/coco_results_file.hpp"

#include <cstdio>

#include "core/atomic_file.hpp"

namespace grapnel::detection {

void write_coco_results(const std::string& path, const std::vector<data::CocoDetection>& detections) {
  std::string text = "[";
  for (const auto& detection : detections) {
    char line[256];
    const auto& box = detection.bbox_xywh_px;
    std::snprintf(line, sizeof line,
                  "%s\n{\"image_id\": %lld, \"category_id\": %lld, \"bbox\": [%.9g, %.9g, %.9g, %.9g], \"score\": %.17g}",
                  text.size() > 1 ? "," : "", static_cast<long long>(detection.image_id),
                  static_cast<long long>(detection.category_id), box[0], box[1], box[2], box[3], detection.score);
    text += line;
  }
  write_file_atomically(path, text + "\n]\n");
}

}  // namespace grapnel::detection
