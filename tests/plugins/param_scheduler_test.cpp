// ParamSchedulerHook: each scheduler's rates step by step against its closed form, how several combine, how
// epochs become iterations, what a resume restores, and what is said of a wrong table.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "shipped_hook.hpp"

using grapnel::testing::CallResult;
using grapnel::testing::ParamGroup;
using grapnel::testing::ShippedHookHost;
using grapnel::testing::SavedState;
using ::testing::HasSubstr;

namespace {

using Rates = std::vector<double>;

const double kPi = std::acos(-1.0);
constexpr double kBase = 0.02;
constexpr int64_t kEpochLength = 5;

ParamGroup group(double lr) {
  ParamGroup result;
  result.lr = lr;
  result.initial_lr = lr;
  return result;
}

void prepare(ShippedHookHost& host, const std::string& schedulers, int64_t epochs = 12) {
  host.state.train_epoch_length = kEpochLength;
  host.state.max_epochs = epochs;
  host.state.max_iters = epochs * kEpochLength;
  host.groups = {group(kBase)};
  host.config_json = R"({"param_scheduler": )" + schedulers + "}";
}

// The first group's rate at each iteration up to `until`, from where the host stands.
Rates train(ShippedHookHost& host, int64_t until) {
  Rates rates;
  while (host.state.iter < until) {
    host.state.batch_idx = host.state.iter % kEpochLength;
    rates.push_back(host.groups[0].lr);
    EXPECT_TRUE(host.call("after_train_iter"));
    ++host.state.iter;
    if (host.state.iter % kEpochLength != 0) continue;
    EXPECT_TRUE(host.call("after_train_epoch"));
    ++host.state.epoch;
  }
  return rates;
}

Rates rates_of(const std::string& schedulers, int64_t epochs = 12) {
  ShippedHookHost host;
  prepare(host, schedulers, epochs);
  const CallResult loaded = host.load("ParamSchedulerHook");
  EXPECT_TRUE(loaded) << loaded;
  const CallResult begun = host.call("before_train");
  EXPECT_TRUE(begun) << begun;
  return train(host, host.state.max_iters);
}

// `factor` of the base at each of the rates' iterations.
void expect_factors(const Rates& rates, const std::function<double(int64_t)>& factor) {
  for (size_t i = 0; i < rates.size(); ++i) {
    EXPECT_NEAR(rates[i], kBase * factor(static_cast<int64_t>(i)), 1e-12) << "iteration " << i;
  }
}

// ---- each scheduler ------------------------------------------------------------------------------------

TEST(ParamScheduler, LinearLR) {
  const Rates by_iter = rates_of(R"({"type": "LinearLR", "start_factor": 0.1, "end_factor": 0.8,
                                     "by_epoch": false, "begin": 3, "end": 14})");
  expect_factors(by_iter, [](int64_t i) {
    return i < 3 ? 1.0 : 0.1 + 0.7 * static_cast<double>(std::min<int64_t>(i - 3, 10)) / 10;
  });
  const Rates by_epoch = rates_of(R"({"type": "LinearLR", "end": 5})");
  expect_factors(by_epoch, [](int64_t i) {
    return 1.0 / 3 + 2.0 / 3 * static_cast<double>(std::min<int64_t>(i / kEpochLength, 4)) / 4;
  });
}

TEST(ParamScheduler, ConstantLR) {
  expect_factors(rates_of(R"({"type": "ConstantLR", "factor": 0.25, "by_epoch": false,
                              "begin": 2, "end": 8})"),
                 [](int64_t i) { return i >= 2 && i < 7 ? 0.25 : 1.0; });
  expect_factors(rates_of(R"({"type": "ConstantLR", "end": 4})"),
                 [](int64_t i) { return i / kEpochLength < 3 ? 1.0 / 3 : 1.0; });
}

