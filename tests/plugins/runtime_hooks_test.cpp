// RuntimeInfoHook, IterTimerHook and DistSamplerSeedHook: what they put into the message hub and tell the
// sampler. Times are compared with one another, never with a limit.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <numeric>
#include <thread>

#include "shipped_hook.hpp"

using grapnel::testing::CallResult;
using grapnel::testing::ParamGroup;
using grapnel::testing::ShippedHookHost;
using grapnel::testing::PlainTensor;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

namespace {

using Clock = std::chrono::steady_clock;

ParamGroup group(double lr, double initial_lr) {
  ParamGroup result;
  result.lr = lr;
  result.initial_lr = initial_lr;
  return result;
}

TEST(RuntimeInfo, NamesTheRun) {
  ShippedHookHost host;
  host.state.seed = 12345678901234567890u;
  host.work_dir = "/data/runs/yolox_nano";
  host.log_dir = "/data/runs/yolox_nano/20260101_120000";
  ASSERT_TRUE(host.load("RuntimeInfoHook"));
  ASSERT_TRUE(host.call("before_run"));
  EXPECT_EQ(host.texts["seed"], "12345678901234567890");
  EXPECT_EQ(host.texts["experiment_name"], "yolox_nano_20260101_120000");
}

TEST(RuntimeInfo, KeepsTheCounters) {
  ShippedHookHost host;
  host.state.max_epochs = 7;
  host.state.max_iters = 70;
  host.state.epoch = 2;
  host.state.iter = 20;
  ASSERT_TRUE(host.load("RuntimeInfoHook"));
  ASSERT_TRUE(host.call("before_train"));
  EXPECT_EQ(host.texts["max_epochs"], "7");
  EXPECT_EQ(host.texts["max_iters"], "70");
  EXPECT_EQ(host.texts["epoch"], "2");
  EXPECT_EQ(host.texts["iter"], "20");
  host.state.epoch = 3;
  host.state.iter = 31;
  ASSERT_TRUE(host.call("before_train_epoch"));
  EXPECT_EQ(host.texts["epoch"], "3");
  ASSERT_TRUE(host.call("before_train_iter"));
  EXPECT_EQ(host.texts["iter"], "31");
}

TEST(RuntimeInfo, KnowsTheLoopThatRuns) {
  ShippedHookHost host;
  ASSERT_TRUE(host.load("RuntimeInfoHook"));
  const auto stage_after = [&host](const char* point) {
    EXPECT_TRUE(host.call(point));
    return host.texts["loop_stage"];
  };
  EXPECT_EQ(stage_after("before_train"), "train");
  EXPECT_EQ(stage_after("before_val"), "val");
  EXPECT_EQ(stage_after("after_val"), "train");
  EXPECT_EQ(stage_after("after_train"), "");
  EXPECT_EQ(stage_after("before_val"), "val");
  EXPECT_EQ(stage_after("after_val"), "");
  EXPECT_EQ(stage_after("before_test"), "test");
  EXPECT_EQ(stage_after("after_test"), "");
}

TEST(RuntimeInfo, RecordsTheRateOfTheFirstGroup) {
  ShippedHookHost host;
  host.groups = {group(0.01, 0.02)};
  host.config_json = R"({"optim_wrapper": {"optimizer": {"lr": 0.02}}})";
  ASSERT_TRUE(host.load("RuntimeInfoHook"));
  ASSERT_TRUE(host.call("before_train"));
  ASSERT_TRUE(host.call("before_train_iter"));
  host.groups[0].lr = 0.005;
  ASSERT_TRUE(host.call("before_train_iter"));
  EXPECT_THAT(host.scalars["train/lr"], ElementsAre(0.01, 0.005));
  EXPECT_EQ(host.scalars.count("train/base_lr"), 0u) << "one group has no other base";
}

TEST(RuntimeInfo, RecordsTheBaseRateOfSeveralGroups) {
  ShippedHookHost host;
  host.groups = {group(0.0625, 0.125), group(0.25, 0.5)};
  host.config_json = R"({"optim_wrapper": {"optimizer": {"lr": 0.5}}})";
  ASSERT_TRUE(host.load("RuntimeInfoHook"));
  ASSERT_TRUE(host.call("before_train"));
  ASSERT_TRUE(host.call("before_train_iter"));
  EXPECT_THAT(host.scalars["train/lr"], ElementsAre(0.0625));
  EXPECT_THAT(host.scalars["train/base_lr"], ElementsAre(0.25));
}

TEST(RuntimeInfo, DoesWithoutAnOptimiserOrARateInTheConfig) {
  ShippedHookHost host;
  ASSERT_TRUE(host.load("RuntimeInfoHook"));
  ASSERT_TRUE(host.call("before_train"));
  ASSERT_TRUE(host.call("before_train_iter"));
  EXPECT_THAT(host.scalars, IsEmpty());
  host.groups = {group(0.1, 0.1), group(0.2, 0.2)};
  ASSERT_TRUE(host.call("before_train"));
  ASSERT_TRUE(host.call("before_train_iter"));
  EXPECT_THAT(host.scalar_order, ElementsAre("train/lr"));
}

TEST(RuntimeInfo, RecordsEachLoss) {
  ShippedHookHost host;
  host.outputs = {{"loss", PlainTensor::scalar(3)}, {"loss_cls", PlainTensor::scalar(2)}};
  ASSERT_TRUE(host.load("RuntimeInfoHook"));
  ASSERT_TRUE(host.call("after_train_iter"));
  host.outputs[0].second = PlainTensor::scalar(2.5f);
  ASSERT_TRUE(host.call("after_train_iter"));
  EXPECT_THAT(host.scalar_order, ElementsAre("train/loss", "train/loss_cls"));
  EXPECT_THAT(host.scalars["train/loss"], ElementsAre(3, 2.5));
  EXPECT_THAT(host.scalars["train/loss_cls"], ElementsAre(2, 2));
}

TEST(RuntimeInfo, ALossOfSeveralNumbersIsAnError) {
  ShippedHookHost host;
  host.outputs = {{"loss", PlainTensor::floats({1, 2})}};
  ASSERT_TRUE(host.load("RuntimeInfoHook"));
  EXPECT_FALSE(host.call("after_train_iter"));
}

TEST(RuntimeInfo, RecordsTheMetricsOfEachEvaluation) {
  ShippedHookHost host;
  host.metrics = {{"coco/bbox_mAP", 0.5}, {"coco/bbox_mAP_50", 0.75}};
  ASSERT_TRUE(host.load("RuntimeInfoHook"));
  ASSERT_TRUE(host.call("after_val_epoch"));
  ASSERT_TRUE(host.call("after_test_epoch"));
  EXPECT_THAT(host.scalar_order, ElementsAre("val/coco/bbox_mAP", "val/coco/bbox_mAP_50",
                                             "test/coco/bbox_mAP", "test/coco/bbox_mAP_50"));
  EXPECT_THAT(host.scalars["test/coco/bbox_mAP_50"], ElementsAre(0.75));
}

// ---- IterTimerHook -------------------------------------------------------------------------------------

double eta_of(ShippedHookHost& host) { return std::strtod(host.texts["eta"].c_str(), nullptr); }

double sum(const std::vector<double>& values) { return std::accumulate(values.begin(), values.end(), 0.0); }

void wait() { std::this_thread::sleep_for(std::chrono::milliseconds(2)); }

TEST(IterTimer, TimesEachTrainIterationAndItsWaitForData) {
  ShippedHookHost host;
  ASSERT_TRUE(host.load("IterTimerHook"));
  ASSERT_TRUE(host.call("before_train"));
  ASSERT_TRUE(host.call("before_train_epoch"));
  for (int i = 0; i < 5; ++i) {
    wait();
    ASSERT_TRUE(host.call("before_train_iter"));
    wait();
    ASSERT_TRUE(host.call("after_train_iter"));
    ++host.state.iter;
  }
  const auto& times = host.scalars["train/time"];
  const auto& data_times = host.scalars["train/data_time"];
  ASSERT_EQ(times.size(), 5u);
  ASSERT_EQ(data_times.size(), 5u);
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_GE(data_times[i], 0.002);
    EXPECT_GE(times[i], data_times[i] + 0.002) << "the wait is a part of the iteration";
  }
}

