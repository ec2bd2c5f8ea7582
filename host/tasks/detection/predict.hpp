// Runs a detector over pictures: boxes drawn into copies, one COCO results file, and a list of the pictures.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "tasks/detection/detection_task.hpp"

namespace grapnel::detection {

struct PredictOptions {
  std::vector<std::string> pictures;     // files
  std::string out;                       // folder, made if absent
  std::array<int64_t, 2> size_px{0, 0};  // {height, width} that the network sees
  std::vector<std::string> class_names;  // by label, UTF-8; missing ones are shown as numbers
  std::vector<int64_t> category_ids;     // by label; missing ones are label + 1
  double draw_threshold = 0.3;           // boxes below it are in the results, not in the pictures
  size_t batch_size = 4;                 // pictures that the network sees at once
};

struct PredictSummary {
  size_t drawn_pictures = 0;
  size_t unreadable_pictures = 0;  // each was warned of, and has neither copy nor results
  int64_t drawn_boxes = 0;
};

// Writes a copy of each picture into `out` (names_of_copies), out/results.json, whose image_id is the
// picture's place in the list from 1, and out/images.json, which has file_name, width, height and drawn of
// each id. Boxes are in px of the picture; the copy of a small picture is enlarged. Shows progress.
// Failure(kRun) naming a file that cannot be written, Failure(kConfig) if a copy would replace one of the
// pictures.
PredictSummary predict_pictures(DetectionTask& task, const PredictOptions& options);

}  // namespace grapnel::detection
