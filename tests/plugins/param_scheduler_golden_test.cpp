// ParamSchedulerHook over whole runs: rates against golden numbers of YOLOX and MMDetection's YOLOX list, and
// a resume at every single iteration.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <sstream>

#include "../../plugins/json/json.hpp"
#include "shipped_hook.hpp"

using grapnel::testing::CallResult;
using grapnel::testing::ParamGroup;
using grapnel::testing::ShippedHookHost;
using grapnel::testing::SavedState;

namespace {

constexpr int64_t kEpochs = 10;
constexpr int64_t kEpochLength = 4;
constexpr int64_t kIters = kEpochs * kEpochLength;

// MMDetection's YOLOX schedule, shortened.
const char* const kYolox = R"([
  {"type": "mmdet.QuadraticWarmupLR", "begin": 0, "end": 2, "by_epoch": true, "convert_to_iter_based": true},
  {"type": "CosineAnnealingLR", "eta_min": 0.0005, "begin": 2, "T_max": 7, "end": 7, "by_epoch": true,
   "convert_to_iter_based": true},
  {"type": "ConstantLR", "by_epoch": true, "factor": 1, "begin": 7, "end": 10}])";

void prepare(ShippedHookHost& host, const std::string& schedules) {
  host.state.train_epoch_length = kEpochLength;
  host.state.max_epochs = kEpochs;
  host.state.max_iters = kIters;
  ParamGroup group;
  group.lr = group.initial_lr = 0.01;
  host.groups = {group};
  host.config_json = "{\"param_scheduler\": " + schedules + "}";
  const CallResult loaded = host.load("ParamSchedulerHook");
  ASSERT_TRUE(loaded) << loaded;
}

// Trains from the counters on to `until` iterations, noting the rate that each one uses.
void go_on(ShippedHookHost& host, std::vector<double>& rates, int64_t until) {
  while (host.state.iter < until) {
    rates.push_back(host.groups[0].lr);
    ASSERT_TRUE(host.call("after_train_iter"));
    ++host.state.iter;
    if (host.state.iter % kEpochLength != 0) continue;
    ASSERT_TRUE(host.call("after_train_epoch"));
    ++host.state.epoch;
  }
}

std::vector<double> rates_of(const std::string& schedules) {
  ShippedHookHost host;
  prepare(host, schedules);
  EXPECT_TRUE(host.call("before_train"));
  std::vector<double> rates;
  go_on(host, rates, kIters);
  return rates;
}

std::vector<double> golden_rates(const std::string& schedule) {
  std::ifstream file(std::string(GRAPNEL_SOURCE_DIR) + "/tests/golden/yolox/lr_schedules.json");
  std::stringstream text;
  text << file.rdbuf();
  std::vector<double> values;
  for (const auto& item : grapnel::json::parse(text.str()).find(schedule)->find("values")->items()) {
    values.push_back(item.number());
  }
  values.resize(kIters);  // the last value is the one after the run
  return values;
}

void expect_rates(const std::vector<double>& got, const std::vector<double>& expected) {
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], 1e-11) << "iteration " << i;
}

}  // namespace

TEST(ParamSchedulerGolden, CosineByIteration) {
  expect_rates(rates_of(R"([{"type": "CosineAnnealingLR", "by_epoch": false, "T_max": 40}])"),
               golden_rates("cos_lr.01_4it_10ep"));
}

TEST(ParamSchedulerGolden, MultiStepConvertedToIterations) {
  expect_rates(rates_of(R"([{"type": "MultiStepLR", "milestones": [6, 8], "convert_to_iter_based": true}])"),
               golden_rates("multistep_lr.01_4it_10ep_6_8"));
}

TEST(ParamSchedulerGolden, MMDetectionsYoloxListFollowsItsClosedForm) {
  const auto cosine = [](int64_t k) {
    return 0.0005 + 0.0095 * (1 + std::cos(std::acos(-1.0) * k / 28.0)) / 2;
  };
  std::vector<double> expected;
  for (int64_t i = 0; i < kIters; ++i) {
    const double warmup = 0.01 * std::pow((static_cast<double>(i) + 1) / 8.0, 2);
    // The cosine's last step is iteration 27; ConstantLR with factor 1 keeps what is there.
    expected.push_back(i < 8 ? warmup : cosine(std::min<int64_t>(i, 27) - 8));
  }
  expect_rates(rates_of(kYolox), expected);
}

TEST(ParamSchedulerGolden, AResumeAtAnyIterationGivesTheSameRatesBitForBit) {
  const std::vector<double> whole = rates_of(kYolox);
  for (int64_t stop = 0; stop <= kIters; ++stop) {
    for (const bool with_state : {true, false}) {
      ShippedHookHost first;
      prepare(first, kYolox);
      ASSERT_TRUE(first.call("before_train"));
      std::vector<double> rates;
      go_on(first, rates, stop);
      SavedState state;
      ASSERT_TRUE(first.save_state(state));

      ShippedHookHost second;
      prepare(second, kYolox);
      second.state.iter = first.state.iter;
      second.state.epoch = first.state.epoch;
      if (with_state) {
        ASSERT_TRUE(second.load_state(state));
      }
      ASSERT_TRUE(second.call("before_train"));
      go_on(second, rates, kIters);
      EXPECT_EQ(rates, whole) << "stopped at " << stop << (with_state ? "" : ", without the state");
    }
  }
}
