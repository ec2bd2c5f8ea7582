// Runs a detector over single pictures: boxes drawn into copies, and one COCO results file.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "tasks/detection/detection_task.hpp"

namespace grapnel::detection {

struct PredictOptions {
  std::vector<std::string> pictures;       // files
  std::string out;                         // folder, made if absent
  std::array<int64_t, 2> size_px{0, 0};    // {height, width} that the network sees
  std::vector<std::string> class_names;    // by label; missing ones are shown as numbers
  std::vector<int64_t> category_ids;       // by label; missing ones are label + 1
  double draw_threshold = 0.3;             // boxes below it are in the results, not in the pictures
};

// Writes out/NAME.jpg for each picture and out/results.json, whose image_id is the picture's place in the list,
// from 1. Gives the number of boxes drawn. Failure(kRun) naming a file that cannot be read or written.
int64_t predict_pictures(DetectionTask& task, const PredictOptions& options);

}  // namespace grapnel::detection