TEST(ParamScheduler, MultiStepLR) {
  expect_factors(rates_of(R"([{"type": "MultiStepLR", "milestones": [3, 7, 7]}])"), [](int64_t i) {
    const int64_t epoch = i / kEpochLength;
    return epoch < 3 ? 1.0 : epoch < 7 ? 0.1 : 0.001;
  });
  expect_factors(
      rates_of(R"([{"type": "MultiStepLR", "milestones": [4, 30], "gamma": 0.5, "by_epoch": false}])"),
      [](int64_t i) { return i < 4 ? 1.0 : i < 30 ? 0.5 : 0.25; });
}

TEST(ParamScheduler, CosineAnnealingLR) {
  const auto cosine = [](double k, double period, double low) {
    return low + (1 - low) * (1 + std::cos(kPi * k / period)) / 2;
  };
  expect_factors(rates_of(R"([{"type": "CosineAnnealingLR"}])"),
                 [&](int64_t i) { return cosine(static_cast<double>(i / kEpochLength), 12, 0); });
  expect_factors(rates_of(R"([{"type": "CosineAnnealingLR", "eta_min": 0.002, "by_epoch": false,
                               "end": 40}])"),
                 [&](int64_t i) { return cosine(static_cast<double>(std::min<int64_t>(i, 39)), 40, 0.1); });
  expect_factors(
      rates_of(R"([{"type": "CosineAnnealingLR", "eta_min_ratio": 0.05, "by_epoch": false, "T_max": 60}])"),
      [&](int64_t i) { return cosine(static_cast<double>(i), 60, 0.05); });
}

TEST(ParamScheduler, CosineAnnealingLRRisesAgainAfterTMax) {
  expect_factors(rates_of(R"([{"type": "CosineAnnealingLR", "T_max": 10, "by_epoch": false}])"),
                 [](int64_t i) { return (1 + std::cos(kPi * static_cast<double>(i) / 10)) / 2; });
}

TEST(ParamScheduler, QuadraticWarmupLR) {
  for (const char* type : {"QuadraticWarmupLR", "mmdet.QuadraticWarmupLR"}) {
    const std::string table = std::string(R"([{"type": ")") + type + R"(", "by_epoch": false, "end": 20}])";
    expect_factors(rates_of(table), [](int64_t i) {
      return std::pow(static_cast<double>(std::min<int64_t>(i, 19) + 1) / 20, 2);
    });
  }
}

// ---- together ------------------------------------------------------------------------------------------

constexpr const char* kWarmupThenCosine = R"([
  {"type": "QuadraticWarmupLR", "begin": 0, "end": 2, "convert_to_iter_based": true},
  {"type": "CosineAnnealingLR", "begin": 2, "end": 9, "T_max": 7, "eta_min": 0.001,
   "convert_to_iter_based": true},
  {"type": "ConstantLR", "factor": 1, "begin": 9, "end": 12}])";

double warmup_then_cosine(int64_t i) {
  if (i < 10) return std::pow(static_cast<double>(i + 1) / 10, 2);
  const double k = static_cast<double>(std::min<int64_t>(i, 44) - 10);
  return 0.05 + 0.95 * (1 + std::cos(kPi * k / 35)) / 2;
}

TEST(ParamScheduler, WarmupThenCosineConvertedToIterations) {
  expect_factors(rates_of(kWarmupThenCosine), warmup_then_cosine);
}

TEST(ParamScheduler, ConvertsMilestonesAndPartsOfAnEpoch) {
  expect_factors(
      rates_of(R"([{"type": "MultiStepLR", "milestones": [1, 3], "convert_to_iter_based": true},
                   {"type": "ConstantLR", "factor": 0.5, "end": 0.8, "convert_to_iter_based": true}])"),
      [](int64_t i) { return (i < 5 ? 1.0 : i < 15 ? 0.1 : 0.01) * (i < 3 ? 0.5 : 1.0); });
}

