#include "tasks/classification/classification_task.hpp"

#include <cmath>
#include <cstdio>
#include <cstring>

#include "core/failure.hpp"
#include "core/section.hpp"
#include "runner/amp_scope.hpp"
#include "tasks/classification/classification_config.hpp"
#include "tasks/classification/fashion_mnist_dataset.hpp"

namespace grapnel::classification {
namespace {

using runner::AttributeValue;
using runner::Batch;
using runner::Split;
using torch::Tensor;

// A 3x3 convolution, batch norm, ReLU.
struct ConvBlockImpl : torch::nn::Module {
  ConvBlockImpl(int64_t in, int64_t out, int64_t stride)
      : conv(register_module(
            "conv",
            torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, 3).stride(stride).padding(1).bias(false)))),
        bn(register_module("bn", torch::nn::BatchNorm2d(out))) {}
  Tensor forward(const Tensor& x) { return torch::relu(bn(conv(x))); }

  torch::nn::Conv2d conv;
  torch::nn::BatchNorm2d bn;
};
TORCH_MODULE(ConvBlock);

// Two strided blocks, a third at full width, global average pooling, one linear layer.
struct SmallConvNetImpl : torch::nn::Module {
  SmallConvNetImpl(int64_t channels, int64_t num_classes)
      : stem(register_module("stem", ConvBlock(1, channels, 2))),
        stage1(register_module("stage1", ConvBlock(channels, 2 * channels, 2))),
        stage2(register_module("stage2", ConvBlock(2 * channels, 4 * channels, 1))),
        head(register_module("head", torch::nn::Linear(4 * channels, num_classes))) {}
  // [B, 1, H, W] in [0, 1] -> [B, classes] logits
  Tensor forward(const Tensor& images) { return head(stage2(stage1(stem(images))).mean({2, 3})); }

  ConvBlock stem, stage1, stage2;
  torch::nn::Linear head;
};
TORCH_MODULE(SmallConvNet);

class ClassificationTask : public runner::Task {
 public:
  ClassificationTask(const ConfigNode& model, const std::string& path) {
    const SmallConvNetConfig config = read_small_conv_net_config(Section(model, path));
    num_classes_ = config.num_classes;
    net_ = SmallConvNet(config.channels, num_classes_);
  }

  torch::nn::Module& model() override { return *net_; }

  void init_weights(uint64_t seed) override {
    torch::NoGradGuard no_grad;
    auto generator = at::detail::createCPUGenerator(seed);
    for (auto& module : net_->modules()) {
      if (auto* conv = module->as<torch::nn::Conv2d>()) {
        const double fan_in = static_cast<double>(conv->weight.size(1) * 9);
        conv->weight.normal_(0, std::sqrt(2.0 / fan_in), generator);
      } else if (auto* linear = module->as<torch::nn::Linear>()) {
        linear->weight.normal_(0, 0.01, generator);
        linear->bias.zero_();
      }
    }
  }

  std::vector<runner::ParameterGroup> parameter_groups() override {
    runner::ParameterGroup group{"all", {}, 1.0, std::nullopt};
    for (const auto& parameter : net_->named_parameters()) {
      group.parameters.emplace_back(parameter.key(), parameter.value());
    }
    return {group};
  }

  std::vector<runner::ModuleAttribute> attributes() const override {
    return {{"head", "num_classes", num_classes_, false}, {"", "epoch", epoch_, false}};
  }
  void set_attribute(const std::string& module, const std::string& name, const AttributeValue&) override {
    throw Failure(FailureKind::kRun,
                  {"no such writable attribute", "module \"" + module + "\"", name, "", ""});
  }
  void set_epoch(int64_t epoch, int64_t) override { epoch_ = epoch; }

  std::unique_ptr<runner::Dataset> make_dataset(Split split, const ConfigNode& dataset,
                                                const std::string& path) override {
    return std::make_unique<FashionMnistDataset>(dataset, path, split == Split::kTrain);
  }

