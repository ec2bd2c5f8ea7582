// Pictures with COCO annotations as a runner::Dataset: MMDetection's CocoDataset, alone or inside its
// MultiImageMixDataset. Made from the config's dataset table.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/config_node.hpp"
#include "core/table_shape.hpp"
#include "runner/dataset.hpp"
#include "tasks/detection/data/coco_annotations.hpp"
#include "tasks/detection/data/detection_sample.hpp"

namespace grapnel::detection::data {

class CocoDataset : public runner::Dataset {
 public:
  struct Size {
    int width_px = 0;
    int height_px = 0;
  };

  // `dataset` is the table, `path` its dotted path:
  // - type: "CocoDataset" (default), or "MultiImageMixDataset" {dataset, pipeline, skip_type_keys}
  // - data_root: folder, relative to the current one; default "."
  // - ann_file: COCO JSON, relative to data_root; required
  // - data_prefix: {img = "train/"}, folder of the pictures, relative to data_root
  // - metainfo: {classes = [...]}, which categories, and their labels' order; default: all, by ascending id
  // - pipeline: list of transforms (pipeline.hpp); default: none
  // - filter_cfg: {filter_empty_gt, min_size}, leave out pictures without boxes, or with a side below
  // min_size px
  // - test_mode: true: filter_cfg is not applied, the file needs no annotations; default false
  // - cache_mb: MiB of decoded pictures kept in memory; default 2048, 0: none
  // - invalid_boxes: "refuse" (default) or "drop", what to do with an empty or negative box
  //
  // 2.x names that are taken too: classes, img_prefix. `fallback_size` is the output size when the pipeline
  // names none. Failure(kConfig) for a wrong table, Failure(kRun) for wrong data: an annotation file that
  // read_coco_annotations refuses, a class that is no category, missing pictures (all are looked for), no
  // pictures left.
  CocoDataset(const ConfigNode& dataset, const std::string& path, Size fallback_size);
  // Reads the table alone. Failure(kConfig) for a wrong one.
  static void check_config(const ConfigNode& dataset, const std::string& path);
  // What the table of that type may hold; `pipeline` is a list of tables of transform_shape's.
  static TableShape config_shape(const std::string& type);
  ~CocoDataset() override;

  int64_t size() const override;
  const runner::DatasetMeta& meta() const override;
  // A DetectionSample. Failure(kRun) naming the file for a picture that cannot be decoded or is truncated, or
  // whose size is not the annotation file's.
  std::unique_ptr<runner::Sample> get(const runner::SampleKey& key) const override;
  uint64_t version() const override;
  std::vector<runner::TransformInfo> transforms() const override;
  // As MMDetection's MultiImageMixDataset.update_skip_type_keys: the list replaces the one before; a type
  // that the pipeline does not have is no error.
  void set_skipped_types(const std::vector<std::string>& types) override;
  // The list replaces the whole pipeline, the inner one of a MultiImageMixDataset included; skipped types
  // stay.
  void replace_pipeline(const ConfigNode& pipeline) override;
  void set_epoch(int64_t epoch, int64_t max_epochs) override;

  // Size of every sample: what the pipeline's last sizing transform makes (Mosaic, Resize, Pad, ...), each
  // side rounded up to a multiple of 32; else `fallback_size`. Smaller pictures are padded with 114 at the
  // right and the bottom; a picture that no transform has sized is first resized to fit, its aspect kept.
  Size output_size() const;

  const CocoAnnotations& annotations() const;
  // COCO category id of each label.
  const std::vector<int64_t>& category_ids() const;
  // COCO image id of each item, and the file of its picture.
  const std::vector<int64_t>& image_ids() const;
  std::string picture_path(int64_t index) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace grapnel::detection::data
