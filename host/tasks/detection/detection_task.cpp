#include "tasks/detection/detection_task.hpp"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "core/failure.hpp"
#include "core/section.hpp"
#include "runner/amp_scope.hpp"
#include "tasks/detection/coco_results_file.hpp"
#include "tasks/detection/data/batch_plane.hpp"
#include "tasks/detection/yolox_config.hpp"
#include "tasks/detection/yolox_loss.hpp"

namespace grapnel::detection {

using data::CocoDataset;
using data::DetectionSample;
using runner::Batch;
using runner::Split;
using torch::Tensor;

namespace {

constexpr float kPad = 114;

// What a picture needs to map detections back to its original.
struct BatchImage {
  int64_t image_id;
  float scale_x, scale_y;
  int width_px, height_px;  // of the original
};
using BatchImages = std::vector<BatchImage>;

int64_t up_to_32(int64_t px) { return (px + 31) / 32 * 32; }

// Writes a BGR picture into the top left of a [H, W, 3] float plane that is padded already.
void copy_pixels(const cv::Mat& picture, float* plane, int64_t plane_width) {
  for (int y = 0; y < picture.rows; ++y) {
    const uint8_t* from = picture.ptr<uint8_t>(y);
    float* to = plane + y * plane_width * 3;
    for (int x = 0; x < picture.cols * 3; ++x) to[x] = from[x];
  }
}

// [B, H, W, 3] memory seen as [B, 3, H, W]: channels-last without a copy.
Tensor padded_images(int64_t count, int64_t height, int64_t width) {
  return torch::full({count, height, width, 3}, kPad, torch::kFloat32).permute({0, 3, 1, 2});
}

float* image_plane(const Tensor& images, int64_t i) { return images.data_ptr<float>() + i * images.stride(0); }

Tensor make_targets(const std::vector<std::unique_ptr<runner::Sample>>& samples) {
  size_t most = 1;
  for (const auto& sample : samples) most = std::max(most, static_cast<const DetectionSample&>(*sample).boxes.size());
  Tensor targets = torch::zeros({static_cast<int64_t>(samples.size()), static_cast<int64_t>(most), 5});
  for (size_t i = 0; i < samples.size(); ++i) {
    float* row = targets.data_ptr<float>() + static_cast<int64_t>(i) * targets.stride(0);
    for (const auto& box : static_cast<const DetectionSample&>(*samples[i]).boxes) {
      row[0] = static_cast<float>(box.label);
      row[1] = (box.x1 + box.x2) / 2;
      row[2] = (box.y1 + box.y2) / 2;
      row[3] = box.x2 - box.x1;
      row[4] = box.y2 - box.y1;
      row += 5;
    }
  }
  return targets;
}

// [B, 6] float64, as detection_task.hpp says.
Tensor make_image_info(const BatchImages& images) {
  Tensor info = torch::zeros({static_cast<int64_t>(images.size()), 6}, torch::kFloat64);
  double* row = info.data_ptr<double>();
  for (const BatchImage& image : images) {
    row[0] = static_cast<double>(image.image_id);
    row[1] = image.scale_x;
    row[2] = image.scale_y;
    row[3] = image.width_px;
    row[4] = image.height_px;
    row += 6;
  }
  return info;
}

// Boxes [N, 7] from the network's picture to the original's px, clipped to it.
void map_to_original(Tensor& boxes, float scale_x, float scale_y, int width_px, int height_px) {
  boxes.select(1, 0).div_(scale_x).clamp_(0, width_px);
  boxes.select(1, 2).div_(scale_x).clamp_(0, width_px);
  boxes.select(1, 1).div_(scale_y).clamp_(0, height_px);
  boxes.select(1, 3).div_(scale_y).clamp_(0, height_px);
}

}  // namespace

DetectionTask::DetectionTask(const ConfigNode& model, const std::string& path) {
  const YoloxConfig config = read_yolox_config(Section(model, path));
  num_classes_ = config.num_classes;
  image_size_px_ = config.input_size_px;
  postprocess_ = config.postprocess;
  net_ = Yolox(*find_yolox_variant(config.variant), num_classes_);
}

void DetectionTask::init_weights(uint64_t seed) { net_->init_weights(seed); }

// YOLOX's three groups: norm weights and biases do not decay.
std::vector<runner::ParameterGroup> DetectionTask::parameter_groups() {
  runner::ParameterGroup norms{"norm_weights", {}, 1.0, 0.0}, weights{"weights", {}, 1.0, std::nullopt},
      biases{"biases", {}, 1.0, 0.0};
  for (const auto& parameter : net_->named_parameters()) {
    const std::string& name = parameter.key();
    const bool bias = name.size() >= 5 && name.compare(name.size() - 5, 5, ".bias") == 0;
    auto& group = bias ? biases : parameter.value().dim() == 1 ? norms : weights;
    group.parameters.emplace_back(name, parameter.value());
  }
  return {norms, weights, biases};
}

std::vector<runner::ModuleAttribute> DetectionTask::attributes() const {
  return {{"head", "num_classes", num_classes_, false}, {"head", "use_l1", net_->head().use_l1, true}, {"", "epoch", epoch_, false}};
}

void DetectionTask::set_attribute(const std::string& module, const std::string& name,
                                  const runner::AttributeValue& value) {
  const bool* on = std::get_if<bool>(&value);
  if (module != "head" || name != "use_l1" || on == nullptr) {
    throw Failure(FailureKind::kRun, {"no such writable attribute", "module \"" + module + "\"", name,
                                      "head.use_l1, true or false", ""});
  }
  net_->head().use_l1 = *on;
}

void DetectionTask::set_epoch(int64_t epoch, int64_t) { epoch_ = epoch; }

std::unique_ptr<runner::Dataset> DetectionTask::make_dataset(Split split, const ConfigNode& dataset,
                                                             const std::string& path) {
  CocoDataset::Size fallback{640, 640};
  if (image_size_px_[0] > 0) fallback = {static_cast<int>(image_size_px_[1]), static_cast<int>(image_size_px_[0])};
  auto made = std::make_unique<CocoDataset>(dataset, path, fallback);
  if (split == Split::kTrain && image_size_px_[0] == 0) {
    image_size_px_ = {made->output_size().height_px, made->output_size().width_px};
  }
  return made;
}

Batch DetectionTask::collate(Split split, std::vector<std::unique_ptr<runner::Sample>> samples) {
  int64_t height = 32, width = 32;
  for (const auto& sample : samples) {
    const auto& image = static_cast<const DetectionSample&>(*sample).image;
    height = std::max<int64_t>(height, image.rows);
    width = std::max<int64_t>(width, image.cols);
  }
  const auto count = static_cast<int64_t>(samples.size());
  Tensor images = torch::empty({count, up_to_32(height), up_to_32(width), 3}).permute({0, 3, 1, 2});
  const cv::Size plane(static_cast<int>(images.size(3)), static_cast<int>(images.size(2)));
  at::parallel_for(0, count, 1, [&](int64_t first, int64_t end) {
    for (int64_t i = first; i < end; ++i) {
      const auto& sample = static_cast<const DetectionSample&>(*samples[static_cast<size_t>(i)]);
      data::write_plane(sample.image, image_plane(images, i), plane, kPad);
    }
  });
  auto infos = std::make_shared<BatchImages>();
  for (int64_t i = 0; i < count; ++i) {
    const auto& sample = static_cast<const DetectionSample&>(*samples[static_cast<size_t>(i)]);
    infos->push_back({sample.image_id, sample.scale_x, sample.scale_y, sample.original_width_px, sample.original_height_px});
  }
  Batch batch;
  batch.tensors.emplace_back("inputs", images);
  batch.tensors.emplace_back("targets", make_targets(samples));
  if (split != Split::kTrain) batch.tensors.emplace_back("image_info", make_image_info(*infos));
  batch.extra = std::move(infos);
  batch.size = count;
  return batch;
}

bool DetectionTask::set_image_size(std::array<int64_t, 2> height_width_px) {
  image_size_px_ = height_width_px;
  return true;
}

void DetectionTask::prepare_train_batch(Batch& batch) {
  Tensor& images = batch.tensors[0].second;
  const auto [height, width] = image_size_px_;
  if (images.size(2) == height && images.size(3) == width) return;
  Tensor& targets = batch.tensors[1].second;  // [B, M, 5]
  const double scale_y = static_cast<double>(height) / static_cast<double>(images.size(2));
  const double scale_x = static_cast<double>(width) / static_cast<double>(images.size(3));
  targets.select(2, 1).mul_(scale_x);
  targets.select(2, 3).mul_(scale_x);
  targets.select(2, 2).mul_(scale_y);
  targets.select(2, 4).mul_(scale_y);
  images = torch::upsample_bilinear2d(images, {height, width}, false);
}

runner::StepOutput DetectionTask::train_step(Batch& batch) {
  HeadOutput predicted = net_->forward(batch.tensor("inputs"));
  // Matching and losses are float32's, whatever the network ran in.
  const runner::FullPrecisionScope full_precision;
  predicted.predictions = predicted.predictions.to(torch::kFloat);
  const YoloxLosses losses = compute_losses(predicted, batch.tensor("targets"), net_->head().use_l1);
  runner::StepOutput output{losses.total,
                            {{"loss_cls", losses.classification.detach()},
                             {"loss_bbox", losses.iou.detach()},
                             {"loss_obj", losses.objectness.detach()}}};
  if (net_->head().use_l1) output.parts.emplace_back("loss_l1", losses.l1.detach());
  return output;
}

void DetectionTask::begin_evaluation(Split split, const runner::Dataset& dataset, const ConfigNode& config) {
  results_path_.clear();
  if (config.kind() == ConfigNode::Kind::kTable) {
    const std::string prefix =
        read_coco_metric(Section(config, split == Split::kTest ? "test_evaluator" : "val_evaluator"));
    if (!prefix.empty()) results_path_ = prefix + ".bbox.json";
  }
  truth_ = dynamic_cast<const CocoDataset*>(&dataset);
  if (truth_ == nullptr) throw std::logic_error("a detection task evaluates its own datasets only");
  detections_.clear();
  seen_images_.clear();
  table_.clear();
}

std::vector<std::pair<std::string, Tensor>> DetectionTask::eval_step(Batch& batch) {
  torch::NoGradGuard no_grad;
  const auto results = postprocess(decode(net_->forward(batch.tensor("inputs"))), postprocess_);
  const auto& infos = *std::static_pointer_cast<BatchImages>(batch.extra);
  std::vector<Tensor> rows;
  for (size_t i = 0; i < results.size(); ++i) {
    const auto& info = infos[i];
    Tensor boxes = results[i];
    map_to_original(boxes, info.scale_x, info.scale_y, info.width_px, info.height_px);
    seen_images_.push_back(info.image_id);
    const float* box = boxes.data_ptr<float>();
    for (int64_t n = 0; n < boxes.size(0); ++n, box += 7) {
      const auto label = static_cast<size_t>(box[6]);
      if (label >= truth_->category_ids().size()) continue;  // the model knows more classes than the data
      detections_.push_back({info.image_id, truth_->category_ids()[label],
                             {box[0], box[1], box[2] - box[0], box[3] - box[1]}, double{box[4]} * double{box[5]}});
    }
    rows.push_back(torch::cat({torch::full({boxes.size(0), 1}, static_cast<double>(i)), boxes}, 1));
  }
  return {{"detections", rows.empty() ? torch::zeros({0, 8}) : torch::cat(rows, 0)}};
}

runner::Metrics DetectionTask::finish_evaluation() {
  data::CocoEvalOptions options;
  options.image_ids = seen_images_;
  options.category_ids = truth_->category_ids();
  if (!results_path_.empty()) write_coco_results(results_path_, detections_);
  const auto evaluation = data::evaluate_coco(truth_->annotations(), detections_, options);
  table_ = data::coco_table(evaluation);
  static constexpr const char* kNames[6] = {"coco/bbox_mAP", "coco/bbox_mAP_50", "coco/bbox_mAP_75",
                                            "coco/bbox_mAP_s", "coco/bbox_mAP_m", "coco/bbox_mAP_l"};
  runner::Metrics metrics;
  for (size_t i = 0; i < 6; ++i) metrics.emplace_back(kNames[i], evaluation.stats[i]);
  return metrics;
}

std::vector<Tensor> DetectionTask::detect(const std::vector<cv::Mat>& pictures, std::array<int64_t, 2> size_px) {
  torch::NoGradGuard no_grad;
  Tensor images = padded_images(static_cast<int64_t>(pictures.size()), size_px[0], size_px[1]);
  std::vector<double> scales;
  for (size_t i = 0; i < pictures.size(); ++i) {
    const cv::Mat& picture = pictures[i];
    const double scale = std::min(static_cast<double>(size_px[0]) / picture.rows, static_cast<double>(size_px[1]) / picture.cols);
    cv::Mat resized;
    cv::resize(picture, resized, cv::Size(std::max(1, static_cast<int>(picture.cols * scale)),
                                          std::max(1, static_cast<int>(picture.rows * scale))), 0, 0, cv::INTER_LINEAR);
    copy_pixels(resized, image_plane(images, static_cast<int64_t>(i)), size_px[1]);
    scales.push_back(scale);
  }
  std::vector<Tensor> found = postprocess(decode(net_->forward(images)), postprocess_);
  for (size_t i = 0; i < pictures.size(); ++i) {
    const auto scale = static_cast<float>(scales[i]);
    map_to_original(found[i], scale, scale, pictures[i].cols, pictures[i].rows);
  }
  return found;
}

}  // namespace grapnel::detection