  Batch collate(Split, std::vector<std::unique_ptr<runner::Sample>> samples) override {
    const auto count = static_cast<int64_t>(samples.size());
    const auto& first = static_cast<const ImageSample&>(*samples.at(0));
    const int64_t area = first.height_px * first.width_px;
    Tensor bytes = torch::empty({count, 1, first.height_px, first.width_px}, torch::kUInt8);
    Tensor labels = torch::empty({count}, torch::kInt64);
    for (int64_t i = 0; i < count; ++i) {
      const auto& sample = static_cast<const ImageSample&>(*samples[static_cast<size_t>(i)]);
      std::memcpy(bytes.data_ptr<uint8_t>() + i * area, sample.pixels.data(), sample.pixels.size());
      labels.data_ptr<int64_t>()[i] = sample.label;
    }
    Batch batch;
    batch.tensors = {{"inputs", bytes.to(torch::kFloat32).div_(255.0f)}, {"labels", labels}};
    batch.size = count;
    return batch;
  }

  runner::StepOutput train_step(Batch& batch) override {
    const Tensor& labels = batch.tensor("labels");
    check_labels(labels);
    const Tensor logits = net_->forward(batch.tensor("inputs"));
    const runner::FullPrecisionScope full_precision;
    Tensor loss = torch::nn::functional::cross_entropy(logits.to(torch::kFloat), labels);
    return {loss, {{"loss_cls", loss.detach()}}};
  }

  void begin_evaluation(Split split, const runner::Dataset& dataset, const ConfigNode& config) override {
    if (config.kind() == ConfigNode::Kind::kTable) {
      read_accuracy(Section(config, split == Split::kTest ? "test_evaluator" : "val_evaluator"));
    }
    classes_ = dataset.meta().classes;
    right_.assign(static_cast<size_t>(num_classes_), 0);
    total_.assign(static_cast<size_t>(num_classes_), 0);
  }

  std::vector<std::pair<std::string, Tensor>> eval_step(Batch& batch) override {
    torch::NoGradGuard no_grad;
    const Tensor& labels = batch.tensor("labels");
    check_labels(labels);
    Tensor logits = net_->forward(batch.tensor("inputs"));
    Tensor predicted = logits.argmax(1).contiguous();
    for (int64_t i = 0; i < batch.size; ++i) {
      const auto label = static_cast<size_t>(labels.data_ptr<int64_t>()[i]);
      ++total_[label];
      if (predicted.data_ptr<int64_t>()[i] == labels.data_ptr<int64_t>()[i]) ++right_[label];
    }
    return {{"logits", logits}, {"predictions", predicted}};
  }

  runner::Metrics finish_evaluation() override {
    int64_t right = 0, total = 0;
    table_.clear();
    for (size_t c = 0; c < total_.size(); ++c) {
      right += right_[c];
      total += total_[c];
      if (total_[c] == 0) continue;
      char line[96];
      std::snprintf(line, sizeof line, "%-16.16s %6.2f %%  of %lld\n",
                    c < classes_.size() ? classes_[c].c_str() : std::to_string(c).c_str(),
                    100.0 * static_cast<double>(right_[c]) / static_cast<double>(total_[c]),
                    static_cast<long long>(total_[c]));
      table_ += line;
    }
    return {{"accuracy/top1", total ? 100.0 * static_cast<double>(right) / static_cast<double>(total) : 0.0}};
  }
  std::string evaluation_table() const override { return table_; }

 private:
  void check_labels(const Tensor& labels) const {
    const int64_t high = labels.max().item<int64_t>();
    if (high >= num_classes_) {
      throw Failure(
          FailureKind::kRun,
          {"a label is outside the model's classes", "model.num_classes", "label " + std::to_string(high),
           "below " + std::to_string(num_classes_), "NumClassCheckHook finds this before training starts"});
    }
  }

  SmallConvNet net_{nullptr};
  int64_t num_classes_ = 10;
  int64_t epoch_ = 0;
  std::vector<std::string> classes_;
  std::vector<int64_t> right_, total_;  // a class
  std::string table_;
};

}  // namespace

std::unique_ptr<runner::Task> make_classification_task(const ConfigNode& model, const std::string& path) {
  return std::make_unique<ClassificationTask>(model, path);
}

}  // namespace grapnel::classification