TEST(ParamScheduler, EachGroupFollowsItsOwnBase) {
  ShippedHookHost host;
  prepare(host, kWarmupThenCosine);
  host.groups = {group(kBase), group(10 * kBase)};
  host.config_json = R"({"param_scheduler": [{"type": "LinearLR", "end": 30, "by_epoch": false},
    {"type": "CosineAnnealingLR", "eta_min_ratio": 0.1, "by_epoch": false, "begin": 30, "end": 60}]})";
  ASSERT_TRUE(host.load("ParamSchedulerHook"));
  ASSERT_TRUE(host.call("before_train"));
  for (int64_t i = 1; i <= 60; ++i) {
    EXPECT_NEAR(host.groups[1].lr, 10 * host.groups[0].lr, 1e-14);
    train(host, i);
  }
}

TEST(ParamScheduler, WithoutSchedulesItNeverTouchesTheOptimiser) {
  for (const char* none : {"[]", "null"}) {
    ShippedHookHost host;
    prepare(host, none);
    host.groups[0].lr = 0.77;
    ASSERT_TRUE(host.load("ParamSchedulerHook"));
    ASSERT_TRUE(host.call("before_train"));
    for (const double rate : train(host, 10)) EXPECT_EQ(rate, 0.77);
  }
}

TEST(ParamScheduler, TakesSchedulesAsItsOwnOption) {
  ShippedHookHost host;
  prepare(host, "null");
  ASSERT_TRUE(
      host.load("ParamSchedulerHook", {{"schedulers", R"([{"type": "MultiStepLR", "milestones": [1]}])"}}));
  ASSERT_TRUE(host.call("before_train"));
  expect_factors(train(host, 15), [](int64_t i) { return i < 5 ? 1.0 : 0.1; });
}

TEST(ParamScheduler, RefusesSchedulesGivenTwice) {
  ShippedHookHost host;
  prepare(host, kWarmupThenCosine);
  const CallResult result =
      host.load("ParamSchedulerHook", {{"schedulers", R"([{"type": "MultiStepLR", "milestones": [1]}])"}});
  EXPECT_FALSE(result);
  EXPECT_THAT(result.message, HasSubstr("given twice"));
}

TEST(ParamScheduler, VerboseSaysEachRate) {
  ShippedHookHost host;
  prepare(host, R"([{"type": "MultiStepLR", "milestones": [1], "verbose": true}])");
  ASSERT_TRUE(host.load("ParamSchedulerHook"));
  ASSERT_TRUE(host.call("before_train"));
  train(host, 10);
  EXPECT_EQ(host.log_lines("Learning rate of group 0: 0.002", GRAPNEL_LOG_INFO).size(), 2u);
}

TEST(ParamScheduler, StepsAfterTheOtherHooksButBeforeACheckpoint) {
  ShippedHookHost host;
  ASSERT_TRUE(host.load("ParamSchedulerHook"));
  EXPECT_EQ(host.plugin().default_priority, GRAPNEL_PRIORITY_LOW);
}

// ---- a resume ------------------------------------------------------------------------------------------

TEST(ParamScheduler, AResumeGivesTheSameRates) {
  const std::string chain = R"([{"type": "LinearLR", "end": 7, "by_epoch": false},
    {"type": "MultiStepLR", "milestones": [2, 5]}, {"type": "CosineAnnealingLR", "T_max": 9}])";
  for (const std::string& table : {std::string(kWarmupThenCosine), chain}) {
    ShippedHookHost first;
    prepare(first, table);
    ASSERT_TRUE(first.load("ParamSchedulerHook"));
    ASSERT_TRUE(first.call("before_train"));
    for (const int64_t cut : {0, 1, 5, 12, 25, 44, 45, 59}) {
      train(first, cut);
      SavedState state;
      ASSERT_TRUE(first.save_state(state));
      ShippedHookHost whole;
      prepare(whole, table);
      ASSERT_TRUE(whole.load("ParamSchedulerHook"));
      ASSERT_TRUE(whole.call("before_train"));
      train(whole, cut);
      const Rates expected = train(whole, 60);
      for (const bool with_state : {true, false}) {
        ShippedHookHost second;
        prepare(second, table);
        second.groups[0].lr = 0.5;  // whatever the optimiser's own state held
        second.state.iter = cut;
        second.state.epoch = cut / kEpochLength;
        ASSERT_TRUE(second.load("ParamSchedulerHook"));
        if (with_state) {
          ASSERT_TRUE(second.load_state(state));
        }
        ASSERT_TRUE(second.call("before_train"));
        EXPECT_EQ(train(second, 60), expected) << "cut at " << cut << ", with state " << with_state;
      }
    }
  }
}

