// The quick way through COCO's files: one forward pass that keeps only what is needed and skips segmentations
// unparsed. It knows well-formed files alone; whatever looks odd (a number that is no integer, a null, a key
// that comes twice, an unknown id) makes it give up, and the reader of whole documents decides what it is.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tasks/detection/data/coco_annotations.hpp"
#include "tasks/detection/data/coco_eval.hpp"

namespace grapnel::detection::data {

// Empty: given up. What it gives is what the reader of whole documents would give.
std::optional<CocoAnnotations> stream_coco_annotations(const std::string& path,
                                                       const CocoReadOptions& options);
std::optional<std::vector<CocoDetection>> stream_coco_results(const std::string& path);

}  // namespace grapnel::detection::data
