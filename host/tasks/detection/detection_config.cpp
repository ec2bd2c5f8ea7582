// The shapes come from the readers; what the keys mean is written here, and said of every key or the tests
// fail.
#include "tasks/detection/detection_config.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/section.hpp"
#include "tasks/detection/data/coco_dataset.hpp"
#include "tasks/detection/data/pipeline.hpp"
#include "tasks/detection/yolox_config.hpp"

namespace grapnel::detection {
namespace {

using runner::RunConfig;
using shape::keywords;
using Notes = std::vector<std::pair<std::string, std::string>>;

struct TypeNotes {
  const char* type;
  const char* meaning;
  Notes keys;
};

const std::vector<TypeNotes>& transform_notes() {
  const std::string pad = "Grey, or (B, G, R), of what has no picture: 0 to 255";
  static const std::vector<TypeNotes> notes = {
      {"LoadImageFromFile", "Reads the picture: done with or without this", {{"with_mask", "Only false"}}},
      {"LoadAnnotations", "Reads the boxes: done with or without this", {{"with_mask", "Only false"}}},
      {"PackDetInputs", "Makes the sample: done with or without this", {{"with_mask", "Only false"}}},
      {"Mosaic",
       "Puts four pictures around a random centre",
       {{"img_scale", "Size of one part in px: (width, height), or one number for a square"},
        {"center_ratio_range", "Where the centre may be, as a part of img_scale: (lowest, highest)"},
        {"pad_val", pad},
        {"prob", "Chance that it is applied"},
        {"bbox_clip_border", "Boxes are always cut at the border"}}},
      {"MixUp",
       "Blends in another picture",
       {{"img_scale", "Size of the result in px: (width, height), or one number for a square"},
        {"ratio_range", "Scales of the other picture: (lowest, highest)"},
        {"flip_ratio", "Chance that the other picture is mirrored"},
        {"pad_val", pad},
        {"outside_val", "Grey, or (B, G, R), beyond the other picture: 0 to 255; left out: pad_val"},
        {"max_iters", "Tries to find another picture that has boxes"},
        {"prob", "Chance that it is applied"},
        {"bbox_clip_border", "Boxes are always cut at the border"}}},
      {"RandomAffine",
       "Turns, scales, shears and shifts; after a Mosaic it cuts back to the size of one part",
       {{"max_rotate_degree", "Largest rotation to either side, in degrees"},
        {"max_translate_ratio", "Largest shift, as a part of the size"},
        {"scaling_ratio_range", "Scales: (lowest, highest)"},
        {"max_shear_degree", "Largest shear to either side, in degrees"},
        {"border",
         "Added at each side, in px: (width, height); minus half of img_scale after a Mosaic, else 0"},
        {"border_val", pad},
        {"bbox_clip_border", "Boxes are always cut at the border"}}},
      {"YOLOXHSVRandomAug",
       "Shifts hue, saturation and value at random",
       {{"hue_delta", "Largest shift of the hue, of 180"},
        {"saturation_delta", "Largest shift of the saturation, of 255"},
        {"value_delta", "Largest shift of the value, of 255"}}},
      {"RandomFlip",
       "Mirrors the picture",
       {{"prob", "Chance that it is applied"}, {"direction", "Which way"}}},
      {"Resize",
       "Gives the picture a size",
       {{"scale", "Size in px: (width, height), or one number for a square"},
        {"keep_ratio", "Fits the picture into the size and keeps its aspect"},
        {"clip_object_border", "Boxes are always cut at the border"},
        {"rounding", "How a side that is no whole number of px becomes one"},
        {"interpolation", "How pixels are made"},
        {"backend", "What resizes"}}},
      {"Pad",
       "Pads at the right and the bottom; needs size, pad_to_square or size_divisor",
       {{"size", "Size in px: (width, height), or one number for a square"},
        {"pad_to_square", "Makes both sides as long as the longer one"},
        {"size_divisor", "Makes the sides multiples of this, in px"},
        {"pad_val", pad}}},
      {"FilterAnnotations",
       "Drops boxes that became too small",
       {{"min_gt_bbox_wh", "Boxes must be larger than this, in px: (width, height)"},
        {"keep_empty", "Keeps a picture without boxes; false: draws another"},
        {"by_box", "Looks at boxes: the only way there is"}}},
  };
  return notes;
}

// Pad takes either a size or a square, and must have something to do.
ConfigNode pad_rule() {
  const auto has = [](const char* key, ConfigNode value) {
    return keywords(
        {{"required", shape::words({key})}, {"properties", ConfigNode::table({{key, std::move(value)}})}});
  };
  const ConfigNode size = has("size", ConfigNode::boolean(true));
  const ConfigNode square = has("pad_to_square", keywords({{"const", ConfigNode::boolean(true)}}));
  const ConfigNode multiple = has("size_divisor", keywords({{"minimum", ConfigNode::integer(2)}}));
  return keywords({{"anyOf", ConfigNode::list({size, square, multiple})},
                   {"not", keywords({{"allOf", ConfigNode::list({size, square})}})}});
}

// bbox_clip_border, with_mask: one of the two values is all that there is.
void allow_only(TableShape& shape, const char* key, bool value) {
  if (KeyShape* found = shape.find(key)) found->value = keywords({{"const", ConfigNode::boolean(value)}});
}

std::shared_ptr<const TableVariants> transforms() {
  auto variants = std::make_shared<TableVariants>();
  variants->name = "coco_transform";
  variants->note = "Which transform";
  for (const std::string& type : data::transform_types()) {
    TableShape shape = data::transform_shape(type);
    allow_only(shape, "bbox_clip_border", true);
    allow_only(shape, "with_mask", false);
    for (const TypeNotes& notes : transform_notes()) {
      if (type != notes.type) continue;
      describe(shape, notes.keys);
      shape.at("type").note = notes.meaning;
    }
    if (type == "RandomAffine") shape.known("border").fallback = {};
    if (type == "Pad") shape.rule = pad_rule();
    variants->add(type, std::move(shape));
  }
  return variants;
}

void read_pipeline_with(TableShape& dataset, const std::shared_ptr<const TableVariants>& transforms) {
  KeyShape& pipeline = dataset.known("pipeline");
  pipeline.note = "What is done to each picture, in order";
  pipeline.variants = transforms;
  pipeline.form = KeyShape::Form::kList;
}

Notes dataset_notes(const std::string& prefix) {
  Notes notes = {{"data_root", "Folder of the data, relative to the current one"},
                 {"ann_file", "Annotations in COCO's JSON, relative to data_root"},
                 {"data_prefix", "Where the pictures are"},
                 {"data_prefix.img", "Folder of the pictures, relative to data_root"},
                 {"img_prefix", "As data_prefix.img, which wins"},
                 {"metainfo", "What is known of the data"},
                 {"metainfo.classes", "Names of the categories to use; their order gives the labels"},
                 {"classes", "As metainfo.classes, which wins"},
                 {"test_mode", "Takes pictures without annotations and does not filter"},
                 {"filter_cfg", "Which pictures are left out"},
                 {"filter_cfg.filter_empty_gt", "Those without boxes"},
                 {"filter_cfg.min_size", "Those with a side below this, in px"},
                 {"cache_mb", "MiB of decoded pictures kept in memory"},
                 {"invalid_boxes", "What becomes of an empty or negative box"}};
  for (auto& [key, note] : notes) key.insert(0, prefix);
  return notes;
}

std::vector<TableVariant> datasets() {
  const auto steps = transforms();
  TableVariants variants;
  TableShape coco = data::CocoDataset::config_shape("CocoDataset");
  describe(coco, dataset_notes(""));
  coco.at("type").note = "Pictures with annotations as COCO has them";
  read_pipeline_with(coco, steps);
  variants.add("CocoDataset", std::move(coco));

  TableShape mixed = data::CocoDataset::config_shape("MultiImageMixDataset");
  describe(mixed, dataset_notes("dataset."));
  describe(mixed, {{"type", "A dataset whose transforms may mix pictures (MMDetection's way to write it)"},
                   {"dataset", "The pictures; its pipeline runs on each that is read"},
                   {"dataset.type", "Which kind of data"},
                   {"skip_type_keys", "Types of transforms that are skipped"}});
  read_pipeline_with(mixed, steps);
  read_pipeline_with(*mixed.known("dataset").table, steps);
  variants.add("MultiImageMixDataset", std::move(mixed));
  return std::move(variants.all);
}

std::vector<TableVariant> models() {
  TableShape shape;
  read_yolox_config(Section(ConfigNode::table(), "model", shape));
  describe(shape,
           {{"type", "YOLOX (Ge et al., 2021), a detector of boxes"},
            {"variant", "How large the network is"},
            {"num_classes", "Classes that it tells apart"},
            {"input_size",
             "Size of a training batch in px: [height, width] in multiples of 32; left out: the pipeline's"},
            {"test_cfg", "From the network's output to boxes"},
            {"test_cfg.score_thr", "Boxes below this score are dropped"},
            {"test_cfg.multi_label", "Every class of an anchor that reaches score_thr; false: the best one only"},
            {"test_cfg.nms_pre", "So many of a picture's best boxes go on to suppression; below 1: all"},
            {"test_cfg.max_per_img", "So many of a picture's best boxes are kept; below 1: all"},
            {"test_cfg.nms", "Non-maximum suppression"},
            {"test_cfg.nms.type", "The only kind there is"},
            {"test_cfg.nms.iou_threshold", "A box that overlaps a better one by more is dropped"},
            {"test_cfg.nms.class_agnostic", "Boxes of different classes compete too"}});
  TableVariants variants;
  variants.add("YOLOX", std::move(shape));
  return std::move(variants.all);
}

std::vector<TableVariant> evaluators() {
  TableShape shape;
  read_coco_metric(Section(ConfigNode::table(), "val_evaluator", shape));
  describe(shape, {{"type", "COCO's average precision of boxes"},
                   {"metric", "The only kind there is"},
                   {"ann_file", "the dataset's own is evaluated"},
                   {"outfile_prefix", "Detections go to this path with .bbox.json added; empty: nowhere"}});
  TableVariants variants;
  variants.add("CocoMetric", std::move(shape));
  return std::move(variants.all);
}

}  // namespace

runner::TaskShapes detection_shapes() { return {models(), datasets(), evaluators(), "CocoDataset"}; }

void check_detection_config(const RunConfig& run) {
  read_yolox_config(Section(run.model, "model"));
  for (const auto* loader : {&run.train_dataloader, &run.val_dataloader, &run.test_dataloader}) {
    if (*loader) data::CocoDataset::check_config((*loader)->dataset, (*loader)->path + ".dataset");
  }
  if (run.val_evaluator.kind() == ConfigNode::Kind::kTable)
    read_coco_metric(Section(run.val_evaluator, "val_evaluator"));
  if (run.test_evaluator.kind() == ConfigNode::Kind::kTable)
    read_coco_metric(Section(run.test_evaluator, "test_evaluator"));
}

}  // namespace grapnel::detection
