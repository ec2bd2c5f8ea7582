// YOLOX where no reference numbers are needed: sizes of the six variants, initial weights, the edges of the
// loss and of the matching, suppression. Agreement with Megvii's numbers is detection_golden_test.cpp's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/failure.hpp"
#include "tasks/detection/postprocess.hpp"
#include "tasks/detection/yolox_loss.hpp"
#include "tasks/detection/yolox_model.hpp"

namespace grapnel::detection {
namespace {

Yolox seeded_nano(int64_t num_classes, uint64_t seed = 1) {
  Yolox model(*find_yolox_variant("nano"), num_classes);
  model->init_weights(seed);
  return model;
}

torch::Tensor random_images(int64_t batch, int64_t height, int64_t width) {
  torch::manual_seed(5);
  return torch::rand({batch, 3, height, width}) * 255;
}

torch::Tensor boxes(std::vector<std::vector<std::vector<float>>> images) {
  size_t longest = 0;
  for (const auto& image : images) longest = std::max(longest, image.size());
  torch::Tensor table = torch::zeros({static_cast<int64_t>(images.size()), static_cast<int64_t>(longest), 5});
  for (size_t i = 0; i < images.size(); ++i) {
    for (size_t j = 0; j < images[i].size(); ++j) {
      table[static_cast<int64_t>(i)][static_cast<int64_t>(j)] = torch::tensor(images[i][j]);
    }
  }
  return table;
}

std::vector<torch::Tensor> gradients(Yolox model, const torch::Tensor& images, const torch::Tensor& targets) {
  model->train();
  model->zero_grad();
  compute_losses(model->forward(images), targets, true).total.backward();
  std::vector<torch::Tensor> result;
  for (const torch::Tensor& parameter : model->parameters()) result.push_back(parameter.grad().clone());
  return result;
}

void expect_finite_gradients(Yolox model, const torch::Tensor& images, const torch::Tensor& targets) {
  bool any = false;
  for (const torch::Tensor& gradient : gradients(model, images, targets)) {
    EXPECT_TRUE(gradient.isfinite().all().item<bool>());
    any = any || gradient.abs().max().item<float>() > 0;
  }
  EXPECT_TRUE(any);
}

class YoloxVariantTest : public testing::TestWithParam<std::pair<std::string, double>> {};

TEST_P(YoloxVariantTest, HasThePublishedNumberOfParameters) {
  const auto& [name, millions] = GetParam();
  Yolox model(*find_yolox_variant(name), 80);
  int64_t count = 0;
  for (const torch::Tensor& parameter : model->parameters()) count += parameter.numel();
  // The published figures are rounded to their last digit.
  EXPECT_NEAR(static_cast<double>(count) / 1e6, millions, 0.05 + 0.001 * millions);
}

TEST_P(YoloxVariantTest, GivesOneRowAnAnchorForNonSquareImages) {
  Yolox model(*find_yolox_variant(GetParam().first), 7);
  model->eval();
  const torch::NoGradGuard no_grad;
  const HeadOutput output = model->forward(random_images(1, 64, 96));
  EXPECT_EQ(output.predictions.sizes(), (std::vector<int64_t>{1, 8 * 12 + 4 * 6 + 2 * 3, 12}));
  ASSERT_EQ(output.levels.size(), 3U);
  EXPECT_EQ(output.levels[1].height, 4);
  EXPECT_EQ(output.levels[1].width, 6);
  EXPECT_EQ(output.levels[1].stride, 16);
}

// https://github.com/Megvii-BaseDetection/YOLOX, table of models.
INSTANTIATE_TEST_SUITE_P(All, YoloxVariantTest,
                         testing::Values(std::pair<std::string, double>{"nano", 0.91},
                                         std::pair<std::string, double>{"tiny", 5.06},
                                         std::pair<std::string, double>{"s", 9.0},
                                         std::pair<std::string, double>{"m", 25.3},
                                         std::pair<std::string, double>{"l", 54.2},
                                         std::pair<std::string, double>{"x", 99.1}),
                         [](const auto& param_info) { return param_info.param.first; });

TEST(YoloxModel, UnknownVariantIsNull) { EXPECT_EQ(find_yolox_variant("xl"), nullptr); }

TEST(YoloxModel, InitialWeightsDependOnTheSeedAlone) {
  at::set_num_threads(1);
  const Yolox first = seeded_nano(3);
  at::set_num_threads(2);
  torch::rand({17});
  const Yolox second = seeded_nano(3);
  const Yolox other = seeded_nano(3, 2);
  const auto a = first->named_parameters();
  const auto b = second->named_parameters();
  bool differs = false;
  for (const auto& item : a) {
    EXPECT_TRUE(torch::equal(item.value(), b[item.key()])) << item.key();
    differs = differs || !torch::equal(item.value(), other->named_parameters()[item.key()]);
  }
  EXPECT_TRUE(differs);
}

TEST(YoloxModel, InitialWeightsHaveMegviisDistributions) {
  Yolox model = seeded_nano(3);
  for (const auto& item : model->named_parameters()) {
    const torch::Tensor& value = item.value();
    const std::string& name = item.key();
    if (value.dim() == 4) {
      const double bound = 1 / std::sqrt(static_cast<double>(value[0].numel()));
      EXPECT_LE(value.abs().max().item<double>(), bound) << name;
      if (value.numel() > 4000) {
        EXPECT_NEAR(value.std().item<double>(), bound / std::sqrt(3.0), 0.05 * bound) << name;
        EXPECT_NEAR(value.mean().item<double>(), 0.0, 0.05 * bound) << name;
      }
    } else if (name.find("_preds") == std::string::npos) {
      const double expected = name.find(".weight") != std::string::npos ? 1.0 : 0.0;
      EXPECT_TRUE((value == expected).all().item<bool>()) << name;
    } else if (name.find("reg_preds") == std::string::npos) {
      EXPECT_LT((value.sigmoid() - 0.01).abs().max().item<double>(), 1e-6) << name;
    }
  }
}

TEST(YoloxModel, KeepsChannelsLastThroughout) {
  Yolox model = seeded_nano(3);
  const torch::NoGradGuard no_grad;
  for (const torch::Tensor& map : model->features(random_images(2, 64, 96))) {
    EXPECT_TRUE(map.is_contiguous(torch::MemoryFormat::ChannelsLast));
  }
  for (const torch::Tensor& parameter : model->parameters()) {
    if (parameter.dim() != 4) continue;
    EXPECT_TRUE(parameter.is_contiguous(torch::MemoryFormat::ChannelsLast));
  }
}

TEST(YoloxModel, RefusesImagesThatAreNoMultipleOf32) {
  Yolox model = seeded_nano(3);
  EXPECT_THROW(model->forward(torch::zeros({1, 3, 64, 100})), Failure);
  EXPECT_THROW(model->forward(torch::zeros({1, 1, 64, 96})), Failure);
  EXPECT_THROW(model->forward(torch::zeros({3, 64, 96})), Failure);
}

TEST(YoloxLoss, BatchWithoutBoxesTrainsObjectnessOnly) {
  Yolox model = seeded_nano(3);
  const torch::Tensor images = random_images(2, 64, 96);
  for (const int64_t rows : {0, 4}) {
    const torch::Tensor none = torch::zeros({2, rows, 5});
    const YoloxLosses losses = compute_losses(model->forward(images), none, true);
    EXPECT_EQ(losses.foreground, 0);
    EXPECT_EQ(losses.boxes, 0);
    EXPECT_GT(losses.objectness.item<float>(), 0);
    EXPECT_EQ(losses.iou.item<float>(), 0);
    EXPECT_EQ(losses.classification.item<float>(), 0);
    EXPECT_EQ(losses.l1.item<float>(), 0);
    EXPECT_EQ(losses.total.item<float>(), losses.objectness.item<float>());
    expect_finite_gradients(model, images, none);
  }
}

TEST(YoloxLoss, WorksWithOneClass) {
  Yolox model = seeded_nano(1);
  const torch::Tensor targets = boxes({{{0, 30, 30, 20, 24}}, {}});
  const torch::Tensor images = random_images(2, 96, 64);
  const YoloxLosses losses = compute_losses(model->forward(images), targets, false);
  EXPECT_GT(losses.foreground, 0);
  EXPECT_GT(losses.classification.item<float>(), 0);
  EXPECT_EQ(losses.l1.item<float>(), 0);
  expect_finite_gradients(model, images, targets);
}

TEST(YoloxLoss, GradientsAreTheSameBitForBitAtTwoThreads) {
  at::set_num_threads(2);
  Yolox model = seeded_nano(3);
  const torch::Tensor images = random_images(4, 96, 128);
  std::vector<std::vector<float>> crowd;
  for (int i = 0; i < 12; ++i) {
    const auto shift = static_cast<float>(7 * i);
    crowd.push_back({static_cast<float>(i % 3), 20 + shift, 15 + shift / 2, 24, 18});
  }
  const torch::Tensor targets = boxes({crowd, crowd, {}, {{1, 64, 48, 80, 60}}});
  const auto first = gradients(model, images, targets);
  for (int repeat = 0; repeat < 3; ++repeat) {
    const auto again = gradients(model, images, targets);
    for (size_t i = 0; i < first.size(); ++i) EXPECT_TRUE(torch::equal(first[i], again[i])) << i;
  }
}

TEST(YoloxLoss, PaddingRowsMayStandAnywhere) {
  Yolox model = seeded_nano(3);
  const torch::NoGradGuard no_grad;
  const HeadOutput output = model->forward(random_images(1, 64, 64));
  const torch::Tensor dense = boxes({{{2, 20, 20, 16, 16}, {1, 44, 40, 20, 12}}});
  const torch::Tensor sparse =
      boxes({{{0, 0, 0, 0, 0}, {2, 20, 20, 16, 16}, {0, 9, 9, 0, 5}, {1, 44, 40, 20, 12}}});
  const YoloxLosses expected = compute_losses(output, dense, true);
  const YoloxLosses losses = compute_losses(output, sparse, true);
  EXPECT_EQ(losses.boxes, 2);
  EXPECT_EQ(losses.total.item<float>(), expected.total.item<float>());
  const auto matches = assign_anchors(output, sparse);
  ASSERT_FALSE(matches[0].empty());
  for (const AnchorMatch& match : matches[0]) EXPECT_THAT(match.truth, testing::AnyOf(1, 3));
}

TEST(YoloxLoss, RefusesClassesOutOfRangeAndWrongShapes) {
  Yolox model = seeded_nano(3);
  const torch::NoGradGuard no_grad;
  const HeadOutput output = model->forward(random_images(1, 64, 64));
  for (const float label : {3.0F, -1.0F, std::numeric_limits<float>::quiet_NaN()}) {
    EXPECT_THROW(compute_losses(output, boxes({{{label, 20, 20, 16, 16}}}), false), Failure);
  }
  EXPECT_THROW(compute_losses(output, torch::zeros({2, 4, 5}), false), Failure);
  EXPECT_THROW(compute_losses(output, torch::zeros({1, 4, 6}), false), Failure);
}

TEST(YoloxLoss, PredictionsThatAreNotFiniteGiveALossThatIsNotFinite) {
  Yolox model = seeded_nano(3);
  const torch::NoGradGuard no_grad;
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    HeadOutput output = model->forward(random_images(1, 64, 64));
    output.predictions.fill_(bad);
    const YoloxLosses losses = compute_losses(output, boxes({{{0, 20, 20, 16, 16}}}), true);
    EXPECT_FALSE(std::isfinite(losses.total.item<float>()));
  }
}

// One level of 8 px cells, 8 x 8; every anchor predicts a box of 16 px around its cell's corner.
class SimOtaTest : public testing::Test {
 protected:
  SimOtaTest() : anchors_(make_anchor_points({{8, 8, 8}})), predictions_(anchors_.size() * 7, 0.0F) {
    for (size_t anchor = 0; anchor < anchors_.size(); ++anchor) {
      predictions_[anchor * 7 + 2] = std::log(2.0F);
      predictions_[anchor * 7 + 3] = std::log(2.0F);
    }
  }
  std::vector<AnchorMatch> assign(const std::vector<TruthBox>& truths) {
    return SimOta(anchors_, 2).assign(predictions_.data(), truths);
  }

