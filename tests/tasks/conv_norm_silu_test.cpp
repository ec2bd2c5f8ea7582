// The fused convolution + BatchNorm + SiLU against LibTorch's own operators in float64: values, statistics and
// every gradient, over the shapes that YOLOX has and the edges around them. Runs once for each instruction set
// (GRAPNEL_KERNELS).
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include "tasks/detection/conv_norm_silu.hpp"
#include "tasks/detection/kernels/kernel_table.hpp"

namespace grapnel::detection {
namespace {

struct Layer {
  int64_t batch, in, out, kernel, stride, height, width;
  bool depthwise = false;
};

std::string name_of(const testing::TestParamInfo<Layer>& info) {
  const Layer& l = info.param;
  std::string name = l.depthwise ? "depthwise" : l.kernel == 1 ? "pointwise" : "dense";
  for (const int64_t number : {l.batch, l.in, l.out, l.kernel, l.stride, l.height, l.width}) {
    name += "_" + std::to_string(number);
  }
  return name;
}

double relative_error(const torch::Tensor& value, const torch::Tensor& exact) {
  const torch::Tensor reference = exact.detach().to(torch::kDouble);
  const double scale = reference.abs().max().item<double>();
  return (value.detach().to(torch::kDouble) - reference).abs().max().item<double>() / std::max(scale, 1e-30);
}

ConvNormSilu random_layer(const Layer& shape, torch::ScalarType type) {
  torch::manual_seed(7);
  const int64_t groups = shape.depthwise ? shape.in : 1;
  ConvNormSilu layer;
  layer.weight = torch::randn({shape.out, shape.in / groups, shape.kernel, shape.kernel})
                     .contiguous(at::MemoryFormat::ChannelsLast);
  layer.stride = shape.stride;
  layer.groups = groups;
  layer.norm_weight = torch::rand({shape.out}) + 0.5;
  layer.norm_bias = torch::randn({shape.out});
  layer.running_mean = torch::randn({shape.out});
  layer.running_variance = torch::rand({shape.out}) + 0.5;
  for (torch::Tensor* tensor : {&layer.weight, &layer.norm_weight, &layer.norm_bias, &layer.running_mean,
                                &layer.running_variance}) {
    *tensor = tensor->to(type);
  }
  for (torch::Tensor* tensor : {&layer.weight, &layer.norm_weight, &layer.norm_bias}) tensor->requires_grad_();
  return layer;
}

// With a mean far from zero, as real layers have: naive sums of squares lose digits there.
torch::Tensor random_picture(const Layer& shape) {
  torch::manual_seed(8);
  return (torch::randn({shape.batch, shape.in, shape.height, shape.width}) + 3)
      .contiguous(at::MemoryFormat::ChannelsLast);
}

class ConvNormSiluTest : public testing::TestWithParam<Layer> {};

TEST_P(ConvNormSiluTest, TrainsAsTheOperatorsInFloat64) {
  at::set_num_threads(2);
  ConvNormSilu layer = random_layer(GetParam(), torch::kFloat32);
  ConvNormSilu exact = random_layer(GetParam(), torch::kFloat64);
  const torch::Tensor x = random_picture(GetParam()).requires_grad_();
  const torch::Tensor exact_x = x.detach().to(torch::kFloat64).requires_grad_();
  const torch::Tensor y = conv_norm_silu(x, layer);
  const torch::Tensor exact_y = conv_norm_silu_reference(exact_x, exact);
  ASSERT_EQ(y.sizes(), exact_y.sizes());
  torch::manual_seed(9);
  const torch::Tensor weights = torch::randn(y.sizes());
  (y * weights).sum().backward();
  (exact_y * weights.to(torch::kFloat64)).sum().backward();

  EXPECT_LT(relative_error(y, exact_y), 1e-5);
  EXPECT_LT(relative_error(layer.running_mean, exact.running_mean), 3e-6);
  EXPECT_LT(relative_error(layer.running_variance, exact.running_variance), 3e-6);
  EXPECT_LT(relative_error(layer.norm_weight.grad(), exact.norm_weight.grad()), 2e-5);
  EXPECT_LT(relative_error(layer.norm_bias.grad(), exact.norm_bias.grad()), 2e-5);
  EXPECT_LT(relative_error(layer.weight.grad(), exact.weight.grad()), 5e-5);
  EXPECT_LT(relative_error(x.grad(), exact_x.grad()), 5e-5);
}

TEST_P(ConvNormSiluTest, EvaluatesAsTheOperatorsInFloat64) {
  const torch::NoGradGuard no_grad;
  ConvNormSilu layer = random_layer(GetParam(), torch::kFloat32);
  ConvNormSilu exact = random_layer(GetParam(), torch::kFloat64);
  layer.training = exact.training = false;
  const torch::Tensor x = random_picture(GetParam());
  EXPECT_LT(relative_error(conv_norm_silu(x, layer), conv_norm_silu_reference(x.to(torch::kFloat64), exact)), 1e-5);
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, ConvNormSiluTest,
    testing::Values(Layer{8, 64, 64, 1, 1, 16, 16}, Layer{2, 24, 40, 1, 1, 7, 9}, Layer{1, 8, 8, 1, 1, 3, 3},
                    Layer{3, 512, 128, 1, 1, 5, 4}, Layer{2, 48, 56, 1, 1, 13, 13},
                    Layer{4, 32, 32, 3, 1, 16, 16, true}, Layer{2, 24, 24, 3, 2, 13, 9, true},
                    Layer{2, 64, 64, 3, 2, 16, 16, true}, Layer{3, 8, 8, 3, 1, 2, 3, true},
                    Layer{3, 16, 16, 3, 1, 3, 1, true}, Layer{2, 32, 64, 3, 1, 16, 16},
                    Layer{2, 64, 48, 3, 2, 16, 16}, Layer{2, 24, 40, 3, 2, 13, 9}, Layer{1, 8, 16, 3, 1, 1, 5},
                    Layer{5, 16, 8, 3, 2, 2, 2}, Layer{3, 96, 72, 3, 1, 9, 7}, Layer{1, 128, 128, 3, 1, 32, 32},
                    // shapes that LibTorch's convolution takes
                    Layer{2, 12, 16, 3, 1, 8, 8}, Layer{2, 16, 24, 5, 1, 8, 8}, Layer{2, 16, 16, 1, 2, 8, 8},
                    Layer{2, 5, 7, 1, 1, 8, 8}, Layer{2, 12, 12, 3, 1, 8, 8, true}),
    name_of);

TEST(ConvNormSilu, NeedsNoInputGradientForTheFirstLayer) {
  const Layer shape{2, 12, 16, 3, 1, 16, 24};
  ConvNormSilu layer = random_layer(shape, torch::kFloat32);
  ConvNormSilu exact = random_layer(shape, torch::kFloat64);
  const torch::Tensor x = random_picture(shape);
  conv_norm_silu(x, layer).square().sum().backward();
  conv_norm_silu_reference(x.to(torch::kFloat64), exact).square().sum().backward();
  EXPECT_LT(relative_error(layer.weight.grad(), exact.weight.grad()), 5e-5);
}

TEST(ConvNormSilu, TakesPartsOfAPictureAndGradientsOfAnyLayout) {
  const Layer shape{2, 16, 24, 1, 1, 6, 5};
  ConvNormSilu layer = random_layer(shape, torch::kFloat32);
  ConvNormSilu exact = random_layer(shape, torch::kFloat64);
  const torch::Tensor whole = random_picture({2, 40, 24, 1, 1, 6, 5});
  for (const torch::Tensor& x : {whole.narrow(1, 8, 16), whole.contiguous().narrow(1, 8, 16),
                                 whole.narrow(1, 8, 16).transpose(2, 3)}) {
    const torch::Tensor y = conv_norm_silu(x, layer);
    const torch::Tensor exact_y = conv_norm_silu_reference(x.to(torch::kFloat64), exact);
    EXPECT_LT(relative_error(y, exact_y), 1e-5);
    layer.weight.mutable_grad() = exact.weight.mutable_grad() = torch::Tensor();
    y.transpose(2, 3).contiguous().square().sum().backward();  // the gradient comes back transposed
    exact_y.square().sum().backward();
    EXPECT_LT(relative_error(layer.weight.grad(), exact.weight.grad()), 5e-5);
  }
  EXPECT_TRUE(conv_norm_silu(whole.narrow(1, 0, 16), layer).is_contiguous(at::MemoryFormat::ChannelsLast));
}

TEST(ConvNormSilu, KeepsDigitsWhereTheMeanIsLargeBesideTheDeviation) {
  const Layer shape{8, 16, 16, 1, 1, 32, 32};
  ConvNormSilu layer = random_layer(shape, torch::kFloat32);
  ConvNormSilu exact = random_layer(shape, torch::kFloat64);
  const torch::Tensor x = random_picture(shape) + 300;
  const torch::Tensor y = conv_norm_silu(x, layer);
  const torch::Tensor exact_y = conv_norm_silu_reference(x.to(torch::kFloat64), exact);
  // The products themselves are rounded at 300 times the deviation.
  EXPECT_LT(relative_error(y, exact_y), 300 * 1e-5);
  EXPECT_LT(relative_error(layer.running_variance, exact.running_variance), 1e-4);
}

TEST(ConvNormSilu, LetsNotANumberThrough) {
  const Layer shape{2, 16, 16, 1, 1, 4, 4};
  ConvNormSilu layer = random_layer(shape, torch::kFloat32);
  torch::Tensor x = random_picture(shape);
  x[0][3][1][1] = std::nanf("");
  EXPECT_TRUE(conv_norm_silu(x, layer).isnan().all().item<bool>());
}

TEST(ConvNormSilu, GivesTheSameBitsEveryTime) {
  const Layer shape{4, 32, 48, 3, 1, 12, 12};
  std::vector<torch::Tensor> first;
  for (int i = 0; i < 3; ++i) {
    ConvNormSilu layer = random_layer(shape, torch::kFloat32);
    const torch::Tensor x = random_picture(shape).requires_grad_();
    const torch::Tensor y = conv_norm_silu(x, layer);
    y.square().sum().backward();
    const std::vector<torch::Tensor> all = {y, x.grad(), layer.weight.grad(), layer.norm_weight.grad(),
                                            layer.running_variance};
    if (first.empty()) first = all;
    for (size_t k = 0; k < all.size(); ++k) EXPECT_TRUE(torch::equal(all[k], first[k])) << k;
  }
}

TEST(ConvNormSilu, RunsTheKernelsThatWereAskedFor) {
  const char* wanted = std::getenv("GRAPNEL_KERNELS");
  if (wanted == nullptr) GTEST_SKIP() << "GRAPNEL_KERNELS is not set";
  const std::string name = kernels::table().name;
  // A processor without the set falls back.
  if (name != wanted) GTEST_SKIP() << wanted << " does not run here; " << name << " does";
  EXPECT_EQ(name, wanted);
}

}  // namespace
}  // namespace grapnel::detection
