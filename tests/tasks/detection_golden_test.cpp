// Our YOLOX against Megvii's, number for number. Every formula is proven in float64, tightly; float32, where our
// kernels add in another order than LibTorch's NCHW operators that made the references, is held to wider bounds.
// "init" has random, ill-conditioned weights; "trained" is well-conditioned and its detections are exact.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>

#include "tasks/detection/postprocess.hpp"
#include "tasks/detection/yolox_loss.hpp"
#include "tasks/detection/yolox_model.hpp"
#include "yolox_golden.hpp"

namespace grapnel::detection {
namespace {

struct Tolerance {
  double outputs;        // in evaluation, relative to a map's largest value
  double training;       // overlaps and BatchNorm statistics of a training forward
  double losses;         // relative
  double gradients;      // relative, of a parameter's norm
  double all_gradients;  // relative, of the norm of all
  size_t steps;          // how many training steps stay comparable
  double steps_losses;   // relative, in those steps
};

struct GoldenCase {
  std::string name;
  Tolerance tolerance;
};

// Parameters and buffers in the order of Python's state_dict: a module's own before its children's.
void append_state(const torch::nn::Module& module, const std::string& prefix, NamedTensors& state) {
  for (const auto& item : module.named_parameters(false))
    state.emplace_back(prefix + item.key(), item.value());
  for (const auto& item : module.named_buffers(false)) state.emplace_back(prefix + item.key(), item.value());
  for (const auto& item : module.named_children())
    append_state(*item.value(), prefix + item.key() + ".", state);
}

NamedTensors state_of(const torch::nn::Module& module) {
  NamedTensors state;
  append_state(module, "", state);
  return state;
}

double largest_difference(const torch::Tensor& a, const torch::Tensor& b) {
  const torch::Tensor reference = b.to(torch::kDouble);
  return ((a.detach().to(torch::kDouble) - reference).abs().max() / reference.abs().max()).item<double>();
}

void expect_near_relative(double value, double expected, double tolerance, const std::string& what) {
  EXPECT_NEAR(value, expected, tolerance * std::max(std::abs(expected), 1e-6)) << what;
}

void expect_losses(const YoloxLosses& losses, const GoldenLosses& golden, double tolerance) {
  expect_near_relative(losses.total.item<double>(), golden.total, tolerance, "total");
  expect_near_relative(losses.iou.item<double>(), golden.iou, tolerance, "iou");
  expect_near_relative(losses.objectness.item<double>(), golden.objectness, tolerance, "objectness");
  expect_near_relative(losses.classification.item<double>(), golden.classification, tolerance, "class");
  expect_near_relative(losses.l1.item<double>(), golden.l1, tolerance, "l1");
  expect_near_relative(static_cast<double>(losses.foreground) / static_cast<double>(losses.boxes),
                       golden.foreground_per_box, 1e-12, "foreground per box");
}

double parameter_norm(const NamedTensors& parameters) {
  double sum = 0;
  for (const auto& [name, tensor] : parameters) {
    sum += tensor.detach().to(torch::kDouble).square().sum().item<double>();
  }
  return std::sqrt(sum);
}

NamedTensors parameters_of(const Yolox& model) {
  NamedTensors parameters;
  for (const auto& item : model->named_parameters()) parameters.emplace_back(item.key(), item.value());
  return parameters;
}

// Nano with the weights and the batch of a reference folder.
class LoadedNano {
 public:
  explicit LoadedNano(const std::string& name) : golden_(name) {}

  void load() {
    at::set_num_threads(2);
    model_ = Yolox(*find_yolox_variant("nano"), 3);
    const torch::NoGradGuard no_grad;
    const NamedTensors weights = golden_.tensors("weights");
    for (const auto& [name, tensor] : state_of(*model_)) {
      torch::Tensor(tensor).copy_(find_tensor(weights, name));
    }
    const NamedTensors batch = golden_.tensors("batch");
    images_ = find_tensor(batch, "input_nchw");
    targets_ = find_tensor(batch, "targets_cls_cx_cy_w_h");
  }

  void use_float64() {
    model_->to(torch::kDouble);
    images_ = images_.to(torch::kDouble);
    targets_ = targets_.to(torch::kDouble);
  }

  HeadOutput evaluate() {
    const torch::NoGradGuard no_grad;
    model_->eval();
    return model_->forward(images_);
  }