TEST(IterTimer, TheEtaIsTheMeanTimesTheIterationsLeft) {
  ShippedHookHost host;
  host.state.max_iters = 14;
  host.state.iter = 10;  // a resume: the ten before it don't count
  ASSERT_TRUE(host.load("IterTimerHook"));
  ASSERT_TRUE(host.call("before_train"));
  for (int done = 1; done <= 4; ++done) {
    wait();
    ASSERT_TRUE(host.train_iteration());
    EXPECT_NEAR(eta_of(host), sum(host.scalars["train/time"]) / done * (4 - done), 1e-6);
  }
  EXPECT_EQ(eta_of(host), 0);
}

TEST(IterTimer, TimesEvaluationsWithAnEtaOfTheirOwn) {
  for (const std::string mode : {"val", "test"}) {
    ShippedHookHost host;
    ASSERT_TRUE(host.load("IterTimerHook"));
    for (int round = 0; round < 2; ++round) {
      ASSERT_TRUE(host.call("before_" + mode + "_epoch"));
      host.scalars.clear();
      for (int i = 0; i < 4; ++i) {
        host.state.batch_idx = i;
        wait();
        ASSERT_TRUE(host.call("before_" + mode + "_iter"));
        ASSERT_TRUE(host.call("after_" + mode + "_iter"));
        const auto& times = host.scalars[mode + "/time"];
        ASSERT_EQ(times.size(), static_cast<size_t>(i + 1));
        EXPECT_GE(times.back(), host.scalars[mode + "/data_time"].back());
        EXPECT_NEAR(eta_of(host), sum(times) / (i + 1) * (3 - i), 1e-6);
      }
    }
  }
}

