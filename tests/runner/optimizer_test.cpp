// The one-pass optimisers against LibTorch's own, step by step: groups with settings of their own, gradients
// that are missing or lie elsewhere in memory, clipping, and a state that goes through a checkpoint.
#include "runner/optimizer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <limits>
#include <memory>

#include "core/failure.hpp"

namespace grapnel::runner {
namespace {

using torch::Tensor;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// LibTorch's kernels fuse multiplications and additions where the processor can.
bool fuses() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("fma");
#else
  return true;
#endif
}

// Parameters as a network has them: many small ones, some that span several units of work, every memory
// order, and one with gaps.
std::vector<Tensor> parameters(torch::ScalarType type = torch::kFloat) {
  torch::manual_seed(11);
  std::vector<Tensor> made;
  for (const int64_t size : {1, 3, 7, 16, 17, 33, 250}) made.push_back(torch::randn({size}));
  made.push_back(torch::randn({40, 24, 3, 3}).contiguous(torch::MemoryFormat::ChannelsLast));
  made.push_back(torch::randn({96, 80, 3, 3}).contiguous(torch::MemoryFormat::ChannelsLast));
  made.push_back(torch::randn({64, 1, 3, 3}).contiguous(torch::MemoryFormat::ChannelsLast));
  made.push_back(torch::randn({48, 32, 1, 1}).contiguous(torch::MemoryFormat::ChannelsLast));
  made.push_back(torch::randn({70, 50}).t());
  made.push_back(torch::randn({}));
  for (Tensor& tensor : made) tensor = tensor.to(type).set_requires_grad(true);
  made.push_back(torch::randn({20, 10}).to(type).slice(1, 0, 7).detach().set_requires_grad(true));
  return made;
}

std::vector<Tensor> copies(const std::vector<Tensor>& tensors) {
  std::vector<Tensor> made;
  for (const Tensor& tensor : tensors) {
    Tensor copy = torch::empty_strided(tensor.sizes(), tensor.strides(), tensor.options());
    made.push_back(copy.copy_(tensor.detach()).set_requires_grad(true));
  }
  return made;
}

// The gradients of a step: some missing, some in another memory order than their parameter.
void set_gradients(std::vector<Tensor>& parameters, int step, double size = 1) {
  torch::manual_seed(1000 + step);
  for (size_t i = 0; i < parameters.size(); ++i) {
    Tensor gradient =
        torch::randn(parameters[i].sizes(), parameters[i].options().requires_grad(false)) * size;
    const bool missing = (static_cast<size_t>(step) + i) % 5 == 0 || (i == 3 && step < 4) || i == 5;
    if (missing) {
      parameters[i].mutable_grad() = Tensor();
    } else if (i % 2 == 0) {
      parameters[i].mutable_grad() = torch::empty_like(parameters[i].detach()).copy_(gradient);
    } else {
      parameters[i].mutable_grad() = gradient;
    }
  }
}

std::vector<ParameterGroup> two_groups(const std::vector<Tensor>& tensors) {
  std::vector<ParameterGroup> groups(2);
  groups[0].name = "even";
  groups[1].name = "odd";
  groups[1].lr_mult = 0.5;
  groups[1].weight_decay = 0.0;
  for (size_t i = 0; i < tensors.size(); ++i) {
    groups[i % 2].parameters.emplace_back("p" + std::to_string(i), tensors[i]);
  }
  return groups;
}

template <class Options>
std::vector<torch::optim::OptimizerParamGroup> torch_groups(const std::vector<Tensor>& tensors,
                                                            const Options& options) {
  std::vector<Tensor> parts[2];
  for (size_t i = 0; i < tensors.size(); ++i) parts[i % 2].push_back(tensors[i]);
  auto odd = std::make_unique<Options>(options);
  odd->lr(options.lr() * 0.5).weight_decay(0);
  std::vector<torch::optim::OptimizerParamGroup> groups;
  groups.emplace_back(parts[0], std::make_unique<Options>(options));
  groups.emplace_back(parts[1], std::move(odd));
  return groups;
}

std::unique_ptr<torch::optim::Optimizer> torch_optimizer(const OptimizerConfig& config,
                                                         const std::vector<Tensor>& tensors) {
  if (config.type == "SGD") {
    torch::optim::SGDOptions options(config.lr);
    options.momentum(config.momentum).dampening(config.dampening).weight_decay(config.weight_decay);
    options.nesterov(config.nesterov);
    return std::make_unique<torch::optim::SGD>(torch_groups(tensors, options), options);
  }
  const auto betas = std::make_tuple(config.betas[0], config.betas[1]);
  if (config.type == "Adam") {
    torch::optim::AdamOptions options(config.lr);
    options.betas(betas).eps(config.eps).weight_decay(config.weight_decay).amsgrad(config.amsgrad);
    return std::make_unique<torch::optim::Adam>(torch_groups(tensors, options), options);
  }
  torch::optim::AdamWOptions options(config.lr);
  options.betas(betas).eps(config.eps).weight_decay(config.weight_decay).amsgrad(config.amsgrad);
  return std::make_unique<torch::optim::AdamW>(torch_groups(tensors, options), options);
}

OptimizerConfig sgd(double momentum, double decay, bool nesterov, double dampening = 0) {
  OptimizerConfig config;
  config.lr = 0.05;
  config.momentum = momentum;
  config.weight_decay = decay;
  config.nesterov = nesterov;
  config.dampening = dampening;
  return config;
}

OptimizerConfig adam(const char* type, double decay, bool amsgrad) {
  OptimizerConfig config;
  config.type = type;
  config.lr = 0.01;
  config.weight_decay = decay;
  config.amsgrad = amsgrad;
  return config;
}

struct Case {
  const char* name;
  OptimizerConfig config;
  torch::ScalarType type = torch::kFloat;
  double clip_norm = 0;
  double clip_order = 2;
};

class AgainstLibTorch : public testing::TestWithParam<Case> {};

TEST_P(AgainstLibTorch, ManyStepsGiveTheSameParameters) {
  const Case& its = GetParam();
  OptimizerConfig config = its.config;
  if (its.clip_norm > 0) config.clip_grad_max_norm = its.clip_norm;
  config.clip_grad_norm_type = its.clip_order;
  std::vector<Tensor> ours = parameters(its.type);
  std::vector<Tensor> theirs = copies(ours);
  Optimizer optimizer(config, two_groups(ours));
  const auto reference = torch_optimizer(config, theirs);
  for (int step = 0; step < 30; ++step) {
    // A rate that changes from step to step, as schedules make it.
    for (size_t group = 0; group < 2; ++group) {
      const double lr = config.lr * (group == 0 ? 1.0 : 0.5) * (1 + step % 3);
      optimizer.set_lr(group, lr);
      reference->param_groups()[group].options().set_lr(lr);
    }
    const double size = step % 2 == 0 ? 1 : 1e-3;  // clipped, not clipped
    set_gradients(ours, step, size);
    set_gradients(theirs, step, size);
    const double norm = optimizer.clip_gradients();
    if (its.clip_norm > 0) {
      const double expected = torch::nn::utils::clip_grad_norm_(theirs, its.clip_norm, its.clip_order);
      EXPECT_NEAR(norm, expected, 1e-5 * expected);
    }
    optimizer.step();
    reference->step();
    for (size_t i = 0; i < ours.size(); ++i) {
      // The norm is summed in another order (and in double), so the factor of a clipped step may differ.
      const bool exact = fuses() && its.clip_norm == 0;
      const double tolerance = its.type == torch::kDouble ? 1e-13 : 1e-5;
      EXPECT_TRUE(exact ? torch::equal(ours[i], theirs[i])
                        : torch::allclose(ours[i], theirs[i], tolerance, tolerance))
          << "parameter " << i << ", step " << step << ", off by "
          << (ours[i] - theirs[i]).abs().max().item<double>();
    }
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, AgainstLibTorch,
    testing::Values(Case{"Plain", sgd(0, 0, false)}, Case{"PlainWithDecay", sgd(0, 0.01, false)},
                    Case{"Momentum", sgd(0.9, 0, false)}, Case{"MomentumAndDecay", sgd(0.9, 5e-4, false)},
                    Case{"Dampening", sgd(0.9, 5e-4, false, 0.3)}, Case{"Nesterov", sgd(0.9, 5e-4, true)},
                    Case{"NesterovInDouble", sgd(0.9, 5e-4, true), torch::kDouble},
                    Case{"NesterovClipped", sgd(0.9, 5e-4, true), torch::kFloat, 2.0},
                    Case{"ClippedByTheLargest", sgd(0.9, 5e-4, true), torch::kFloat, 0.5, kInfinity},
                    Case{"ClippedByTheSum", sgd(0.9, 0, false), torch::kFloat, 100, 1},
                    Case{"ClippedByACube", sgd(0.9, 0, false), torch::kDouble, 3, 3},
                    Case{"Adam", adam("Adam", 0, false)}, Case{"AdamWithDecay", adam("Adam", 0.01, false)},
                    Case{"Amsgrad", adam("Adam", 0.01, true)}, Case{"AdamW", adam("AdamW", 0.05, false)},
                    Case{"AdamWAmsgradInDouble", adam("AdamW", 0.05, true), torch::kDouble},
                    Case{"AdamClipped", adam("Adam", 0.01, false), torch::kFloat, 1.0}),
    [](const auto& param_info) { return param_info.param.name; });

class OptimizerTest : public testing::Test {
 protected:
  static std::vector<Tensor> after(int threads, const OptimizerConfig& config) {
    at::set_num_threads(threads);
    std::vector<Tensor> tensors = parameters();
    Optimizer optimizer(config, two_groups(tensors));
    for (int step = 0; step < 5; ++step) {
      set_gradients(tensors, step);
      optimizer.clip_gradients();
      optimizer.step();
    }
    return tensors;
  }
  static void expect_equal(const std::vector<Tensor>& one, const std::vector<Tensor>& other) {
    for (size_t i = 0; i < one.size(); ++i) EXPECT_TRUE(torch::equal(one[i], other[i])) << i;
  }
};

TEST_F(OptimizerTest, ThreadsDoNotChangeABit) {
  OptimizerConfig config = sgd(0.9, 5e-4, true);
  config.clip_grad_max_norm = 0.7;
  const auto one = after(1, config);
  expect_equal(one, after(2, config));
  expect_equal(one, after(3, config));
  at::set_num_threads(2);
}

TEST_F(OptimizerTest, AStateThatWentThroughACheckpointGoesOnBitForBit) {
  for (OptimizerConfig config :
       {sgd(0.9, 5e-4, true), adam("Adam", 0.01, true), adam("AdamW", 0.01, false)}) {
    std::vector<Tensor> undisturbed = parameters();
    Optimizer first(config, two_groups(undisturbed));
    for (int step = 0; step < 6; ++step) {
      set_gradients(undisturbed, step);
      first.step();
    }
    Checkpoint checkpoint;
    first.save(checkpoint);
    for (auto& [name, tensor] : checkpoint.optimizer_tensors) tensor = tensor.contiguous().clone();
    std::vector<Tensor> resumed = copies(undisturbed);
    config.lr = 77;  // the checkpoint's holds
    Optimizer second(config, two_groups(resumed));
    second.load(checkpoint);
    for (int step = 6; step < 12; ++step) {
      set_gradients(undisturbed, step);
      set_gradients(resumed, step);
      first.step();
      second.step();
    }
    expect_equal(undisturbed, resumed);
  }
}

TEST_F(OptimizerTest, ParametersWithoutGradientsAreLeftAloneAndHaveNoState) {
  Tensor used = torch::ones({3}).set_requires_grad(true);
  Tensor unused = torch::ones({3}).set_requires_grad(true);
  Optimizer optimizer(sgd(0.9, 0.1, true), {{"all", {{"used", used}, {"unused", unused}}, 1.0, {}}});
  used.mutable_grad() = torch::ones({3});
  optimizer.step();
  EXPECT_TRUE(torch::equal(unused.detach(), torch::ones({3})));
  Checkpoint checkpoint;
  optimizer.save(checkpoint);
  ASSERT_EQ(checkpoint.optimizer_tensors.size(), 1U);
  EXPECT_EQ(checkpoint.optimizer_tensors[0].first, "momentum_buffer/used");
}

TEST_F(OptimizerTest, StepsKeepStoragesAndTellAutograd) {
  Tensor parameter = torch::ones({3, 2}).set_requires_grad(true);
  Optimizer optimizer(sgd(0.9, 0, false), {{"all", {{"p", parameter}}, 1.0, {}}});
  const void* before = parameter.data_ptr();
  const auto loss = (parameter * parameter).sum();
  parameter.mutable_grad() = torch::ones({3, 2});
  optimizer.step();
  EXPECT_EQ(parameter.data_ptr(), before);
  EXPECT_THROW(loss.backward(), c10::Error);  // its saved values were stepped over
}

TEST_F(OptimizerTest, ZeroGradForgetsGradientsAndTheClippingOfThem) {
  Tensor parameter = torch::zeros({4}).set_requires_grad(true);
  OptimizerConfig config = sgd(0, 0, false);
  config.lr = 1;
  config.clip_grad_max_norm = 1;
  Optimizer optimizer(config, {{"all", {{"p", parameter}}, 1.0, {}}});
  parameter.mutable_grad() = torch::full({4}, 50.0F);
  EXPECT_NEAR(optimizer.clip_gradients(), 100, 1e-4);
  optimizer.zero_grad();
  EXPECT_FALSE(parameter.grad().defined());
  parameter.mutable_grad() = torch::full({4}, 50.0F);
  optimizer.step();
  EXPECT_TRUE(torch::equal(parameter.detach(), torch::full({4}, -50.0F)));
}

TEST_F(OptimizerTest, AClippedStepIsNoLongerThanTheLimit) {
  Tensor parameter = torch::zeros({4}).set_requires_grad(true);
  OptimizerConfig config = sgd(0, 0, false);
  config.lr = 1;
  config.clip_grad_max_norm = 1;
  Optimizer optimizer(config, {{"all", {{"p", parameter}}, 1.0, {}}});
  for (int step = 0; step < 2; ++step) {  // the factor is of one step only
    parameter.mutable_grad() = torch::full({4}, 50.0F);
    optimizer.clip_gradients();
    optimizer.step();
  }
  EXPECT_TRUE(torch::allclose(parameter.detach(), torch::full({4}, -1.0F), 1e-5, 1e-5));
}

TEST_F(OptimizerTest, AGradientThatIsNotFiniteShowsInTheNorm) {
  Tensor parameter = torch::zeros({40000}).set_requires_grad(true);
  for (const double order : {2.0, 1.0, kInfinity}) {
    OptimizerConfig config = sgd(0, 0, false);
    config.clip_grad_max_norm = 1;
    config.clip_grad_norm_type = order;
    Optimizer optimizer(config, {{"all", {{"p", parameter}}, 1.0, {}}});
    Tensor gradient = torch::ones({40000});
    gradient[20001] = std::nan("");
    parameter.mutable_grad() = gradient;
    EXPECT_TRUE(std::isnan(optimizer.clip_gradients())) << order;
    gradient[20001] = kInfinity;
    EXPECT_TRUE(std::isinf(optimizer.clip_gradients())) << order;
  }
}

TEST_F(OptimizerTest, RefusesHalfPrecisionParameters) {
  Tensor parameter = torch::ones({3}, torch::kBFloat16).set_requires_grad(true);
  try {
    Optimizer optimizer(sgd(0, 0, false), {{"all", {{"fc.weight", parameter}}, 1.0, {}}});
    FAIL();
  } catch (const Failure& failure) {
    EXPECT_THAT(failure.what(), testing::HasSubstr("fc.weight"));
  }
}

TEST_F(OptimizerTest, RefusesTheStateOfAnotherModel) {
  Tensor parameter = torch::ones({3}).set_requires_grad(true);
  Optimizer optimizer(sgd(0.9, 0, false), {{"all", {{"p", parameter}}, 1.0, {}}});
  parameter.mutable_grad() = torch::ones({3});
  optimizer.step();
  Checkpoint checkpoint;
  optimizer.save(checkpoint);
  Tensor wider = torch::ones({4}).set_requires_grad(true);
  EXPECT_THROW(Optimizer(sgd(0.9, 0, false), {{"all", {{"p", wider}}, 1.0, {}}}).load(checkpoint), Failure);
  EXPECT_THROW(Optimizer(sgd(0.9, 0, false), {{"all", {{"q", parameter}}, 1.0, {}}}).load(checkpoint),
               Failure);
  EXPECT_THROW(Optimizer(adam("Adam", 0, false), {{"all", {{"p", parameter}}, 1.0, {}}}).load(checkpoint),
               Failure);
}

}  // namespace
}  // namespace grapnel::runner
