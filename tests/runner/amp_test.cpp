// Half precision as AmpOptimWrapper has it: what runs in bfloat16 and what does not, gradients within its
// error, and a run whose weights and checkpoints stay float32.
#include "runner/amp_scope.hpp"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "test_run.hpp"

namespace grapnel::test {
namespace {

using runner::FullPrecisionScope;
using runner::HalfPrecisionScope;
using torch::Tensor;

TEST(HalfPrecisionScope, RunsMatrixProductsInBfloat16AndEndsWithItself) {
  const Tensor a = torch::rand({4, 4});
  {
    const HalfPrecisionScope half(true);
    EXPECT_EQ(torch::mm(a, a).scalar_type(), torch::kBFloat16);
    {
      const HalfPrecisionScope inner(true);
      EXPECT_EQ(torch::mm(a, a).scalar_type(), torch::kBFloat16);
    }
    EXPECT_EQ(torch::mm(a, a).scalar_type(), torch::kBFloat16);
    {
      const FullPrecisionScope full;
      EXPECT_EQ(torch::mm(a, a).scalar_type(), torch::kFloat);
    }
    EXPECT_EQ(torch::mm(a, a).scalar_type(), torch::kBFloat16);
  }
  EXPECT_EQ(torch::mm(a, a).scalar_type(), torch::kFloat);
  const HalfPrecisionScope unwanted(false);
  EXPECT_EQ(torch::mm(a, a).scalar_type(), torch::kFloat);
}

TEST(HalfPrecisionScope, SeesTheWeightsThatAStepChanged) {
  torch::nn::Linear layer(8, 8);
  const Tensor input = torch::rand({2, 8});
  const auto output = [&] {
    const HalfPrecisionScope half(true);
    return layer->forward(input).sum().to(torch::kFloat).item<float>();
  };
  const float before = output();
  {
    // As a fused optimiser does it: past autograd's eyes.
    const torch::NoGradGuard no_grad;
    float* weights = layer->weight.data_ptr<float>();
    for (int i = 0; i < 64; ++i) weights[i] += 1;
  }
  EXPECT_GT(output(), before + 1);
}

torch::nn::Sequential small_network() {
  torch::manual_seed(4);
  return torch::nn::Sequential(torch::nn::Conv2d(torch::nn::Conv2dOptions(3, 16, 3).padding(1)),
                               torch::nn::SiLU(),
                               torch::nn::Conv2d(torch::nn::Conv2dOptions(16, 16, 3).stride(2)),
                               torch::nn::SiLU(), torch::nn::Flatten(), torch::nn::Linear(16 * 7 * 7, 5));
}

// The gradients of all parameters in a row.
Tensor gradients(bool half_wanted) {
  torch::nn::Sequential network = small_network();
  const Tensor images = torch::rand({6, 3, 16, 16}) * 2 - 1;
  const Tensor labels = torch::tensor({0, 1, 2, 3, 4, 0}, torch::kLong);
  Tensor logits;
  {
    const HalfPrecisionScope half(half_wanted);
    logits = network->forward(images);
  }
  EXPECT_EQ(logits.scalar_type(), half_wanted ? torch::kBFloat16 : torch::kFloat);
  torch::nn::functional::cross_entropy(logits.to(torch::kFloat), labels).backward();
  std::vector<Tensor> flat;
  for (const Tensor& parameter : network->parameters()) {
    EXPECT_EQ(parameter.scalar_type(), torch::kFloat);
    EXPECT_EQ(parameter.grad().scalar_type(), torch::kFloat);
    flat.push_back(parameter.grad().reshape({-1}));
  }
  return torch::cat(flat);
}

TEST(HalfPrecisionScope, GradientsAreFloat32sWithinTheError) {
  const Tensor exact = gradients(false);
  const Tensor rounded = gradients(true);
  const double error = ((exact - rounded).norm() / exact.norm()).item<double>();
  EXPECT_LT(error, 0.02);  // bfloat16 keeps 8 bits: 0.004 a rounding
  EXPECT_GT(error, 1e-5);  // it was used
}

class HalfPrecisionRun : public testing::Test {
 protected:
  RunSpec spec() {
    RunSpec spec;
    spec.work_dir = folder_.path("run");
    spec.loop.max_epochs = 2;
    spec.optimizer.lr = 0.2;
    spec.optimizer.momentum = 0.9;
    spec.optimizer.bfloat16 = true;
    return spec;
  }
  TemporaryFolder folder_;
};

TEST_F(HalfPrecisionRun, KeepsWeightsStatesAndCheckpointsInFloat32) {
  TestRun run(spec());
  run.act("after_train_iter", 5,
          [](TraceHook& hook, const Point&) { hook.runner().request_save("half.pth"); });
  ASSERT_EQ(run.train(), runner::RunEnd::kDone);
  for (const Tensor& parameter : run.task().model().parameters()) {
    EXPECT_EQ(parameter.scalar_type(), torch::kFloat);
  }
  const runner::Checkpoint saved = runner::read_checkpoint(folder_.path("run/half.pth"));
  ASSERT_FALSE(saved.optimizer_tensors.empty());
  for (const auto& [name, tensor] : saved.optimizer_tensors)
    EXPECT_EQ(tensor.scalar_type(), torch::kFloat) << name;
  for (const auto& [name, tensor] : saved.state_dict)
    EXPECT_NE(tensor.scalar_type(), torch::kBFloat16) << name;
}

TEST_F(HalfPrecisionRun, HooksSeeLossesInFloat32) {
  TestRun run(spec());
  int seen = 0;
  run.act("after_train_iter", -1, [&](TraceHook&, const Point&) {
    for (const auto& [name, tensor] : run.runner().outputs()) {
      EXPECT_EQ(tensor.scalar_type(), torch::kFloat) << name;
      ++seen;
    }
  });
  ASSERT_EQ(run.train(), runner::RunEnd::kDone);
  EXPECT_GT(seen, 0);
}

TEST(AutoScaleLr, IsInProportionToTheBatch) {
  TemporaryFolder folder;
  RunSpec spec;
  spec.work_dir = folder.path("run");
  spec.loop.max_epochs = 1;
  spec.batch_size = 2;
  spec.optimizer.lr = 0.4;
  spec.lr_base_batch_size = 8;
  TestRun run(spec);
  EXPECT_DOUBLE_EQ(run.runner().optimizer()->lr(1), 0.1);
  EXPECT_DOUBLE_EQ(run.runner().optimizer()->initial_lr(1), 0.1);
  EXPECT_DOUBLE_EQ(run.runner().optimizer()->lr(0), 0.2);  // a group with a factor of its own
}

}  // namespace
}  // namespace grapnel::test