  YoloxLosses train_forward(bool use_l1) {
    model_->train();
    return compute_losses(model_->forward(images_), targets_, use_l1);
  }

  YoloxGolden golden_;
  Yolox model_{nullptr};
  torch::Tensor images_;
  torch::Tensor targets_;
};

class YoloxGoldenTest : public testing::TestWithParam<GoldenCase>, protected LoadedNano {
 protected:
  YoloxGoldenTest() : LoadedNano(GetParam().name), tolerance_(GetParam().tolerance) {}

  void SetUp() override {
    if (!golden_.exists()) GTEST_SKIP() << "no reference folder " << GetParam().name;
    load();
  }

  Tolerance tolerance_;
};

class YoloxInitGoldenTest : public testing::Test, protected LoadedNano {
 protected:
  YoloxInitGoldenTest() : LoadedNano("init") {}
  void SetUp() override { load(); }
};

TEST_P(YoloxGoldenTest, StateDictHasMegviisNamesShapesAndOrder) {
  const NamedTensors weights = golden_.tensors("weights");
  const NamedTensors state = state_of(*model_);
  ASSERT_EQ(state.size(), weights.size());
  for (size_t i = 0; i < state.size(); ++i) {
    EXPECT_EQ(state[i].first, weights[i].first);
    EXPECT_EQ(state[i].second.sizes(), weights[i].second.sizes()) << state[i].first;
    EXPECT_EQ(state[i].second.dtype(), weights[i].second.dtype()) << state[i].first;
  }
}

TEST_P(YoloxGoldenTest, FeatureMapsAndOutputsAgree) {
  const NamedTensors expected = golden_.tensors("eval");
  const torch::NoGradGuard no_grad;
  model_->eval();
  const FeatureMaps maps = model_->features(images_);
  const std::array<std::string, 3> names{"fpn0_stride8", "fpn1_stride16", "fpn2_stride32"};
  for (size_t i = 0; i < maps.size(); ++i) {
    EXPECT_LT(largest_difference(maps[i], find_tensor(expected, names[i])), tolerance_.outputs) << names[i];
  }
  const HeadOutput output = model_->head().forward(maps);
  torch::Tensor raw = output.predictions.clone();
  raw.narrow(2, 4, raw.size(2) - 4).sigmoid_();
  const torch::Tensor decoded = decode(output);
  const torch::Tensor expected_raw = find_tensor(expected, "head_raw_sigmoid_no_decode");
  const torch::Tensor expected_decoded = find_tensor(expected, "head_decoded_cxcywh");
  for (int64_t column = 0; column < raw.size(2); ++column) {
    EXPECT_LT(largest_difference(raw.select(2, column), expected_raw.select(2, column)), tolerance_.outputs)
        << "raw, column " << column;
    EXPECT_LT(largest_difference(decoded.select(2, column), expected_decoded.select(2, column)),
              tolerance_.outputs)
        << "decoded, column " << column;
  }
}

TEST_P(YoloxGoldenTest, DecodedOutputsAgreeInFloat64) {
  use_float64();
  const torch::Tensor expected = find_tensor(golden_.tensors("eval"), "head_decoded_cxcywh_f64");
  const torch::Tensor decoded = decode(evaluate());
  for (int64_t column = 0; column < expected.size(2); ++column) {
    EXPECT_LT(largest_difference(decoded.select(2, column), expected.select(2, column)), 1e-10) << column;
  }
}

TEST_P(YoloxGoldenTest, LossesAgree) {
  for (const bool use_l1 : {false, true}) {
    SCOPED_TRACE(use_l1 ? "with L1" : "without L1");
    const GoldenTraining training = golden_.training(use_l1);
    const YoloxLosses losses = train_forward(use_l1);
    EXPECT_EQ(losses.foreground, training.foreground);
    EXPECT_EQ(losses.boxes, training.boxes);
    expect_losses(losses, training.float32, tolerance_.losses);
  }
}

TEST_P(YoloxGoldenTest, LossesAgreeInFloat64) {
  use_float64();
  for (const bool use_l1 : {false, true}) {
    SCOPED_TRACE(use_l1 ? "with L1" : "without L1");
    expect_losses(train_forward(use_l1), golden_.training(use_l1).float64, 1e-6);
  }
}

TEST_P(YoloxGoldenTest, AssignmentAgrees) {
  const GoldenTraining training = golden_.training(false);
  const torch::NoGradGuard no_grad;
  model_->train();
  const auto matches = assign_anchors(model_->forward(images_), targets_);
  size_t total = 0;
  for (const GoldenMatches& expected : training.matches) {
    const std::vector<AnchorMatch>& image = matches.at(static_cast<size_t>(expected.image));
    ASSERT_EQ(image.size(), expected.anchors.size()) << "image " << expected.image;
    for (size_t i = 0; i < image.size(); ++i) {
      EXPECT_EQ(image[i].anchor, expected.anchors[i]) << i;
      EXPECT_EQ(image[i].truth, expected.truths[i]) << i;
      EXPECT_NEAR(image[i].iou, expected.ious[i], tolerance_.training) << i;
    }
    total += image.size();
  }
  EXPECT_EQ(total, static_cast<size_t>(training.foreground));
}

TEST_P(YoloxGoldenTest, GradientNormsAgree) {
  for (const bool use_l1 : {false, true}) {
    SCOPED_TRACE(use_l1 ? "with L1" : "without L1");
    const GoldenTraining training = golden_.training(use_l1);
    model_->zero_grad();
    train_forward(use_l1).total.backward();
    double sum = 0;
    for (const auto& [name, parameter] : parameters_of(model_)) {
      const double norm = parameter.grad().to(torch::kDouble).norm().item<double>();
      sum += norm * norm;
      // The sum behind a first layer's gradient cancels almost wholly, so part of its error goes with the
      // total.
      const double expected = training.gradient_norms.at(name).float32;
      EXPECT_NEAR(norm, expected, tolerance_.gradients * expected + 1e-4 * training.total_gradient_norm)
          << name;
    }
    EXPECT_EQ(training.gradient_norms.size(), parameters_of(model_).size());
    expect_near_relative(std::sqrt(sum), training.total_gradient_norm, tolerance_.all_gradients, "all");
  }
}

TEST_P(YoloxGoldenTest, GradientNormsAgreeInFloat64) {
  use_float64();
  for (const bool use_l1 : {false, true}) {
    SCOPED_TRACE(use_l1 ? "with L1" : "without L1");
    const GoldenTraining training = golden_.training(use_l1);
    model_->zero_grad();
    train_forward(use_l1).total.backward();
    for (const auto& [name, parameter] : parameters_of(model_)) {
      const double norm = parameter.grad().norm().item<double>();
      expect_near_relative(norm, training.gradient_norms.at(name).float64, 1e-5, name);
    }
  }
}

// The reference is float32: its own rounding is all that may differ.
TEST_F(YoloxInitGoldenTest, GradientsAgreeElementByElement) {
  use_float64();
  train_forward(false).total.backward();
  const NamedTensors parameters = parameters_of(model_);
  const NamedTensors expected = golden_.tensors("grads_no_l1");
  ASSERT_GE(expected.size(), 100U);
  for (const auto& [name, gradient] : expected) {
    EXPECT_LT(largest_difference(find_tensor(parameters, name).grad(), gradient), 2e-3) << name;
  }
}

TEST_P(YoloxGoldenTest, NormStatisticsAgreeAfterOneTrainingForward) {
  train_forward(false);
  const NamedTensors state = state_of(*model_);
  for (const auto& [name, expected] : golden_.tensors("bn_after_one_train_forward")) {
    EXPECT_LT(largest_difference(find_tensor(state, name), expected), tolerance_.training) << name;
  }
}

// A golden detection is found when one of ours has its class, its box and its scores.
bool has_detection(const torch::Tensor& detections, const std::array<float, 7>& expected, double tolerance) {
  for (int64_t i = 0; i < detections.size(0); ++i) {
    const float* row = detections.data_ptr<float>() + i * 7;
    bool same = row[6] == expected[6];
    for (size_t column = 0; same && column < 6; ++column) {
      const double scale = column < 4 ? 100.0 : std::abs(static_cast<double>(expected[column]));
      same = std::abs(static_cast<double>(row[column]) - expected[column]) <= tolerance * scale;
    }
    if (same) return true;
  }
  return false;
}

TEST_P(YoloxGoldenTest, DetectionsAgree) {
  const bool exact = GetParam().name == "trained";
  const torch::Tensor decoded = decode(evaluate());
  for (const GoldenDetections& setting : golden_.detections()) {
    const auto detections =
        postprocess(decoded, {setting.score_threshold, setting.iou_threshold, setting.class_agnostic});
    ASSERT_EQ(detections.size(), setting.images.size());
    for (size_t image = 0; image < detections.size(); ++image) {
      const auto expected = static_cast<int64_t>(setting.images[image].size());
      // In init one score lies 1.1e-5 from its threshold.
      EXPECT_NEAR(detections[image].size(0), expected, exact ? 0 : 1) << setting.score_threshold;
      int missing = 0;
      for (const auto& row : setting.images[image]) {
        if (!has_detection(detections[image], row, tolerance_.outputs)) ++missing;
      }
      EXPECT_LE(missing, exact ? 0 : 1) << setting.score_threshold;
      const torch::Tensor scores = detections[image].select(1, 4) * detections[image].select(1, 5);
      EXPECT_TRUE((scores.slice(0, 1) <= scores.slice(0, 0, scores.size(0) - 1)).all().item<bool>());
    }
  }
}

// Megvii's optimiser: SGD, Nesterov, decay on convolution weights only; its exponential moving average of
// weights.
class MegviiTraining {
 public:
  explicit MegviiTraining(const Yolox& model) : parameters_(parameters_of(model)), state_(state_of(*model)) {
    std::vector<torch::Tensor> decayed;
    std::vector<torch::Tensor> plain;
    for (const auto& [name, parameter] : parameters_) {
      const bool is_conv_weight = parameter.dim() == 4;
      (is_conv_weight ? decayed : plain).push_back(parameter);
    }
    auto options = torch::optim::SGDOptions(0.0).momentum(0.9).nesterov(true);
    optimizer_ = std::make_unique<torch::optim::SGD>(
        std::vector<torch::optim::OptimizerParamGroup>{torch::optim::OptimizerParamGroup(plain)}, options);
    auto with_decay = std::make_unique<torch::optim::SGDOptions>(options);
    with_decay->weight_decay(5e-4);
    optimizer_->add_param_group(torch::optim::OptimizerParamGroup(decayed, std::move(with_decay)));
    for (const auto& [name, tensor] : state_) average_.emplace_back(name, tensor.detach().clone());
  }

