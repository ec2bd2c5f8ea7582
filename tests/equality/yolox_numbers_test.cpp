// Our YOLOX-tiny (80 classes) and -s (5 classes) against numbers recorded from Megvii's code
// (tests/golden/yolox/{tiny,s}, made by record_megvii.py): not square, one picture without boxes, more than
// one anchor a box. In float64 every formula is held tightly. In float32 no two programs agree to the last
// digit (another order of the sums is enough, and BatchNorm divides by what nearly cancels), so the error is
// held against the one that Megvii's own float32 run makes beside its float64 run.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "network_run.hpp"

namespace grapnel::equality {
namespace {

// What our float64 run may differ by, relative to a tensor's norm. SimOTA works in float, as Megvii's does in
// part: the overlaps that are the classes' targets carry float's 6e-8, and what is trained with them too.
constexpr double kExact = 1e-10;
constexpr double kAfterOverlaps = 1e-6;
constexpr double kAfterTenSteps = 2e-3;  // each step's rounding is carried through the next ones

// Our float32 error may be this many times Megvii's, or the floor if theirs happens to be smaller.
constexpr double kTimesTheirError = 4;
constexpr double kFloat32Floor = 2e-6;

// Weights that no box has reached move by their own rounding alone.
constexpr double kRoundingOfWeights = 1e-13;

// A sum under random signs errs by about the Euclidean norm of the elements' errors; four times that is rare.
constexpr double kSignedSumSpread = 4;

void expect_same_tensors(const TensorsByName& ours, const Digests& theirs,
                         const std::function<double(const Digest&)>& error) {
  ASSERT_EQ(ours.size(), theirs.size());
  for (const auto& [name, tensor] : ours) {
    const auto found = theirs.find(name);
    ASSERT_NE(found, theirs.end()) << name;
    const Digest& digest = found->second;
    const double slack = error(digest) * digest.norm + kRoundingOfWeights;
    const torch::Tensor values = tensor.detach().to(torch::kDouble).contiguous();
    EXPECT_NEAR(values.norm().item<double>(), digest.norm, slack + 1e-9 * digest.norm) << name;
    EXPECT_NEAR(signed_sum(values), digest.signed_sum, kSignedSumSpread * slack + 1e-9 * digest.norm) << name;
    const torch::Tensor flat = values.flatten();
    for (int64_t i = 0; i < std::min<int64_t>(flat.numel(), 2); ++i) {
      EXPECT_NEAR(flat[i].item<double>(), digest.first[static_cast<size_t>(i)], slack + 1e-8 * digest.norm)
          << name << ", element " << i;
    }
  }
}

std::function<double(const Digest&)> within(double error) {
  return [error](const Digest&) { return error; };
}

double float32_bound(const Digest& digest) {
  return std::max(kTimesTheirError * digest.float32_error, kFloat32Floor);
}

void expect_losses(const Losses& ours, const Losses& theirs, double tolerance) {
  const auto near = [&](double a, double b, const char* name) {
    EXPECT_NEAR(a, b, tolerance * std::max(std::abs(b), 1e-6)) << name;
  };
  near(ours.total, theirs.total, "total");
  near(ours.iou, theirs.iou, "iou");
  near(ours.objectness, theirs.objectness, "objectness");
  near(ours.classification, theirs.classification, "classification");
  near(ours.l1, theirs.l1, "l1");
  EXPECT_NEAR(ours.foreground_per_box, theirs.foreground_per_box, 1e-12);
}

class YoloxNumbers : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    numbers_ =
        read_numbers(std::string(GRAPNEL_SOURCE_DIR "/tests/golden/yolox/") + GetParam() + "/numbers.json");
  }
  static NetworkRun run_in(torch::Dtype dtype) { return {GetParam(), dtype}; }
  Numbers numbers_;
};

TEST_P(YoloxNumbers, EvaluationAgreesInFloat64) {
  expect_same_tensors(run_in(torch::kDouble).evaluate(), numbers_.eval, within(kExact));
}

TEST_P(YoloxNumbers, EvaluationIsAsExactInFloat32AsMegviis) {
  expect_same_tensors(run_in(torch::kFloat).evaluate(), numbers_.eval, float32_bound);
}