TEST(ParamScheduler, AResumeKeepsARateThatAnotherHookChanged) {
  const std::string table = R"([{"type": "MultiStepLR", "milestones": [4]}])";
  ShippedHookHost first;
  prepare(first, table);
  ASSERT_TRUE(first.load("ParamSchedulerHook"));
  ASSERT_TRUE(first.call("before_train"));
  train(first, 10);
  first.groups[0].lr = 0.005;
  SavedState state;
  ASSERT_TRUE(first.save_state(state));
  ShippedHookHost second;
  prepare(second, table);
  second.state.iter = 10;
  second.state.epoch = 2;
  ASSERT_TRUE(second.load("ParamSchedulerHook"));
  ASSERT_TRUE(second.load_state(state));
  ASSERT_TRUE(second.call("before_train"));
  const Rates rates = train(second, 25);
  EXPECT_EQ(rates.front(), 0.005);
  EXPECT_NEAR(rates.back(), 0.0005, 1e-15);
}

TEST(ParamScheduler, AChangedConfigRulesOverTheSavedRates) {
  ShippedHookHost first;
  prepare(first, R"([{"type": "CosineAnnealingLR", "by_epoch": false}])", 4);
  ASSERT_TRUE(first.load("ParamSchedulerHook"));
  ASSERT_TRUE(first.call("before_train"));
  train(first, 20);
  SavedState state;
  ASSERT_TRUE(first.save_state(state));
  struct Change {
    int64_t epochs;
    double base;
  };
  for (const Change& change : {Change{8, kBase}, Change{4, kBase * (1 + 1e-9)}, Change{4, 2 * kBase}}) {
    ShippedHookHost second;
    prepare(second, R"([{"type": "CosineAnnealingLR", "by_epoch": false}])", change.epochs);
    second.groups = {group(change.base)};
    second.state.iter = 10;
    second.state.epoch = 2;
    ASSERT_TRUE(second.load("ParamSchedulerHook"));
    ASSERT_TRUE(second.load_state(state));
    ASSERT_TRUE(second.call("before_train"));
    EXPECT_EQ(second.log_lines("differ from the checkpoint's").size(), 1u);
    const double length = static_cast<double>(second.state.max_iters);
    EXPECT_NEAR(second.groups[0].lr, change.base * (1 + std::cos(kPi * 10 / length)) / 2, 1e-12);
  }
}

TEST(ParamScheduler, RefusesADamagedState) {
  ShippedHookHost host;
  prepare(host, kWarmupThenCosine);
  ASSERT_TRUE(host.load("ParamSchedulerHook"));
  ASSERT_TRUE(host.call("before_train"));
  SavedState state;
  ASSERT_TRUE(host.save_state(state));
  state.bytes.resize(state.bytes.size() / 2);
  EXPECT_FALSE(host.load_state(state));
}

// ---- wrong tables --------------------------------------------------------------------------------------