  void step(const torch::Tensor& loss, double lr) {
    for (auto& group : optimizer_->param_groups()) {
      static_cast<torch::optim::SGDOptions&>(group.options()).lr(lr);
    }
    optimizer_->zero_grad();
    loss.backward();
    optimizer_->step();
  }

  void average(double decay) {
    const torch::NoGradGuard no_grad;
    for (size_t i = 0; i < state_.size(); ++i) {
      torch::Tensor& average = average_[i].second;
      if (average.is_floating_point()) average.mul_(decay).add_(state_[i].second, 1 - decay);
    }
  }

  double norm() const { return parameter_norm(parameters_); }
  double average_norm() const {
    NamedTensors averaged;
    for (const auto& [name, parameter] : parameters_)
      averaged.emplace_back(name, find_tensor(average_, name));
    return parameter_norm(averaged);
  }

 private:
  NamedTensors parameters_;
  NamedTensors state_;
  NamedTensors average_;
  std::unique_ptr<torch::optim::SGD> optimizer_;
};

// Rounding grows from step to step, in init so fast that an anchor soon changes sides; trained holds for all
// ten.
TEST_P(YoloxGoldenTest, TrainingStepsWithMovingAverageAgree) {
  MegviiTraining training(model_);
  const std::vector<GoldenStep> steps = golden_.ten_steps();
  ASSERT_EQ(steps.size(), 10U);
  for (size_t i = 0; i < tolerance_.steps; ++i) {
    SCOPED_TRACE("step " + std::to_string(i));
    const YoloxLosses losses = train_forward(false);
    expect_losses(losses, steps[i].losses, tolerance_.steps_losses);
    training.step(losses.total, steps[i].lr);
    training.average(steps[i].ema_decay);
    expect_near_relative(training.norm(), steps[i].parameter_norm, tolerance_.training, "parameters");
    expect_near_relative(training.average_norm(), steps[i].ema_norm, tolerance_.training, "average");
  }
}

INSTANTIATE_TEST_SUITE_P(Megvii, YoloxGoldenTest,
                         testing::Values(GoldenCase{"init", {5e-4, 2e-3, 1e-3, 2e-3, 1e-3, 3, 5e-3}},
                                         GoldenCase{"trained", {5e-5, 1e-4, 2e-5, 1e-3, 2e-4, 10, 2e-4}}),
                         [](const auto& param_info) { return param_info.param.name; });

}  // namespace
}  // namespace grapnel::detection
