#include "fake_task.hpp"

#include <stdexcept>

#include "core/failure.hpp"
#include "core/philox.hpp"

namespace grapnel::test {
namespace {

struct FakeSample : runner::Sample {
  float x[2] = {};
  float y = 0;
};

}  // namespace

FakeNet::FakeNet() : fc(2, 1), norm(2) {
  register_module("fc", fc);
  register_module("norm", norm);
  extra = register_parameter("extra", torch::zeros({1}));
  table = register_parameter("table", torch::zeros({64}));
  steps = register_buffer("steps", torch::zeros({}, torch::kInt64));
}

FakeDataset::FakeDataset(int64_t size, std::string path) : size_(size) {
  meta_.classes = {"cat", "dog"};
  meta_.config_key = std::move(path);
  meta_.label_max = 1;
  transforms_ = {{"Shift", false}, {"Turn", false}};
}

std::unique_ptr<runner::Sample> FakeDataset::get(const runner::SampleKey& key) const {
  auto sample = std::make_unique<FakeSample>();
  sample->version = version_;
  const uint64_t settings = settings_;
  CounterRng rng(key.seed, key.epoch, key.position, CounterRng::Purpose::kTest);
  sample->x[0] = static_cast<float>(rng.normal());
  sample->x[1] = static_cast<float>(rng.normal() + 0.01 * static_cast<double>(settings));
  sample->y = static_cast<float>(key.index);
  return sample;
}

std::vector<runner::TransformInfo> FakeDataset::transforms() const { return transforms_; }

void FakeDataset::set_skipped_types(const std::vector<std::string>& types) {
  uint64_t mask = 0;
  for (size_t i = 0; i < transforms_.size(); ++i) {
    transforms_[i].skipped = std::find(types.begin(), types.end(), transforms_[i].type) != types.end();
    if (transforms_[i].skipped) mask |= uint64_t{1} << i;
  }
  settings_ = (settings_ & ~uint64_t{15}) | mask;
  ++version_;
}

void FakeDataset::replace_pipeline(const ConfigNode& pipeline) {
  if (pipeline.kind() != ConfigNode::Kind::kList) {
    throw Failure(FailureKind::kConfig,
                  {"a pipeline is a list", "", ConfigNode::kind_name(pipeline.kind()), "list", ""});
  }
  transforms_.clear();
  for (const ConfigNode& item : pipeline.items())
    transforms_.push_back({item.find("type")->as_string(), false});
  settings_ = 16 * transforms_.size();
  ++version_;
}

// Drawn from a generator of its own, so that two tasks in one process do not disturb each other.
void FakeTask::init_weights(uint64_t seed) {
  torch::NoGradGuard no_grad;
  CounterRng rng(seed, 0, 0, CounterRng::Purpose::kModel);
  for (torch::Tensor& tensor : net_->parameters()) {
    float* data = tensor.data_ptr<float>();
    for (int64_t i = 0; i < tensor.numel(); ++i) data[i] = static_cast<float>(0.3 * rng.normal());
  }
  calls.push_back("init_weights");
}

std::vector<runner::ParameterGroup> FakeTask::parameter_groups() {
  runner::ParameterGroup biases, others;
  biases.name = "biases";
  biases.lr_mult = 2.0;
  biases.weight_decay = 0.0;
  others.name = "weights";
  for (const auto& item : net_->named_parameters()) {
    const bool bias = item.key().size() >= 4 && item.key().compare(item.key().size() - 4, 4, "bias") == 0;
    (bias ? biases : others).parameters.emplace_back(item.key(), item.value());
  }
  return {biases, others};
}

std::vector<runner::ModuleAttribute> FakeTask::attributes() const {
  return {
      {"fc", "num_classes", int64_t{2}, false}, {"fc", "use_l1", use_l1_, true}, {"fc", "gain", gain_, true}};
}

void FakeTask::set_attribute(const std::string&, const std::string& name,
                             const runner::AttributeValue& value) {
  if (name == "use_l1")
    use_l1_ = std::get<bool>(value);
  else
    gain_ = std::get<double>(value);
}

std::unique_ptr<runner::Dataset> FakeTask::make_dataset(runner::Split split, const ConfigNode&,
                                                        const std::string& path) {
  const int64_t sizes[] = {options_.train_size, options_.val_size, options_.test_size};
  return std::make_unique<FakeDataset>(sizes[static_cast<int>(split)], path);
}

runner::Batch FakeTask::collate(runner::Split, std::vector<std::unique_ptr<runner::Sample>> samples) {
  runner::Batch batch;
  batch.size = static_cast<int64_t>(samples.size());
  torch::Tensor inputs = torch::empty({batch.size, 2}), targets = torch::empty({batch.size, 1});
  for (int64_t i = 0; i < batch.size; ++i) {
    const auto& sample = static_cast<const FakeSample&>(*samples[static_cast<size_t>(i)]);
    inputs[i][0] = sample.x[0];
    inputs[i][1] = sample.x[1];
    targets[i][0] = sample.y;
  }
  batch.tensors = {{"inputs", inputs}, {"targets", targets}, {"mask", targets > 1}};
  return batch;
}

void FakeTask::prepare_train_batch(runner::Batch& batch) {
  batch.tensors[0].second = batch.tensors[0].second * (static_cast<double>(image_size_[0]) / 32.0);
}

runner::StepOutput FakeTask::train_step(runner::Batch& batch) {
  calls.push_back("train_step");
  if (train_steps_++ == options_.raise_at_step) throw std::runtime_error("boom");
  net_->steps.add_(1);
  torch::Tensor x = batch.tensor("inputs");
  if (options_.noise) x = x + 0.1 * torch::rand_like(x);
  net_->norm->eval();
  const torch::Tensor predicted = net_->fc->forward(net_->norm->forward(x));
  runner::StepOutput output;
  const torch::Tensor error = 0.05 * gain_ * (predicted - batch.tensor("targets")).pow(2).mean();
  output.loss = error;
  output.parts.emplace_back("loss_error", error.detach());
  if (use_l1_) {
    const torch::Tensor l1 = 0.1 * (net_->extra - predicted).abs().mean();
    output.loss = output.loss + l1;
    output.parts.emplace_back("loss_l1", l1.detach());
  }
  if (options_.lookups > 0) {
    const torch::Tensor rows = torch::arange(options_.lookups, torch::kInt64).mul_(7919).remainder(64);
    const torch::Tensor weights = torch::linspace(-1, 1, options_.lookups).pow(3) * x[0][0].detach();
    output.loss = output.loss + (net_->table.index({rows}) * weights).mean();
  }
  return output;
}

void FakeTask::begin_evaluation(runner::Split, const runner::Dataset&, const ConfigNode&) {
  calls.push_back("begin_evaluation");
}

std::vector<std::pair<std::string, torch::Tensor>> FakeTask::eval_step(runner::Batch& batch) {
  calls.push_back(torch::GradMode::is_enabled() || net_->is_training() ? "eval_step in training mode"
                                                                       : "eval_step");
  return {{"scores", net_->fc->forward(batch.tensor("inputs"))}};
}

runner::Metrics FakeTask::finish_evaluation() {
  calls.push_back("finish_evaluation");
  double value = net_->fc->weight.detach().sum().item<double>();
  if (!options_.metric_values.empty()) {
    value = options_.metric_values[std::min<size_t>(static_cast<size_t>(evaluations_),
                                                    options_.metric_values.size() - 1)];
  }
  ++evaluations_;
  return {{"acc", value}};
}

}  // namespace grapnel::test