TEST_P(YoloxNumbers, LossesGradientsAndStatisticsAgreeInFloat64) {
  NetworkRun run = run_in(torch::kDouble);
  expect_losses(numbers_of(run.forward_in_training(false)), numbers_.losses.exact, kAfterOverlaps);
  expect_same_tensors(run.statistics(), numbers_.statistics, within(kExact));
  EXPECT_EQ(run.batches_tracked(), std::set<int64_t>{1});
  expect_losses(numbers_of(run.forward_in_training(true)), numbers_.losses_l1.exact, kAfterOverlaps);
  {
    SCOPED_TRACE("without L1");
    expect_same_tensors(run.gradients(false), numbers_.gradients, within(kAfterOverlaps));
  }
  {
    SCOPED_TRACE("with L1");
    expect_same_tensors(run.gradients(true), numbers_.gradients_l1, within(kAfterOverlaps));
  }
}

TEST_P(YoloxNumbers, LossesGradientsAndStatisticsAreAsExactInFloat32AsMegviis) {
  NetworkRun run = run_in(torch::kFloat);
  expect_losses(numbers_of(run.forward_in_training(false)), numbers_.losses.exact, 2e-5);
  expect_same_tensors(run.statistics(), numbers_.statistics, float32_bound);
  expect_losses(numbers_of(run.forward_in_training(true)), numbers_.losses_l1.exact, 2e-5);
  {
    SCOPED_TRACE("without L1");
    expect_same_tensors(run.gradients(false), numbers_.gradients, float32_bound);
  }
  {
    SCOPED_TRACE("with L1");
    expect_same_tensors(run.gradients(true), numbers_.gradients_l1, float32_bound);
  }
}

TEST_P(YoloxNumbers, AssignmentIsTheSame) {
  for (const torch::Dtype dtype : {torch::kFloat, torch::kDouble}) {
    const auto matches = run_in(dtype).assign();
    size_t images_with_matches = 0;
    for (const auto& image : matches) images_with_matches += image.empty() ? 0 : 1;
    EXPECT_EQ(images_with_matches, numbers_.matches.size());
    for (const Matches& expected : numbers_.matches) {
      const auto& image = matches.at(static_cast<size_t>(expected.image));
      ASSERT_EQ(image.size(), expected.anchors.size());
      for (size_t i = 0; i < image.size(); ++i) {
        EXPECT_EQ(image[i].anchor, expected.anchors[i]);
        EXPECT_EQ(image[i].truth, expected.truths[i]);
        EXPECT_NEAR(image[i].iou, expected.ious[i], 5e-5);
      }
    }
  }
}

TEST_P(YoloxNumbers, TenStepsOfSgdAndTheirMovingAverageAgreeInFloat64) {
  ASSERT_EQ(numbers_.steps.size(), 10U);
  const NetworkRun::Stepped stepped = run_in(torch::kDouble).train(numbers_.steps);
  for (size_t i = 0; i < stepped.losses.size(); ++i) {
    SCOPED_TRACE("step " + std::to_string(i));
    expect_losses(stepped.losses[i], numbers_.steps[i].losses.exact, kAfterOverlaps);
  }
  expect_same_tensors(stepped.way, numbers_.stepped, within(kAfterTenSteps));
  expect_same_tensors(stepped.average_way, numbers_.averaged, within(kAfterTenSteps));
}

TEST_P(YoloxNumbers, TenStepsStayAsCloseInFloat32AsMegviis) {
  const NetworkRun::Stepped stepped = run_in(torch::kFloat).train(numbers_.steps);
  double theirs = kFloat32Floor;
  for (size_t i = 0; i < stepped.losses.size(); ++i) {
    const LossPair& pair = numbers_.steps[i].losses;
    theirs = std::max(theirs, std::abs(pair.float32.total / pair.exact.total - 1));
    EXPECT_NEAR(stepped.losses[i].total, pair.exact.total, 10 * theirs * pair.exact.total) << "step " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Megvii, YoloxNumbers, testing::Values("tiny", "s"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace grapnel::equality