TEST(IterTimer, AnEvaluationIsNoWaitForData) {
  ShippedHookHost host;
  ASSERT_TRUE(host.load("IterTimerHook"));
  ASSERT_TRUE(host.call("before_train"));
  for (const char* restart : {"after_val", "before_train_epoch", "before_train"}) {
    ASSERT_TRUE(host.call("before_train_iter"));
    ASSERT_TRUE(host.call("after_train_iter"));
    wait();
    const auto end_of_evaluation = Clock::now();
    ASSERT_TRUE(host.call(restart));
    ASSERT_TRUE(host.call("before_train_iter"));
    const std::chrono::duration<double> since = Clock::now() - end_of_evaluation;
    EXPECT_LE(host.scalars["train/data_time"].back(), since.count()) << restart;
  }
}

// ---- DistSamplerSeedHook -------------------------------------------------------------------------------

TEST(DistSamplerSeed, TellsTheTrainSamplerEachEpoch) {
  ShippedHookHost host;
  host.state.max_epochs = 9;
  host.datasets[GRAPNEL_MODE_TRAIN] = {};
  host.datasets[GRAPNEL_MODE_VAL] = {};
  ASSERT_TRUE(host.load("DistSamplerSeedHook"));
  for (const int64_t epoch : {0, 1, 5}) {
    host.state.epoch = epoch;
    ASSERT_TRUE(host.call("before_train_epoch"));
    EXPECT_EQ(host.datasets[GRAPNEL_MODE_TRAIN].epoch, epoch);
  }
  EXPECT_EQ(host.datasets[GRAPNEL_MODE_TRAIN].max_epochs, 9);
  EXPECT_EQ(host.datasets[GRAPNEL_MODE_VAL].epoch, -1);
}

TEST(DistSamplerSeed, LeavesAnIterBasedLoopAlone) {
  ShippedHookHost host;
  host.state.by_epoch = 0;
  host.datasets[GRAPNEL_MODE_TRAIN] = {};
  ASSERT_TRUE(host.load("DistSamplerSeedHook"));
  ASSERT_TRUE(host.call("before_train_epoch"));
  EXPECT_EQ(host.datasets[GRAPNEL_MODE_TRAIN].epoch, -1);
}

TEST(DistSamplerSeed, PassesOnThatThereIsNoTrainData) {
  ShippedHookHost host;
  ASSERT_TRUE(host.load("DistSamplerSeedHook"));
  const CallResult result = host.call("before_train_epoch");
  EXPECT_FALSE(result);
  EXPECT_THAT(result.message, HasSubstr("no data"));
}

// ---- all three -----------------------------------------------------------------------------------------

TEST(RuntimeHooks, HaveMMEnginesPrioritiesAndNoOptions) {
  struct Row {
    const char* type;
    int32_t priority;
  };
  for (const Row& row : {Row{"RuntimeInfoHook", GRAPNEL_PRIORITY_VERY_HIGH},
                         Row{"IterTimerHook", GRAPNEL_PRIORITY_NORMAL},
                         Row{"DistSamplerSeedHook", GRAPNEL_PRIORITY_NORMAL}}) {
    ShippedHookHost host;
    ASSERT_TRUE(host.load(row.type));
    EXPECT_EQ(host.plugin().default_priority, row.priority) << row.type;
    EXPECT_FALSE(ShippedHookHost().load(row.type, {{"interval", "1"}})) << row.type;
  }
}

}  // namespace
