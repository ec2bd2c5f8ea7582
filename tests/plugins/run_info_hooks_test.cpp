// RuntimeInfoHook, IterTimerHook and DistSamplerSeedHook: what they write to the hub and tell the sampler,
// and when.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "fake_host.hpp"

using grapnel::testing::FakeDataset;
using grapnel::testing::FakeGroup;
using grapnel::testing::FakeHost;
using grapnel::testing::FakeTensor;
using ::testing::ElementsAre;

namespace {

FakeGroup group(double lr, double initial_lr) {
  FakeGroup result;
  result.lr = lr;
  result.initial_lr = initial_lr;
  return result;
}

void pause_ms(int ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

}  // namespace

TEST(RuntimeInfoHook, RunsFirstOfTheDefaults) {
  FakeHost host;
  ASSERT_TRUE(host.load("RuntimeInfoHook"));
  EXPECT_EQ(host.plugin().default_priority, GRAPNEL_PRIORITY_VERY_HIGH);
}

TEST(RuntimeInfoHook, NamesRunAndSeed) {
  FakeHost host;
  host.state.seed = 7;
  host.work_dir = "/data/runs/nano";
  host.log_dir = "/data/runs/nano/20250101_120000";
  ASSERT_TRUE(host.load("RuntimeInfoHook"));
  ASSERT_TRUE(host.call("before_run"));
  EXPECT_EQ(host.texts["seed"], "7");
  EXPECT_EQ(host.texts["experiment_name"], "nano_20250101_120000");
}

TEST(RuntimeInfoHook, WritesCountersAtTheirPoints) {
  FakeHost host;
  host.state.max_epochs = 5;
  host.state.max_iters = 50;
  host.state.epoch = 1;
  host.state.iter = 12;
  ASSERT_TRUE(host.load("RuntimeInfoHook"));
  ASSERT_TRUE(host.call("before_train"));
  EXPECT_EQ(host.texts["epoch"], "1");
  EXPECT_EQ(host.texts["iter"], "12");
  EXPECT_EQ(host.texts["max_epochs"], "5");
  EXPECT_EQ(host.texts["max_iters"], "50");
  host.state.epoch = 2;
  ASSERT_TRUE(host.call("before_train_epoch"));
  EXPECT_EQ(host.texts["epoch"], "2");
  host.state.iter = 20;
  ASSERT_TRUE(host.call("before_train_iter"));
  EXPECT_EQ(host.texts["iter"], "20");
}

TEST(RuntimeInfoHook, WritesOneRateForOneGroup) {
  FakeHost host;
  host.groups = {group(0.005, 0.01)};
  host.config_json = R"({"optim_wrapper": {"optimizer": {"lr": 0.01}}})";
  ASSERT_TRUE(host.load("RuntimeInfoHook"));
  ASSERT_TRUE(host.call("before_train"));
  ASSERT_TRUE(host.call("before_train_iter"));
  EXPECT_THAT(host.scalars["train/lr"], ElementsAre(0.005));
  EXPECT_EQ(host.scalars.count("train/base_lr"), 0u);
}

TEST(RuntimeInfoHook, WritesTheUnmultipliedRateOfSeveralGroups) {
  FakeHost host;
  host.groups = {group(0.001, 0.002), group(0.005, 0.01)};  // the first with a multiplier of 0.2
  host.config_json = R"({"optim_wrapper": {"optimizer": {"lr": 0.01}}})";
  ASSERT_TRUE(host.load("RuntimeInfoHook"));
  ASSERT_TRUE(host.call("before_train"));
  ASSERT_TRUE(host.call("before_train_iter"));
  EXPECT_THAT(host.scalars["train/lr"], ElementsAre(0.001));
  EXPECT_DOUBLE_EQ(host.scalars["train/base_lr"].at(0), 0.005);
}

TEST(RuntimeInfoHook, WritesLossAndPartsEachIteration) {
  FakeHost host;
  host.outputs = {{"loss", FakeTensor::scalar(3)}, {"loss_cls", FakeTensor::scalar(1)}};
  ASSERT_TRUE(host.load("RuntimeInfoHook"));
  ASSERT_TRUE(host.call("after_train_iter"));
  host.outputs[0].second.set(0, 2.5);
  ASSERT_TRUE(host.call("after_train_iter"));
  EXPECT_THAT(host.scalars["train/loss"], ElementsAre(3, 2.5));
  EXPECT_THAT(host.scalars["train/loss_cls"], ElementsAre(1, 1));
}

TEST(RuntimeInfoHook, WritesMetricsUnderTheirLoop) {
  FakeHost host;
  host.metrics = {{"coco/bbox_mAP", 0.5}};
  ASSERT_TRUE(host.load("RuntimeInfoHook"));
  ASSERT_TRUE(host.call("after_val_epoch"));
  host.metrics[0].second = 0.6;
  ASSERT_TRUE(host.call("after_test_epoch"));
  EXPECT_THAT(host.scalars["val/coco/bbox_mAP"], ElementsAre(0.5));
  EXPECT_THAT(host.scalars["test/coco/bbox_mAP"], ElementsAre(0.6));
}

TEST(RuntimeInfoHook, TellsTheLoopThatRuns) {
  FakeHost host;
  ASSERT_TRUE(host.load("RuntimeInfoHook"));
  ASSERT_TRUE(host.call("before_train"));
  EXPECT_EQ(host.texts["loop_stage"], "train");
  ASSERT_TRUE(host.call("before_val"));
  EXPECT_EQ(host.texts["loop_stage"], "val");
  ASSERT_TRUE(host.call("after_val"));
  EXPECT_EQ(host.texts["loop_stage"], "train");
  ASSERT_TRUE(host.call("after_train"));
  EXPECT_EQ(host.texts["loop_stage"], "");
  ASSERT_TRUE(host.call("before_test"));
  EXPECT_EQ(host.texts["loop_stage"], "test");
  ASSERT_TRUE(host.call("after_test"));
  EXPECT_EQ(host.texts["loop_stage"], "");
}

TEST(IterTimerHook, SeparatesWaitingForDataFromTheWholeIteration) {
  FakeHost host;
  ASSERT_TRUE(host.load("IterTimerHook"));
  ASSERT_TRUE(host.call("before_train"));
  ASSERT_TRUE(host.call("before_train_epoch"));
  pause_ms(20);
  ASSERT_TRUE(host.call("before_train_iter"));
  pause_ms(20);
  ASSERT_TRUE(host.call("after_train_iter"));
  const double data = host.scalars["train/data_time"].at(0);
  const double whole = host.scalars["train/time"].at(0);
  EXPECT_GE(data, 0.02);
  EXPECT_GE(whole, data + 0.02);
}

TEST(IterTimerHook, EstimatesFromThisStartsIterationsOnly) {
  FakeHost host;
  host.state.max_iters = 103;
  host.state.iter = 100;  // resumed here
  ASSERT_TRUE(host.load("IterTimerHook"));
  ASSERT_TRUE(host.call("before_train"));
  ASSERT_TRUE(host.call("before_train_epoch"));
  ASSERT_TRUE(host.call("before_train_iter"));
  pause_ms(20);
  ASSERT_TRUE(host.call("after_train_iter"));
  const double one = host.scalars["train/time"].at(0);
  EXPECT_NEAR(std::stod(host.texts["eta"]), 2 * one, 1e-5);
  host.state.iter = 102;
  ASSERT_TRUE(host.call("after_train_iter"));
  EXPECT_EQ(std::stod(host.texts["eta"]), 0);
}

TEST(IterTimerHook, EstimatesAnEvaluationByItsLength) {
  for (const std::string mode : {"val", "test"}) {
    FakeHost host;
    host.state.val_epoch_length = host.state.test_epoch_length = 5;
    ASSERT_TRUE(host.load("IterTimerHook"));
    ASSERT_TRUE(host.call("before_" + mode + "_epoch"));
    host.state.batch_idx = 0;
    ASSERT_TRUE(host.call("before_" + mode + "_iter"));
    pause_ms(5);
    ASSERT_TRUE(host.call("after_" + mode + "_iter"));
    EXPECT_EQ(host.scalars[mode + "/data_time"].size(), 1u);
    EXPECT_NEAR(std::stod(host.texts["eta"]), 4 * host.scalars[mode + "/time"].at(0), 1e-5);
    host.state.batch_idx = 4;
    ASSERT_TRUE(host.call("after_" + mode + "_iter"));
    EXPECT_EQ(std::stod(host.texts["eta"]), 0);
    // The next evaluation counts from nothing.
    ASSERT_TRUE(host.call("before_" + mode + "_epoch"));
    host.state.batch_idx = 0;
    ASSERT_TRUE(host.call("after_" + mode + "_iter"));
    EXPECT_NEAR(std::stod(host.texts["eta"]), 4 * host.scalars[mode + "/time"].back(), 1e-5);
  }
}

TEST(IterTimerHook, DoesNotTakeAValidationForWaiting) {
  FakeHost host;
  host.state.by_epoch = 0;
  ASSERT_TRUE(host.load("IterTimerHook"));
  ASSERT_TRUE(host.call("before_train"));
  ASSERT_TRUE(host.call("after_train_iter"));
  ASSERT_TRUE(host.call("before_val_epoch"));
  pause_ms(200);
  ASSERT_TRUE(host.call("after_val"));
  ASSERT_TRUE(host.call("before_train_iter"));
  EXPECT_LT(host.scalars["train/data_time"].at(0), 0.2);
}

TEST(DistSamplerSeedHook, TellsTheTrainSamplerItsEpoch) {
  FakeHost host;
  host.datasets[GRAPNEL_MODE_TRAIN] = FakeDataset();
  host.datasets[GRAPNEL_MODE_VAL] = FakeDataset();
  host.state.max_epochs = 9;
  ASSERT_TRUE(host.load("DistSamplerSeedHook"));
  EXPECT_EQ(host.plugin().default_priority, GRAPNEL_PRIORITY_NORMAL);
  host.state.epoch = 4;
  ASSERT_TRUE(host.call("before_train_epoch"));
  EXPECT_EQ(host.datasets[GRAPNEL_MODE_TRAIN].epoch, 4);
  EXPECT_EQ(host.datasets[GRAPNEL_MODE_TRAIN].max_epochs, 9);
  EXPECT_EQ(host.datasets[GRAPNEL_MODE_VAL].epoch, -1);
}

TEST(DistSamplerSeedHook, LeavesAnIterBasedLoopAlone) {
  FakeHost host;
  host.datasets[GRAPNEL_MODE_TRAIN] = FakeDataset();
  host.state.by_epoch = 0;
  ASSERT_TRUE(host.load("DistSamplerSeedHook"));
  ASSERT_TRUE(host.call("before_train_epoch"));
  EXPECT_EQ(host.datasets[GRAPNEL_MODE_TRAIN].epoch, -1);
}

TEST(DistSamplerSeedHook, PassesOnTheHostsRefusal) {
  FakeHost host;  // no train data
  ASSERT_TRUE(host.load("DistSamplerSeedHook"));
  EXPECT_EQ(host.call("before_train_epoch").status, GRAPNEL_STATUS_NOT_FOUND);
}