  AnchorPoints anchors_;
  std::vector<float> predictions_;
};

TEST_F(SimOtaTest, NoBoxesNoForeground) { EXPECT_TRUE(assign({}).empty()); }

TEST_F(SimOtaTest, BoxFarFromEveryAnchorGetsNone) { EXPECT_TRUE(assign({{500, 500, 20, 20, 0}}).empty()); }

TEST_F(SimOtaTest, PerfectPredictionIsTakenWithIouOne) {
  const auto matches = assign({{32, 32, 16, 16, 1}});
  ASSERT_FALSE(matches.empty());
  const auto best =
      std::max_element(matches.begin(), matches.end(),
                       [](const AnchorMatch& a, const AnchorMatch& b) { return a.iou < b.iou; });
  EXPECT_EQ(best->anchor, 4 * 8 + 4);
  EXPECT_FLOAT_EQ(best->iou, 1.0F);
}

TEST_F(SimOtaTest, AnchorGoesToTheBoxForWhichItCostsLess) {
  // Both boxes are close to the same anchors; the second fits the prediction at (4, 4) exactly.
  const auto matches = assign({{33, 33, 16, 16, 0}, {32, 32, 16, 16, 0}});
  std::vector<int64_t> anchors;
  for (const AnchorMatch& match : matches) {
    anchors.push_back(match.anchor);
    if (match.anchor == 4 * 8 + 4) {
      EXPECT_EQ(match.truth, 1);
    }
  }
  EXPECT_THAT(anchors, testing::Contains(4 * 8 + 4));
  for (size_t i = 1; i < anchors.size(); ++i) EXPECT_LT(anchors[i - 1], anchors[i]);
}

TEST_F(SimOtaTest, BoxOutsideTheMapStillGetsAnAnchorBesideAnother) {
  // Its centre is near no anchor, but the other box brings candidates: it takes the cheapest of them.
  const auto matches = assign({{32, 32, 16, 16, 0}, {300, 32, 16, 16, 0}});
  EXPECT_FALSE(matches.empty());
  EXPECT_LE(matches.size(), 9U);
}

TEST(SuppressOverlaps, KeepsTheBetterOfTwoThatOverlapByMore) {
  const std::vector<ScoredBox> boxes{
      {{0, 0, 10, 10}, 0.5F, 0}, {{0, 0, 10, 9}, 0.9F, 0}, {{20, 0, 30, 10}, 0.1F, 0}};
  EXPECT_THAT(suppress_overlaps(boxes, 0.65), testing::ElementsAre(1, 2));
  EXPECT_THAT(suppress_overlaps(boxes, 0.95), testing::ElementsAre(1, 0, 2));
}

TEST(SuppressOverlaps, OverlapEqualToTheThresholdStays) {
  const std::vector<ScoredBox> boxes{{{0, 0, 10, 10}, 0.9F, 0}, {{0, 0, 10, 5}, 0.5F, 0}};
  EXPECT_EQ(suppress_overlaps(boxes, 0.5).size(), 2U);
  EXPECT_EQ(suppress_overlaps(boxes, 0.49).size(), 1U);
}

TEST(SuppressOverlaps, ClassesDoNotCompete) {
  const std::vector<ScoredBox> boxes{{{0, 0, 10, 10}, 0.5F, 0}, {{0, 0, 10, 10}, 0.9F, 1}};
  EXPECT_THAT(suppress_overlaps(boxes, 0.5), testing::ElementsAre(1, 0));
}

TEST(SuppressOverlaps, ASuppressedBoxSuppressesNothing) {
  // The middle one overlaps both, the outer two hardly overlap each other.
  const std::vector<ScoredBox> boxes{
      {{0, 0, 10, 10}, 0.9F, 0}, {{0, 3, 10, 13}, 0.8F, 0}, {{0, 6, 10, 16}, 0.7F, 0}};
  EXPECT_THAT(suppress_overlaps(boxes, 0.5), testing::ElementsAre(0, 2));
}

TEST(Postprocess, AppliesThresholdAndClassAgnosticSuppression) {
  // cx, cy, w, h, objectness, two class probabilities
  const torch::Tensor decoded = torch::tensor({{10.0F, 10.0F, 10.0F, 10.0F, 0.5F, 0.5F, 0.1F},
                                               {10.0F, 10.0F, 10.0F, 10.0F, 1.0F, 0.2F, 0.9F},
                                               {40.0F, 40.0F, 10.0F, 10.0F, 0.5F, 0.4F, 0.1F}})
                                    .unsqueeze(0);
  const torch::Tensor by_class = postprocess(decoded, {0.25, 0.5, false})[0];
  ASSERT_EQ(by_class.sizes(), (std::vector<int64_t>{2, 7}));
  const torch::Tensor expected = torch::tensor({5.0F, 5.0F, 15.0F, 15.0F, 1.0F, 0.9F, 1.0F});
  EXPECT_TRUE(torch::equal(by_class[0], expected));
  EXPECT_EQ(postprocess(decoded, {0.25, 0.5, true})[0].size(0), 1);
  const torch::Tensor none = postprocess(decoded, {0.99, 0.5, true})[0];
  EXPECT_EQ(none.sizes(), (std::vector<int64_t>{0, 7}));
}

}  // namespace
}  // namespace grapnel::detection
