// NumClassCheckHook: which modules it compares with which dataset, and what its messages name.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "shipped_hook.hpp"

using grapnel::testing::CallResult;
using grapnel::testing::ModuleAttribute;
using grapnel::testing::InMemoryDataset;
using grapnel::testing::ShippedHookHost;
using ::testing::HasSubstr;

namespace {

InMemoryDataset two_classes(const std::string& config_key, const std::string& ann_file) {
  InMemoryDataset dataset;
  dataset.classes = {"shirt", "bag"};
  dataset.label_min = 0;
  dataset.label_max = 1;
  dataset.ann_file = ann_file;
  dataset.config_key = config_key;
  return dataset;
}

void prepare(ShippedHookHost& host, int64_t num_classes) {
  host.modules = {{"", "YOLOX", false, false, {}},
                  {"backbone", "CSPDarknet", false, false, {ModuleAttribute::boolean("frozen", false)}},
                  {"head",
                   "YOLOXHead",
                   false,
                   false,
                   {ModuleAttribute::boolean("use_l1", false),
                    ModuleAttribute::integer_value("num_classes", num_classes, false)}}};
  host.datasets[GRAPNEL_MODE_TRAIN] = two_classes("train_dataloader.dataset", "data/train.json");
  host.datasets[GRAPNEL_MODE_VAL] = two_classes("val_dataloader.dataset", "data/val.json");
}

TEST(NumClassCheck, AgreesAtTrainAndValidationEpochsAndSaysSoOnce) {
  ShippedHookHost host;
  prepare(host, 2);
  ASSERT_TRUE(host.load("NumClassCheckHook"));
  for (int epoch = 0; epoch < 3; ++epoch) {
    EXPECT_TRUE(host.call("before_train_epoch"));
    EXPECT_TRUE(host.call("before_val_epoch"));
  }
  EXPECT_EQ(host.log_lines("train_dataloader.dataset: 2 classes").size(), 1u);
  EXPECT_EQ(host.log_lines("val_dataloader.dataset: 2 classes").size(), 1u);
}

TEST(NumClassCheck, NamesModuleKeyBothNumbersAndFile) {
  ShippedHookHost host;
  prepare(host, 80);
  ASSERT_TRUE(host.load("NumClassCheckHook"));
  const CallResult train = host.call("before_train_epoch");
  EXPECT_FALSE(train);
  for (const char* part : {"'head'", "YOLOXHead", "num_classes = 80", "train_dataloader.dataset", "2 classes",
                           "data/train.json"}) {
    EXPECT_THAT(train.message, HasSubstr(part));
  }
  const CallResult val = host.call("before_val_epoch");
  EXPECT_FALSE(val);
  EXPECT_THAT(val.message, HasSubstr("val_dataloader.dataset"));
  EXPECT_THAT(val.message, HasSubstr("data/val.json"));
}

TEST(NumClassCheck, LooksAgainAtEveryEpoch) {
  ShippedHookHost host;
  prepare(host, 2);
  ASSERT_TRUE(host.load("NumClassCheckHook"));
  EXPECT_TRUE(host.call("before_train_epoch"));
  host.modules[2].attributes[1].integer = 3;
  EXPECT_FALSE(host.call("before_train_epoch"));
}

TEST(NumClassCheck, LetsAnRpnHeadHaveItsOwnNumber) {
  ShippedHookHost host;
  prepare(host, 2);
  host.modules.push_back(
      {"rpn_head", "RPNHead", false, false, {ModuleAttribute::integer_value("num_classes", 1)}});
  ASSERT_TRUE(host.load("NumClassCheckHook"));
  EXPECT_TRUE(host.call("before_train_epoch"));
}

TEST(NumClassCheck, ComparesEveryModuleThatHasTheNumber) {
  ShippedHookHost host;
  prepare(host, 2);
  host.modules.push_back(
      {"mask_head", "MaskHead", false, false, {ModuleAttribute::integer_value("num_classes", 5)}});
  ASSERT_TRUE(host.load("NumClassCheckHook"));
  const CallResult result = host.call("before_train_epoch");
  EXPECT_FALSE(result);
  EXPECT_THAT(result.message, HasSubstr("'mask_head'"));
}

TEST(NumClassCheck, WarnsOnceWhenTheDatasetDeclaresNoClasses) {
  ShippedHookHost host;
  prepare(host, 2);
  host.datasets[GRAPNEL_MODE_TRAIN].classes.clear();
  ASSERT_TRUE(host.load("NumClassCheckHook"));
  EXPECT_TRUE(host.call("before_train_epoch"));
  EXPECT_TRUE(host.call("before_train_epoch"));
  const auto warnings = host.log_lines("declares no classes", GRAPNEL_LOG_WARNING);
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_THAT(warnings[0].text, HasSubstr("train_dataloader.dataset"));
}

TEST(NumClassCheck, RefusesClassesGivenAsOneString) {
  ShippedHookHost host;
  prepare(host, 1);
  host.datasets[GRAPNEL_MODE_VAL].classes = {"person"};
  host.datasets[GRAPNEL_MODE_VAL].classes_given_as_string = true;
  ASSERT_TRUE(host.load("NumClassCheckHook"));
  const CallResult result = host.call("before_val_epoch");
  EXPECT_FALSE(result);
  EXPECT_THAT(result.message, HasSubstr("classes = [\"person\"]"));
}

TEST(NumClassCheck, RefusesLabelsOutsideTheClasses) {
  for (const auto& [low, high] : {std::pair<int64_t, int64_t>{0, 2}, {-1, 1}}) {
    ShippedHookHost host;
    prepare(host, 2);
    host.datasets[GRAPNEL_MODE_TRAIN].label_min = low;
    host.datasets[GRAPNEL_MODE_TRAIN].label_max = high;
    ASSERT_TRUE(host.load("NumClassCheckHook"));
    const CallResult result = host.call("before_train_epoch");
    EXPECT_FALSE(result) << low << " to " << high;
    EXPECT_THAT(result.message,
                HasSubstr("labels from " + std::to_string(low) + " to " + std::to_string(high)));
    EXPECT_THAT(result.message, HasSubstr("data/train.json"));
  }
}

TEST(NumClassCheck, TakesADatasetWithoutLabels) {
  ShippedHookHost host;
  prepare(host, 2);
  host.datasets[GRAPNEL_MODE_TRAIN].label_min = 0;
  host.datasets[GRAPNEL_MODE_TRAIN].label_max = -1;
  ASSERT_TRUE(host.load("NumClassCheckHook"));
  EXPECT_TRUE(host.call("before_train_epoch"));
}

TEST(NumClassCheck, HasNoOptions) {
  ShippedHookHost host;
  EXPECT_FALSE(host.load("NumClassCheckHook", {{"interval", "1"}}));
}

}  // namespace
