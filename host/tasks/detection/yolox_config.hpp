// What the config says about a YOLOX model and its evaluation, read and checked. No LibTorch in here: a
// config is checked, and its schema made, without building a network.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/section.hpp"

namespace grapnel::detection {

struct YoloxVariant {
  std::string name;
  double depth;  // factor on the number of bottlenecks
  double width;  // factor on the number of channels
  bool depthwise;
};

// nano, tiny, s, m, l, x.
const std::vector<YoloxVariant>& yolox_variants();
// nullptr when there is none of that name.
const YoloxVariant* find_yolox_variant(const std::string& name);

struct PostprocessOptions {
  double score_threshold = 0.01;  // on objectness * class probability; kept if equal
  double iou_threshold = 0.65;    // a box that overlaps a better one by more is dropped
  bool class_agnostic = false;    // false: boxes compete within their class only
  bool multi_label = false;       // every class of an anchor that reaches the threshold, not only its best
  int64_t nms_pre = -1;           // so many of the best go on to suppression; below 1: all
  int64_t max_per_img = -1;       // so many of the best are kept; below 1: all
};

struct YoloxConfig {
  std::string variant;
  int64_t num_classes = 80;
  std::array<int64_t, 2> input_size_px{0, 0};  // height, width in multiples of 32; 0: the pipeline's
  PostprocessOptions postprocess;
};

// The table `model`. Failure(kConfig) for a wrong one.
YoloxConfig read_yolox_config(Section model);

// An evaluator's table: where detections are written to, without ".bbox.json"; "": nowhere.
std::string read_coco_metric(Section evaluator);

}  // namespace grapnel::detection
