// YOLOX under AmpOptimWrapper: the network runs in bfloat16, matching and losses do not, and training gets as
// far.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>

#include "runner/amp_scope.hpp"
#include "runner/optimizer.hpp"
#include "tasks/detection/detection_task.hpp"
#include "tasks/detection/postprocess.hpp"

namespace grapnel::detection {
namespace {

using runner::HalfPrecisionScope;
using torch::Tensor;

class AmpTraining : public testing::Test {
 protected:
  static ConfigNode model() {
    return ConfigNode::table(
        {{"type", ConfigNode::string("YOLOX")},
         {"variant", ConfigNode::string("nano")},
         {"num_classes", ConfigNode::integer(2)},
         {"input_size", ConfigNode::list({ConfigNode::integer(64), ConfigNode::integer(96)})}});
  }

  // Bright squares of one class and dark ones of the other, on grey.
  static runner::Batch batch(int64_t seed) {
    torch::manual_seed(seed);
    Tensor images = torch::full({8, 64, 96, 3}, 114.0F).permute({0, 3, 1, 2});
    Tensor targets = torch::zeros({8, 2, 5});
    for (int64_t i = 0; i < 8; ++i) {
      for (int64_t box = 0; box < 2; ++box) {
        const int64_t x = 48 * box + torch::randint(2, 18, {1}).item<int64_t>();
        const int64_t y = torch::randint(2, 34, {1}).item<int64_t>();
        const int64_t label = torch::randint(0, 2, {1}).item<int64_t>();
        images[i].slice(1, y, y + 26).slice(2, x, x + 26).fill_(label == 0 ? 240.0F : 10.0F);
        targets[i][box] = torch::tensor({static_cast<float>(label), static_cast<float>(x) + 13,
                                         static_cast<float>(y) + 13, 26.0F, 26.0F});
      }
    }
    runner::Batch made;
    made.tensors = {{"inputs", images}, {"targets", targets}};
    made.size = 8;
    return made;
  }

  // The mean loss of the last ten of `steps` steps.
  static double trained(bool half_wanted, int steps) {
    DetectionTask task(model(), "model");
    task.init_weights(3);
    task.model().train();
    runner::OptimizerConfig config;
    config.lr = 0.02;
    config.momentum = 0.9;
    config.nesterov = true;
    config.weight_decay = 5e-4;
    runner::Optimizer optimizer(config,
                                runner::paramwise_groups(task.model(), task.parameter_groups(), config));
    double sum = 0;
    for (int step = 0; step < steps; ++step) {
      runner::Batch data = batch(step);
      runner::StepOutput output;
      {
        const HalfPrecisionScope half(half_wanted);
        output = task.train_step(data);
      }
      output.loss.backward();
      optimizer.step();
      optimizer.zero_grad();
      if (step >= steps - 10) sum += output.loss.item<double>() / 10;
    }
    return sum;
  }
};

TEST_F(AmpTraining, LossesAndGradientsAreFloat32) {
  DetectionTask task(model(), "model");
  task.init_weights(3);
  task.model().train();
  task.set_attribute("head", "use_l1", true);
  runner::Batch data = batch(1);
  runner::StepOutput output;
  {
    const HalfPrecisionScope half(true);
    output = task.train_step(data);
  }
  EXPECT_EQ(output.loss.scalar_type(), torch::kFloat);
  ASSERT_EQ(output.parts.size(), 4U);
  for (const auto& [name, part] : output.parts) EXPECT_EQ(part.scalar_type(), torch::kFloat) << name;
  output.loss.backward();
  for (const auto& item : task.model().named_parameters()) {
    EXPECT_EQ(item.value().scalar_type(), torch::kFloat) << item.key();
    ASSERT_TRUE(item.value().grad().defined()) << item.key();
    EXPECT_EQ(item.value().grad().scalar_type(), torch::kFloat) << item.key();
    EXPECT_TRUE(item.value().grad().isfinite().all().item<bool>()) << item.key();
  }
  for (const auto& item : task.model().named_buffers()) {
    EXPECT_NE(item.value().scalar_type(), torch::kBFloat16) << item.key();
  }
}

// The matching is part of the loss: with the same predictions, it must not know of the scope around it.
TEST_F(AmpTraining, TheFirstLossIsFloat32sUpToTheNetworksRounding) {
  const auto first_loss = [](bool half_wanted) {
    DetectionTask task(model(), "model");
    task.init_weights(3);
    task.model().train();
    runner::Batch data = batch(1);
    const HalfPrecisionScope half(half_wanted);
    return task.train_step(data).loss.item<double>();
  };
  const double exact = first_loss(false);
  const double rounded = first_loss(true);
  EXPECT_NE(exact, rounded);
  EXPECT_NEAR(rounded, exact, 0.1 * exact);
}

TEST_F(AmpTraining, GetsAsFarAsFloat32) {
  const double exact = trained(false, 60);
  const double rounded = trained(true, 60);
  EXPECT_LT(exact, 0.8 * trained(false, 10));  // something was learnt
  // Rounding alone moves the loss of so short a training by a tenth, to either side.
  EXPECT_NEAR(rounded, exact, 0.25 * exact);
}

TEST_F(AmpTraining, EvaluationDecodesBoxesInFloat32) {
  Yolox net(*find_yolox_variant("nano"), 2);
  net->init_weights(3);
  net->eval();
  const torch::NoGradGuard no_grad;
  const HalfPrecisionScope half(true);
  const Tensor decoded = decode(net->forward(batch(1).tensors[0].second));
  EXPECT_EQ(decoded.scalar_type(), torch::kFloat);
  // Cells up to 96 px: bfloat16 alone would be off by a quarter of a pixel.
  EXPECT_GT((decoded.select(2, 0) - decoded.select(2, 0).to(torch::kBFloat16).to(torch::kFloat))
                .abs()
                .max()
                .item<float>(),
            0.0F);
}

}  // namespace
}  // namespace grapnel::detection
