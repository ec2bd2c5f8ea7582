#include "tasks/detection/yolox_config.hpp"

#include "core/table_shape.hpp"

namespace grapnel::detection {

const std::vector<YoloxVariant>& yolox_variants() {
  static const std::vector<YoloxVariant> variants{{"nano", 0.33, 0.25, true}, {"tiny", 0.33, 0.375, false},
                                                  {"s", 0.33, 0.50, false},   {"m", 0.67, 0.75, false},
                                                  {"l", 1.00, 1.00, false},   {"x", 1.33, 1.25, false}};
  return variants;
}

const YoloxVariant* find_yolox_variant(const std::string& name) {
  for (const YoloxVariant& variant : yolox_variants()) {
    if (variant.name == name) return &variant;
  }
  return nullptr;
}

YoloxConfig read_yolox_config(Section model) {
  YoloxConfig config;
  model.choice("type", {"YOLOX"});
  std::vector<std::string> names;
  for (const auto& known : yolox_variants()) names.push_back(known.name);
  config.variant = model.choice("variant", names);
  config.num_classes = model.integer_or("num_classes", 80, {1, 100000});
  const auto size = model.integers_or("input_size", {0, 0}, 2, {32, 8192});
  if (size[0] % 32 != 0 || size[1] % 32 != 0) {
    model.fail("input_size", "a config value is wrong", model.raw("input_size")->to_json(),
               "[height, width] in multiples of 32 px");
  }
  ConfigNode side = shape::integer({32, 8192});
  side.set("multipleOf", ConfigNode::integer(32));
  model.expect("input_size", shape::list(side, 2));
  config.input_size_px = {size[0], size[1]};
  if (auto test = model.table("test_cfg")) {
    PostprocessOptions& options = config.postprocess;
    options.score_threshold = test->number_or("score_thr", options.score_threshold, {0, 1});
    options.multi_label = test->boolean_or("multi_label", false);
    options.nms_pre = test->integer_or("nms_pre", -1, {-1, 100'000'000});
    options.max_per_img = test->integer_or("max_per_img", -1, {-1, 100'000'000});
    if (auto nms = test->table("nms")) {
      nms->choice_or("type", "nms", {"nms"});
      options.iou_threshold = nms->number_or("iou_threshold", options.iou_threshold, {0, 1});
      options.class_agnostic = nms->boolean_or("class_agnostic", false);
      nms->finish();
    }
    test->finish();
  }
  model.finish();
  return config;
}

std::string read_coco_metric(Section evaluator) {
  evaluator.choice_or("type", "CocoMetric", {"CocoMetric"});
  evaluator.choice_or("metric", "bbox", {"bbox"});
  evaluator.ignore("ann_file");  // the dataset's own is what is evaluated
  const std::string prefix = evaluator.string_or("outfile_prefix", "");
  evaluator.finish();
  return prefix;
}

}  // namespace grapnel::detection
