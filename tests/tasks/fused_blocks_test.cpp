// The parts of YOLOX that use the fused operators together, against the same modules in float64, where LibTorch's
// own operators do the work: pairs of layers, joins without copies, shortcuts, the head's predictions, the focus.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <ATen/autocast_mode.h>

#include <map>
#include <memory>
#include <string>

#include "tasks/detection/conv_norm_silu.hpp"
#include "tasks/detection/focus.hpp"
#include "tasks/detection/head_predictions.hpp"
#include "tasks/detection/yolox_blocks.hpp"

namespace grapnel::detection {
namespace {

double relative_error(const torch::Tensor& value, const torch::Tensor& exact) {
  const torch::Tensor reference = exact.detach().to(torch::kDouble);
  const double scale = reference.abs().max().item<double>();
  return (value.detach().to(torch::kDouble) - reference).abs().max().item<double>() / std::max(scale, 1e-30);
}

torch::Tensor random_picture(int64_t batch, int64_t channels, int64_t height, int64_t width) {
  torch::manual_seed(3);
  return torch::randn({batch, channels, height, width}).contiguous(at::MemoryFormat::ChannelsLast);
}

// Trains a step on both and compares values, gradients and buffers.
template <class Module, class... Options>
void expect_trains_as_in_float64(const torch::Tensor& picture, const Options&... options) {
  at::set_num_threads(2);
  torch::manual_seed(5);
  const auto module = std::make_shared<Module>(options...);
  const auto exact = std::make_shared<Module>(options...);
  {
    const torch::NoGradGuard no_grad;
    const auto tensors = module->named_parameters();
    for (auto& item : exact->named_parameters()) item.value().copy_(tensors[item.key()]);
  }
  exact->to(torch::kDouble);
  const torch::Tensor x = picture.clone().requires_grad_();
  const torch::Tensor exact_x = picture.to(torch::kDouble).requires_grad_();
  // The picture is used twice, as YOLOX does: its gradient has two parts.
  const torch::Tensor y = module->forward(x);
  const torch::Tensor exact_y = exact->forward(exact_x);
  EXPECT_LT(relative_error(y, exact_y), 2e-5);
  (y.square().sum() + x.square().sum()).backward();
  (exact_y.square().sum() + exact_x.square().sum()).backward();
  EXPECT_LT(relative_error(x.grad(), exact_x.grad()), 2e-4);
  const auto exact_parameters = exact->named_parameters();
  for (const auto& item : module->named_parameters()) {
    EXPECT_LT(relative_error(item.value().grad(), exact_parameters[item.key()].grad()), 5e-4) << item.key();
  }
  const auto exact_buffers = exact->named_buffers();
  for (const auto& item : module->named_buffers()) {
    EXPECT_LT(relative_error(item.value(), exact_buffers[item.key()]), 1e-5) << item.key();
  }
}

TEST(CspLayer, TrainsAsInFloat64) {
  for (const bool shortcut : {false, true}) {
    for (const bool depthwise : {false, true}) {
      for (const int64_t bottlenecks : {1, 2}) {
        expect_trains_as_in_float64<CspLayer>(random_picture(3, 32, 12, 10),
                                              CspShape{32, 48, bottlenecks, shortcut, depthwise});
      }
    }
  }
}

TEST(CspLayer, TrainsWithChannelsThatTheKernelsDoNotTake) {
  expect_trains_as_in_float64<CspLayer>(random_picture(3, 12, 6, 6), CspShape{12, 20, 1, true, false});
}

TEST(CspLayer, EvaluatesAsInFloat64) {
  const torch::NoGradGuard no_grad;
  const auto layer = std::make_shared<CspLayer>(CspShape{32, 32, 2, true, false});
  layer->eval();
  const torch::Tensor x = random_picture(2, 32, 9, 7);
  const torch::Tensor y = layer->forward(x);
  layer->to(torch::kDouble);
  EXPECT_LT(relative_error(y, layer->forward(x.to(torch::kDouble))), 1e-5);
}

TEST(SppBottleneck, TrainsAsInFloat64) {
  expect_trains_as_in_float64<SppBottleneck>(random_picture(2, 32, 8, 8), 32, 32);
}

TEST(Join, CopiesPartsThatLieElsewhere) {
  const torch::Tensor x = random_picture(2, 8, 4, 4);
  const Join join(x, 8, 8);
  EXPECT_TRUE(torch::equal(join.join(x, x + 1), torch::cat({x, x + 1}, 1)));
}

TEST(Join, HasNoMemoryForOtherTypes) {
  EXPECT_FALSE(Join(random_picture(2, 8, 4, 4).to(torch::kDouble), 8, 8).part(0).defined());
}

HeadLevels random_levels(int64_t classes, torch::ScalarType type) {
  torch::manual_seed(11);
  HeadLevels levels;
  int64_t side = 12;
  for (LevelPredictions& level : levels) {
    const auto weight = [&](int64_t out) { return torch::randn({out, 24, 1, 1}).to(type).requires_grad_(); };
    const auto bias = [&](int64_t out) { return torch::randn({out}).to(type).requires_grad_(); };
    const auto picture = [&] {
      return torch::randn({2, 24, side, side + 3}).contiguous(at::MemoryFormat::ChannelsLast).to(type)
          .requires_grad_();
    };
    level = {picture(), picture(), weight(4), bias(4), weight(1), bias(1), weight(classes), bias(classes)};
    side /= 2;
  }
  return levels;
}

TEST(HeadPredictions, AreThoseOfTheOperatorsInFloat64) {
  for (const int64_t classes : {1, 3, 8, 80}) {
    const HeadLevels levels = random_levels(classes, torch::kFloat32);
    const HeadLevels exact = random_levels(classes, torch::kFloat64);
    const torch::Tensor predictions = head_predictions(levels);
    const torch::Tensor exact_predictions = head_predictions_reference(exact);
    ASSERT_EQ(predictions.sizes(), exact_predictions.sizes());
    EXPECT_LT(relative_error(predictions, exact_predictions), 1e-6);
    predictions.square().sum().backward();
    exact_predictions.square().sum().backward();
    for (size_t i = 0; i < levels.size(); ++i) {
      using Member = torch::Tensor LevelPredictions::*;
      for (const Member member : {&LevelPredictions::box_features, &LevelPredictions::class_features,
                                  &LevelPredictions::box_weight, &LevelPredictions::box_bias,
                                  &LevelPredictions::object_weight, &LevelPredictions::object_bias,
                                  &LevelPredictions::class_weight, &LevelPredictions::class_bias}) {
        EXPECT_LT(relative_error((levels[i].*member).grad(), (exact[i].*member).grad()), 1e-5) << classes;
      }
    }
  }
}

TEST(Focus, IsTheSameWithAndWithoutAGradient) {
  const torch::Tensor x = random_picture(2, 3, 8, 12);
  const torch::Tensor plain = focus(x);
  const torch::Tensor differentiated = focus(x.clone().requires_grad_());
  EXPECT_TRUE(torch::equal(plain, differentiated));
  // Upper left, lower left, upper right, lower right.
  using torch::indexing::None;
  using torch::indexing::Slice;
  const torch::Tensor expected = torch::cat({x.index({Slice(), Slice(), Slice(0, None, 2), Slice(0, None, 2)}),
                                             x.index({Slice(), Slice(), Slice(1, None, 2), Slice(0, None, 2)}),
                                             x.index({Slice(), Slice(), Slice(0, None, 2), Slice(1, None, 2)}),
                                             x.index({Slice(), Slice(), Slice(1, None, 2), Slice(1, None, 2)})},
                                            1);
  EXPECT_TRUE(torch::equal(plain, expected));
}

TEST(CspLayer, TrainsUnderAutocast) {
  torch::manual_seed(5);
  const auto layer = std::make_shared<CspLayer>(CspShape{32, 32, 1, true, false});
  const torch::Tensor x = random_picture(2, 32, 8, 8);
  const torch::Tensor exact = layer->forward(x);
  at::autocast::set_cpu_enabled(true);
  at::autocast::set_autocast_cpu_dtype(at::kBFloat16);
  const torch::Tensor y = layer->forward(x);
  at::autocast::clear_cache();
  at::autocast::set_cpu_enabled(false);
  EXPECT_LT(relative_error(y, exact), 0.1);    // bfloat16 has 8 bits
  EXPECT_GT(relative_error(y, exact), 1e-4);   // and it was used
  y.to(torch::kFloat32).square().sum().backward();
  for (const auto& item : layer->named_parameters()) {
    ASSERT_TRUE(item.value().grad().defined()) << item.key();
    EXPECT_TRUE(item.value().grad().isfinite().all().item<bool>()) << item.key();
  }
}

}  // namespace
}  // namespace grapnel::detection
