// YOLOXLrUpdaterHook against Megvii YOLOX's own schedule, iteration by iteration, and its options one by one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <sstream>

#include "shipped_hook.hpp"

using grapnel::testing::CallResult;
using grapnel::testing::ParamGroup;
using grapnel::testing::ShippedHookHost;
using grapnel::testing::Options;
using ::testing::HasSubstr;

namespace {

// "values" of one schedule of golden/yolox/lr_schedules.json, which Megvii YOLOX at 6ddff48 gave.
std::vector<double> golden_rates(const std::string& schedule) {
  std::ifstream file(std::string(GRAPNEL_SOURCE_DIR) + "/tests/golden/yolox/lr_schedules.json");
  std::stringstream text;
  text << file.rdbuf();
  const std::string json = text.str();
  size_t at = json.find("\"" + schedule + "\"");
  at = at == std::string::npos ? at : json.find("\"values\": [", at);
  if (at == std::string::npos) throw std::runtime_error("no golden schedule " + schedule);
  std::istringstream numbers(json.substr(json.find('[', at) + 1));
  std::vector<double> values;
  for (double value; numbers >> value;) {
    values.push_back(value);
    char separator = 0;
    if (!(numbers >> separator) || separator != ',') break;
  }
  return values;
}

ParamGroup group(double initial_lr) {
  ParamGroup result;
  result.lr = initial_lr;
  result.initial_lr = initial_lr;
  return result;
}

void prepare(ShippedHookHost& host, int64_t epoch_length, int64_t epochs, double lr) {
  host.state.train_epoch_length = epoch_length;
  host.state.max_epochs = epochs;
  host.state.max_iters = epoch_length * epochs;
  host.groups = {group(lr)};
}

double rate_at(ShippedHookHost& host, int64_t iter) {
  host.state.iter = iter;
  host.state.epoch = iter / host.state.train_epoch_length;
  host.state.batch_idx = iter % host.state.train_epoch_length;
  const CallResult result = host.call("before_train_iter");
  EXPECT_TRUE(result) << result;
  return host.groups[0].lr;
}

struct Schedule {
  const char* name;
  double lr;
  int64_t epoch_length;
  int64_t epochs;
  Options options;
};

const Schedule kSchedules[] = {
    {"yoloxwarmcos_lr.00125_26it_80ep_warm5_noaug15_min.05", 0.00125, 26, 80, {}},  // the defaults
    {"yoloxwarmcos_lr.01_4it_30ep_warm3_noaug5_min.05",
     0.01,
     4,
     30,
     {{"warmup_iters", "3"}, {"num_last_epochs", "5"}}},
};

TEST(YOLOXLrUpdater, GivesMegviisNextRateAtEachIteration) {
  for (const Schedule& schedule : kSchedules) {
    const auto golden = golden_rates(schedule.name);
    ASSERT_EQ(golden.size(), static_cast<size_t>(schedule.epoch_length * schedule.epochs + 1));
    ShippedHookHost host;
    prepare(host, schedule.epoch_length, schedule.epochs, schedule.lr);
    ASSERT_TRUE(host.load("YOLOXLrUpdaterHook", schedule.options));
    ASSERT_TRUE(host.call("before_train"));
    for (int64_t i = 0; i < host.state.max_iters; ++i) {
      const double expected = golden[static_cast<size_t>(i) + 1];
      ASSERT_NEAR(rate_at(host, i), expected, 1e-12 * expected) << schedule.name << ", iteration " << i;
    }
  }
}

TEST(YOLOXLrUpdater, IsRightAfterAResumeAtAnyIteration) {
  const auto golden = golden_rates(kSchedules[1].name);
  for (const int64_t resumed_at : {1, 11, 12, 50, 99, 100, 119}) {
    ShippedHookHost host;
    prepare(host, 4, 30, 0.01);
    host.groups[0].lr = 0.77;  // whatever the checkpoint held
    ASSERT_TRUE(host.load("YOLOXLrUpdaterHook", kSchedules[1].options));
    host.state.iter = resumed_at;
    ASSERT_TRUE(host.call("before_train"));
    EXPECT_NEAR(rate_at(host, resumed_at), golden[static_cast<size_t>(resumed_at) + 1], 1e-15) << resumed_at;
  }
}

TEST(YOLOXLrUpdater, KeepsTheRatioOfTheGroups) {
  ShippedHookHost host;
  prepare(host, 10, 20, 0.01);
  host.groups.push_back(group(0.1));
  ASSERT_TRUE(host.load("YOLOXLrUpdaterHook", {{"num_last_epochs", "2"}}));
  ASSERT_TRUE(host.call("before_train"));
  for (const int64_t iter : {0, 49, 50, 120, 199}) {
    const double first = rate_at(host, iter);
    EXPECT_NEAR(host.groups[1].lr, 10 * first, 1e-15) << iter;
  }
}

TEST(YOLOXLrUpdater, WarmupByEpochFalseCountsIterations) {
  ShippedHookHost host;
  prepare(host, 10, 20, 1.0);
  ASSERT_TRUE(host.load("YOLOXLrUpdaterHook",
                        {{"warmup_iters", "4"}, {"warmup_by_epoch", "false"}, {"num_last_epochs", "0"}}));
  ASSERT_TRUE(host.call("before_train"));
  EXPECT_DOUBLE_EQ(rate_at(host, 0), 1.0 / 16);
  EXPECT_DOUBLE_EQ(rate_at(host, 1), 4.0 / 16);
  EXPECT_DOUBLE_EQ(rate_at(host, 3), 1.0);
  const double progress = (5.0 - 4.0) / (200.0 - 4.0);
  EXPECT_DOUBLE_EQ(rate_at(host, 4), 0.05 + 0.5 * 0.95 * (1 + std::cos(std::acos(-1.0) * progress)));
}

TEST(YOLOXLrUpdater, WarmupRatioScalesTheWarmupOnly) {
  ShippedHookHost host;
  prepare(host, 10, 20, 1.0);
  ASSERT_TRUE(host.load("YOLOXLrUpdaterHook", {{"warmup_iters", "1"}, {"warmup_ratio", "0.5"}}));
  ASSERT_TRUE(host.call("before_train"));
  EXPECT_DOUBLE_EQ(rate_at(host, 9), 0.5);
  EXPECT_GT(rate_at(host, 10), 0.99);
}

TEST(YOLOXLrUpdater, NoWarmupStartsAtTheCosine) {
  ShippedHookHost host;
  prepare(host, 10, 20, 1.0);
  ASSERT_TRUE(host.load("YOLOXLrUpdaterHook", {{"warmup_iters", "0"}}));
  ASSERT_TRUE(host.call("before_train"));
  EXPECT_GT(rate_at(host, 0), 0.99);
}

TEST(YOLOXLrUpdater, MinLrRatioIsTheLastPartsRate) {
  ShippedHookHost host;
  prepare(host, 10, 20, 0.2);
  ASSERT_TRUE(host.load("YOLOXLrUpdaterHook", {{"min_lr_ratio", "0.1"}, {"num_last_epochs", "3"}}));
  ASSERT_TRUE(host.call("before_train"));
  EXPECT_GT(rate_at(host, 168), 0.02);
  for (const int64_t iter : {169, 170, 185, 199}) EXPECT_DOUBLE_EQ(rate_at(host, iter), 0.02) << iter;
}

TEST(YOLOXLrUpdater, ByEpochMovesTheCosineOnceAnEpoch) {
  ShippedHookHost host;
  prepare(host, 10, 20, 1.0);
  ASSERT_TRUE(host.load("YOLOXLrUpdaterHook",
                        {{"by_epoch", "true"}, {"warmup_iters", "2"}, {"num_last_epochs", "4"}}));
  ASSERT_TRUE(host.call("before_train"));
  EXPECT_DOUBLE_EQ(rate_at(host, 19), 1.0);
  const double progress = (8.0 - 2.0) / (20.0 - 2.0 - 4.0);
  const double expected = 0.05 + 0.5 * 0.95 * (1 + std::cos(std::acos(-1.0) * progress));
  EXPECT_DOUBLE_EQ(rate_at(host, 70), expected);
  EXPECT_DOUBLE_EQ(rate_at(host, 79), expected);
  EXPECT_LT(rate_at(host, 80), expected);
  EXPECT_DOUBLE_EQ(rate_at(host, 150), 0.05);
}

TEST(YOLOXLrUpdater, ByEpochIsRefusedInARunThatCountsIterations) {
  ShippedHookHost host;
  prepare(host, 10, 1, 1.0);
  host.state.by_epoch = 0;
  ASSERT_TRUE(host.load("YOLOXLrUpdaterHook", {{"by_epoch", "true"}}));
  const CallResult result = host.call("before_train");
  EXPECT_FALSE(result);
  EXPECT_THAT(result.message, HasSubstr("by_epoch"));
}

TEST(YOLOXLrUpdater, WarnsOfASchedulesThatLeavesNoCosine) {
  ShippedHookHost host;
  prepare(host, 10, 20, 1.0);
  ASSERT_TRUE(host.load("YOLOXLrUpdaterHook"));  // 5 epochs of warm-up, 15 of constant rate
  ASSERT_TRUE(host.call("before_train"));
  EXPECT_EQ(host.log_lines("no room for the cosine", GRAPNEL_LOG_WARNING).size(), 1u);
  EXPECT_DOUBLE_EQ(rate_at(host, 49), 1.0);
  EXPECT_DOUBLE_EQ(rate_at(host, 50), 0.05);
}

TEST(YOLOXLrUpdater, RunsBeforeEveryOtherHook) {
  ShippedHookHost host;
  ASSERT_TRUE(host.load("YOLOXLrUpdaterHook"));
  EXPECT_EQ(host.plugin().default_priority, GRAPNEL_PRIORITY_HIGHEST);
}

TEST(YOLOXLrUpdater, RefusesWhatIsOutOfRange) {
  for (const auto& [option, value] : Options{{"warmup", "\"linear\""},
                                             {"warmup_ratio", "-1"},
                                             {"warmup_iters", "-1"},
                                             {"num_last_epochs", "-1"},
                                             {"min_lr_ratio", "-0.1"},
                                             {"lr", "1"}}) {
    const CallResult result = ShippedHookHost().load("YOLOXLrUpdaterHook", {{option, value}});
    EXPECT_FALSE(result) << option;
    EXPECT_THAT(result.message, HasSubstr("options." + option + ":"));
  }
}

}  // namespace
