// SetEpochInfoHook and YOLOXModeSwitchHook: what the model and the data are told before an epoch.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "shipped_hook.hpp"

using grapnel::testing::CallResult;
using grapnel::testing::ModuleAttribute;
using grapnel::testing::ShippedHookHost;
using grapnel::testing::Options;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

namespace {

TEST(SetEpochInfo, TellsModelSamplerAndDatasetEachEpoch) {
  ShippedHookHost host;
  host.datasets[GRAPNEL_MODE_TRAIN] = {};
  host.state.max_epochs = 12;
  ASSERT_TRUE(host.load("SetEpochInfoHook"));
  for (const int64_t epoch : {0, 1, 7}) {
    host.state.epoch = epoch;
    EXPECT_TRUE(host.call("before_train_epoch"));
    EXPECT_EQ(host.model_epoch, epoch);
    EXPECT_EQ(host.model_max_epochs, 12);
    EXPECT_EQ(host.datasets[GRAPNEL_MODE_TRAIN].epoch, epoch);
    EXPECT_EQ(host.datasets[GRAPNEL_MODE_TRAIN].max_epochs, 12);
  }
}

TEST(SetEpochInfo, SubscribesToThatPointOnlyAndHasNoOptions) {
  ShippedHookHost host;
  ASSERT_TRUE(host.load("SetEpochInfoHook"));
  EXPECT_TRUE(host.subscribed("before_train_epoch"));
  for (const char* point : {"after_train_epoch", "before_train_iter", "before_val_epoch", "before_run"}) {
    EXPECT_FALSE(host.subscribed(point)) << point;
  }
  EXPECT_FALSE(host.load("SetEpochInfoHook", {{"epoch", "1"}}));
}

TEST(SetEpochInfo, FailsWithTheHostsReason) {
  ShippedHookHost host;  // no training data
  ASSERT_TRUE(host.load("SetEpochInfoHook"));
  const CallResult result = host.call("before_train_epoch");
  EXPECT_EQ(result.status, GRAPNEL_STATUS_NOT_FOUND);
  EXPECT_THAT(result.message, HasSubstr("no data"));
}

// Epochs 0 to max - 1; what each test looks at after before_train_epoch.
void prepare(ShippedHookHost& host) {
  host.state.max_epochs = 20;
  host.modules = {
      {"", "YOLOX", false, false, {}},
      {"head",
       "YOLOXHead",
       false,
       false,
       {ModuleAttribute::integer_value("num_classes", 3), ModuleAttribute::boolean("use_l1", false)}},
      {"aux_head", "YOLOXHead", false, false, {ModuleAttribute::boolean("use_l1", false)}}};
  host.datasets[GRAPNEL_MODE_TRAIN].transforms = {{"Mosaic", false},
                                                  {"RandomAffine", false},
                                                  {"MixUp", false},
                                                  {"YOLOXHSVRandomAug", false},
                                                  {"RandomFlip", false}};
  host.datasets[GRAPNEL_MODE_VAL].transforms = {{"Mosaic", false}};
}

std::vector<std::string> skipped(const ShippedHookHost& host, int32_t mode = GRAPNEL_MODE_TRAIN) {
  std::vector<std::string> types;
  for (const auto& transform : host.datasets.at(mode).transforms) {
    if (transform.is_skipped) types.push_back(transform.type);
  }
  return types;
}

bool l1_is_on(const ShippedHookHost& host) {
  return host.modules[1].attributes[1].integer == 1 && host.modules[2].attributes[0].integer == 1;
}

// The first epoch (0-based) after whose before_train_epoch the L1 loss is on; -1: never.
int64_t switching_epoch(ShippedHookHost& host, int64_t first_epoch = 0) {
  EXPECT_TRUE(host.call("before_train"));
  for (host.state.epoch = first_epoch; host.state.epoch < host.state.max_epochs; ++host.state.epoch) {
    EXPECT_TRUE(host.call("before_train_epoch"));
    EXPECT_EQ(l1_is_on(host), !skipped(host).empty());
    if (l1_is_on(host)) return host.state.epoch;
  }
  return -1;
}

TEST(YOLOXModeSwitch, SwitchesBeforeTheEpochThatUpstreamDoes) {
  ShippedHookHost host;
  prepare(host);
  ASSERT_TRUE(host.load("YOLOXModeSwitchHook"));
  EXPECT_EQ(switching_epoch(host), 4);  // epoch + 1 == 20 - 15
  EXPECT_THAT(skipped(host), ElementsAre("Mosaic", "RandomAffine", "MixUp"));
  EXPECT_TRUE(skipped(host, GRAPNEL_MODE_VAL).empty());
}

TEST(YOLOXModeSwitch, NumLastEpochsMovesTheSwitch) {
  ShippedHookHost host;
  prepare(host);
  ASSERT_TRUE(host.load("YOLOXModeSwitchHook", {{"num_last_epochs", "3"}}));
  EXPECT_EQ(switching_epoch(host), 16);
}

TEST(YOLOXModeSwitch, ARunResumedBeyondTheSwitchSwitchesAtOnce) {
  ShippedHookHost host;
  prepare(host);
  ASSERT_TRUE(host.load("YOLOXModeSwitchHook", {{"num_last_epochs", "5"}}));
  host.state.is_resumed = 1;
  EXPECT_EQ(switching_epoch(host, 17), 17);
}

TEST(YOLOXModeSwitch, SwitchesOnceAndSaysWhatItDid) {
  ShippedHookHost host;
  prepare(host);
  ASSERT_TRUE(host.load("YOLOXModeSwitchHook", {{"num_last_epochs", "5"}}));
  switching_epoch(host);
  EXPECT_EQ(
      host.log_lines(
              "from epoch 15 of 20 on: switched off in the training pipeline: Mosaic, RandomAffine, MixUp")
          .size(),
      1u)
      << host.log_text();
  EXPECT_EQ(host.log_lines("from epoch 15 of 20 on: the L1 loss is on").size(), 1u);
  host.log.clear();
  host.datasets[GRAPNEL_MODE_TRAIN].transforms[0].is_skipped = false;  // a change by someone else stays
  for (host.state.epoch = 15; host.state.epoch < 20; ++host.state.epoch)
    EXPECT_TRUE(host.call("before_train_epoch"));
  EXPECT_TRUE(host.log.empty()) << host.log_text();
  EXPECT_FALSE(host.datasets[GRAPNEL_MODE_TRAIN].transforms[0].is_skipped);
}

TEST(YOLOXModeSwitch, SkipTypeKeysNamesTheTransforms) {
  ShippedHookHost host;
  prepare(host);
  ASSERT_TRUE(host.load("YOLOXModeSwitchHook", {{"skip_type_keys", R"(["RandomFlip", "Albu"])"}}));
  EXPECT_EQ(switching_epoch(host), 4);
  EXPECT_THAT(skipped(host), ElementsAre("RandomFlip"));
}

TEST(YOLOXModeSwitch, NewTrainPipelineReplacesThePipeline) {
  ShippedHookHost host;
  prepare(host);
  const std::string pipeline = R"([{"type": "Resize", "scale": [64, 64]}])";
  ASSERT_TRUE(host.load("YOLOXModeSwitchHook", {{"num_last_epochs", "1"}, {"new_train_pipeline", pipeline}}));
  EXPECT_TRUE(host.call("before_train"));
  for (host.state.epoch = 0; host.state.epoch < 20; ++host.state.epoch) {
    EXPECT_TRUE(host.call("before_train_epoch"));
    EXPECT_EQ(host.datasets[GRAPNEL_MODE_TRAIN].pipeline_json, host.state.epoch < 18 ? "" : pipeline);
    EXPECT_EQ(l1_is_on(host), host.state.epoch >= 18);
  }
  EXPECT_TRUE(skipped(host).empty());
}

TEST(YOLOXModeSwitch, SaysWhenNoModuleHasAnL1Loss) {
  ShippedHookHost host;
  prepare(host);
  host.modules.resize(1);
  host.state.epoch = 19;
  ASSERT_TRUE(host.load("YOLOXModeSwitchHook"));
  EXPECT_TRUE(host.call("before_train_epoch"));
  EXPECT_EQ(host.log_lines("no module has the attribute use_l1").size(), 1u);
}

TEST(YOLOXModeSwitch, RefusesARunThatCountsIterations) {
  ShippedHookHost host;
  prepare(host);
  host.state.by_epoch = 0;
  host.state.max_epochs = 1;
  ASSERT_TRUE(host.load("YOLOXModeSwitchHook"));
  const CallResult result = host.call("before_train");
  EXPECT_FALSE(result);
  EXPECT_THAT(result.message, HasSubstr("EpochBasedTrainLoop"));
}

TEST(YOLOXModeSwitch, RefusesANegativeNumberOfEpochs) {
  ShippedHookHost host;
  EXPECT_FALSE(host.load("YOLOXModeSwitchHook", {{"num_last_epochs", "-1"}}));
}

}  // namespace
