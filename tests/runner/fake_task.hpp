// The smallest task that has everything a run can save: a parameter that is not always used, a buffer, random
// numbers in the step, switches, an image size and a pipeline whose settings show in the samples.
#pragma once

#include <torch/torch.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "runner/task.hpp"

namespace grapnel::test {

struct FakeNet : torch::nn::Module {
  FakeNet();
  torch::nn::Linear fc;
  torch::nn::BatchNorm1d norm;  // evaluated with its running statistics: batches of one are fine
  torch::Tensor extra;          // [1], in the loss only while use_l1 is on
  torch::Tensor table;          // [64], its gradient is an index_put_ that accumulates
  torch::Tensor steps;          // buffer: training steps made
};

struct FakeOptions {
  int64_t train_size = 4;
  int64_t val_size = 2;
  int64_t test_size = 3;
  std::vector<double> metric_values;  // "acc" of the n-th evaluation; the last one for all later ones
  int64_t raise_at_step = -1;         // the train step (0-based) that throws
  bool noise = true;                  // draws from the global generator in every step
  int64_t lookups = 0;                // rows of `table` that a step gathers
};

class FakeDataset : public runner::Dataset {
 public:
  FakeDataset(int64_t size, std::string path);
  int64_t size() const override { return size_; }
  const runner::DatasetMeta& meta() const override { return meta_; }
  std::unique_ptr<runner::Sample> get(const runner::SampleKey& key) const override;
  uint64_t version() const override { return version_; }
  std::vector<runner::TransformInfo> transforms() const override;
  void set_skipped_types(const std::vector<std::string>& types) override;
  void replace_pipeline(const ConfigNode& pipeline) override;
  void set_epoch(int64_t epoch, int64_t) override { epoch_ = epoch; }
  int64_t epoch_told() const { return epoch_; }

 private:
  int64_t size_;
  runner::DatasetMeta meta_;
  std::atomic<uint64_t> version_{1};
  std::atomic<uint64_t> settings_{0};  // a number that goes into every sample
  std::vector<runner::TransformInfo> transforms_;
  int64_t epoch_ = -1;
};

class FakeTask : public runner::Task {
 public:
  explicit FakeTask(FakeOptions options) : options_(std::move(options)), net_(std::make_shared<FakeNet>()) {}
  torch::nn::Module& model() override { return *net_; }
  FakeNet& net() { return *net_; }
  void init_weights(uint64_t seed) override;
  std::vector<runner::ParameterGroup> parameter_groups() override;
  std::vector<runner::ModuleAttribute> attributes() const override;
  void set_attribute(const std::string& module, const std::string& name,
                     const runner::AttributeValue& value) override;
  void set_epoch(int64_t epoch, int64_t) override { epoch_told = epoch; }
  std::unique_ptr<runner::Dataset> make_dataset(runner::Split split, const ConfigNode& dataset,
                                                const std::string& path) override;
  runner::Batch collate(runner::Split split, std::vector<std::unique_ptr<runner::Sample>> samples) override;
  std::array<int64_t, 2> image_size() const override { return image_size_; }
  bool set_image_size(std::array<int64_t, 2> size) override {
    image_size_ = size;
    return true;
  }
  void prepare_train_batch(runner::Batch& batch) override;
  runner::StepOutput train_step(runner::Batch& batch) override;
  void begin_evaluation(runner::Split split, const runner::Dataset& dataset,
                        const ConfigNode& config) override;
  std::vector<std::pair<std::string, torch::Tensor>> eval_step(runner::Batch& batch) override;
  runner::Metrics finish_evaluation() override;
  std::string evaluation_table() const override { return "acc\n"; }

  std::vector<std::string> calls;  // "train_step", "eval_step", ... in the order they came
  int64_t epoch_told = -1;

 private:
  FakeOptions options_;
  std::shared_ptr<FakeNet> net_;
  std::array<int64_t, 2> image_size_ = {32, 32};
  bool use_l1_ = false;
  double gain_ = 1.0;
  int64_t evaluations_ = 0;
  int64_t train_steps_ = 0;
};

}  // namespace grapnel::test
