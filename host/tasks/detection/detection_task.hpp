// YOLOX detection on COCO-format data as a runner::Task: joins the model, the loss, the data side and COCO's
// evaluation.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "core/config_node.hpp"
#include "runner/task.hpp"
#include "tasks/detection/data/coco_dataset.hpp"
#include "tasks/detection/data/coco_eval.hpp"
#include "tasks/detection/postprocess.hpp"
#include "tasks/detection/yolox_model.hpp"

namespace grapnel::detection {

// Batches are "inputs" [B, 3, H, W] float32 BGR in 0..255, channels-last, H and W multiples of 32, and "targets"
// [B, M, 5] float32 (class, cx, cy, w, h in px of the inputs; rows of zeros are padding). Validation and test batches
// also have "image_info" [B, 6] float64: image id, px of the inputs a px of the original in x and in y, width and height
// of the original in px, 0. Loss parts carry MMDetection's names:
// loss_bbox, loss_obj, loss_cls, loss_l1. Metrics are "coco/bbox_mAP", "coco/bbox_mAP_50", ...
class DetectionTask : public runner::Task {
 public:
  // `model`: type = "YOLOX", variant ("nano" ... "x"), num_classes, input_size = [height, width] in px (multiples of
  // 32: the size of training batches until a hook sets another; default: as the pipeline makes them), test_cfg =
  // {score_thr, nms = {iou_threshold, class_agnostic}}. Failure(kConfig) for a wrong table.
  DetectionTask(const ConfigNode& model, const std::string& path);

  torch::nn::Module& model() override { return *net_; }
  void init_weights(uint64_t seed) override;
  std::vector<runner::ParameterGroup> parameter_groups() override;
  // The head's num_classes (read-only) and use_l1; the model's epoch (read-only).
  std::vector<runner::ModuleAttribute> attributes() const override;
  void set_attribute(const std::string& module, const std::string& name,
                     const runner::AttributeValue& value) override;
  void set_epoch(int64_t epoch, int64_t max_epochs) override;

  std::unique_ptr<runner::Dataset> make_dataset(runner::Split split, const ConfigNode& dataset,
                                                const std::string& path) override;
  runner::Batch collate(runner::Split split, std::vector<std::unique_ptr<runner::Sample>> samples) override;
  std::array<int64_t, 2> image_size() const override { return image_size_px_; }
  bool set_image_size(std::array<int64_t, 2> height_width_px) override;
  void prepare_train_batch(runner::Batch& batch) override;
  runner::StepOutput train_step(runner::Batch& batch) override;

  void begin_evaluation(runner::Split split, const runner::Dataset& dataset, const ConfigNode& config) override;
  // "detections" [N, 8] float32: picture of the batch, x1, y1, x2, y2 in px of the original, objectness, class
  // probability, class.
  std::vector<std::pair<std::string, torch::Tensor>> eval_step(runner::Batch& batch) override;
  runner::Metrics finish_evaluation() override;
  std::string evaluation_table() const override { return table_; }

  // Detections of each picture (BGR, uint8), letterboxed into `size_px` {height, width} and seen in one batch: [N, 7] as
  // postprocess gives them, in px of the picture and clipped to it. The model must be in evaluation mode.
  std::vector<torch::Tensor> detect(const std::vector<cv::Mat>& pictures, std::array<int64_t, 2> size_px);

 private:
  Yolox net_{nullptr};
  int64_t num_classes_ = 80;
  int64_t epoch_ = 0;
  std::array<int64_t, 2> image_size_px_{0, 0};
  PostprocessOptions postprocess_;

  const data::CocoDataset* truth_ = nullptr;  // during an evaluation
  std::string results_path_;
  std::vector<data::CocoDetection> detections_;
  std::vector<int64_t> seen_images_;
  std::string table_;
};

}  // namespace grapnel::detection