TEST(ParamScheduler, NamesWhatIsWrongInATable) {
  struct Case {
    const char* table;
    const char* text;
  };
  const Case cases[] = {
      {R"(3)", "param_scheduler is 3"},
      {R"([3])", "param_scheduler.0 is 3, expected a table"},
      {R"([{}])", "param_scheduler.0.type is missing"},
      {R"([{"type": 1}])", "param_scheduler.0.type is 1"},
      {R"([{"type": "CosineAnealingLR"}])", "did you mean 'CosineAnnealingLR'?"},
      {R"([{"type": "LinearLR"}, {"type": "LinearLR", "ende": 3}])",
       "param_scheduler.1.ende is no known option, did you mean 'end'?"},
      {R"([{"type": "LinearLR", "gamma": 3}])", "param_scheduler.0.gamma is no known option"},
      {R"([{"type": "LinearLR", "start_factor": 0}])", "start_factor is 0"},
      {R"([{"type": "LinearLR", "start_factor": 1.5}])", "start_factor"},
      {R"([{"type": "LinearLR", "end_factor": -0.5}])", "end_factor"},
      {R"([{"type": "ConstantLR", "factor": 0}])", "factor is 0"},
      {R"([{"type": "MultiStepLR"}])", "milestones is missing"},
      {R"([{"type": "MultiStepLR", "milestones": [3, 1]}])", "ascending"},
      {R"([{"type": "MultiStepLR", "milestones": [-1]}])", "negative"},
      {R"([{"type": "MultiStepLR", "milestones": 3}])", "a list of integers"},
      {R"([{"type": "MultiStepLR", "milestones": [1.5]}])", "milestones.0"},
      {R"([{"type": "MultiStepLR", "milestones": [1], "gamma": -1}])", "gamma"},
      {R"([{"type": "CosineAnnealingLR", "T_max": -1}])", "T_max"},
      {R"([{"type": "CosineAnnealingLR", "eta_min": -1}])", "eta_min"},
      {R"([{"type": "CosineAnnealingLR", "eta_min_ratio": -1}])", "eta_min_ratio"},
      {R"([{"type": "CosineAnnealingLR", "eta_min": 0, "eta_min_ratio": 0}])", "together with eta_min"},
      {R"([{"type": "LinearLR", "begin": -1}])", "begin"},
      {R"([{"type": "LinearLR", "begin": 5, "end": 5}])", "end is 5: it must be above begin"},
      {R"([{"type": "LinearLR", "begin": 0.5}])", "whole number"},
      {R"([{"type": "LinearLR", "end": 2.5}])", "whole number"},
      {R"([{"type": "LinearLR", "by_epoch": 1}])", "by_epoch is 1, expected true or false"},
      {R"([{"type": "LinearLR", "by_epoch": false, "convert_to_iter_based": true}])",
       "convert_to_iter_based"},
      {R"([{"type": "LinearLR", "last_step": -2}])", "last_step"},
      {R"([{"type": "LinearLR", "verbose": "yes"}])", "verbose"},
  };
  for (const Case& row : cases) {
    ShippedHookHost host;
    prepare(host, row.table);
    const CallResult result = host.load("ParamSchedulerHook");
    EXPECT_FALSE(result) << row.table;
    EXPECT_THAT(result.message, HasSubstr(row.text)) << row.table;
  }
}

TEST(ParamScheduler, RefusesARangeThatTheRunLeavesEmpty) {
  ShippedHookHost host;
  prepare(host, R"([{"type": "LinearLR", "begin": 12}])");
  ASSERT_TRUE(host.load("ParamSchedulerHook"));
  const CallResult result = host.call("before_train");
  EXPECT_FALSE(result);
  EXPECT_THAT(result.message, HasSubstr("param_scheduler.0 (LinearLR) begins at 12 and ends at 12"));
}

TEST(ParamScheduler, CannotConvertEpochsOfUnknownLength) {
  ShippedHookHost host;
  prepare(host, kWarmupThenCosine);
  host.state.train_epoch_length = 0;
  ASSERT_TRUE(host.load("ParamSchedulerHook"));
  const CallResult result = host.call("before_train");
  EXPECT_FALSE(result);
  EXPECT_THAT(result.message, HasSubstr("param_scheduler.0.convert_to_iter_based"));
}

}  // namespace
