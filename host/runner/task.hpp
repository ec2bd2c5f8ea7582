// What the runner trains. A task brings a model, its data and what one step means; the runner brings
// loops, optimiser, checkpoints and hooks, and knows nothing of detection or classification.
#pragma once

#include <torch/torch.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/config_node.hpp"
#include "runner/dataset.hpp"

namespace grapnel::runner {

enum class Split { kTrain, kVal, kTest };

// One batch, on the training thread.
struct Batch {
  // Named tensors, first the model's input ("inputs", e.g. [B, 3, H, W] float32), then targets.
  std::vector<std::pair<std::string, torch::Tensor>> tensors;
  std::shared_ptr<void> extra;  // what only the task understands (image ids, original sizes)
  int64_t size = 0;             // samples in the batch
  const torch::Tensor& tensor(const std::string& name) const;  // throws std::out_of_range
};

// What a training step gives: the scalar to minimise and its parts, all 0-d float tensors.
struct StepOutput {
  torch::Tensor loss;
  std::vector<std::pair<std::string, torch::Tensor>> parts;  // "loss_bbox", "loss_cls", ...: detached
};

using Metrics = std::vector<std::pair<std::string, double>>;  // "coco/bbox_mAP" -> 0.5

// A module's switch or number that hooks may read and, where `writable`, set ("num_classes", "use_l1").
using AttributeValue = std::variant<bool, int64_t, double, std::string>;
struct ModuleAttribute {
  std::string module;  // path as named_modules() gives it: "head"
  std::string name;
  AttributeValue value;
  bool writable = false;
};

// Parameters that share optimiser settings, as the task groups them (YOLOX: norm weights, weights, biases).
struct ParameterGroup {
  std::string name;
  std::vector<std::pair<std::string, torch::Tensor>> parameters;
  double lr_mult = 1.0;
  std::optional<double> weight_decay;  // empty: the optimiser's
};

class Task {
 public:
  virtual ~Task() = default;

  virtual torch::nn::Module& model() = 0;
  // Seeded initial weights; called once, before load or resume.
  virtual void init_weights(uint64_t seed) = 0;
  virtual std::vector<ParameterGroup> parameter_groups() = 0;

  virtual std::vector<ModuleAttribute> attributes() const = 0;
  // Throws Failure(kRun) when the attribute is unknown, not writable or of another type.
  virtual void set_attribute(const std::string& module, const std::string& name, const AttributeValue& value) = 0;
  virtual void set_epoch(int64_t epoch, int64_t max_epochs) = 0;

  // `dataset` is the config's dataset table, `path` its dotted path. Throws Failure(kConfig) for a wrong
  // table, Failure(kRun) for wrong data.
  virtual std::unique_ptr<Dataset> make_dataset(Split split, const ConfigNode& dataset, const std::string& path) = 0;
  virtual Batch collate(Split split, std::vector<std::unique_ptr<Sample>> samples) = 0;
  // The batch's image size [height, width] in pixels; {0, 0} when the task has none.
  virtual std::array<int64_t, 2> image_size() const { return {0, 0}; }
  // In force for the very next batch (resized on the training thread). False: the task has no size.
  virtual bool set_image_size(std::array<int64_t, 2> height_width_px) { (void)height_width_px; return false; }
  // Applied right before the step, after before_train_iter: the final size of the batch.
  virtual void prepare_train_batch(Batch& batch) { (void)batch; }

  virtual StepOutput train_step(Batch& batch) = 0;

  // Evaluation: begin, one eval_step a batch, finish. `config` is val_evaluator / test_evaluator.
  virtual void begin_evaluation(Split split, const Dataset& dataset, const ConfigNode& config) = 0;
  // The predictions as named tensors, for hooks to look at.
  virtual std::vector<std::pair<std::string, torch::Tensor>> eval_step(Batch& batch) = 0;
  virtual Metrics finish_evaluation() = 0;
  // A table for people (AP a class); empty when the task has none. Valid after finish_evaluation.
  virtual std::string evaluation_table() const { return {}; }
};

}  // namespace grapnel::runner
