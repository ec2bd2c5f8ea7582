#include "runner/message_hub.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace grapnel::runner {
namespace {

using ::testing::ElementsAre;

ScalarHistory history_of(std::initializer_list<double> values) {
  ScalarHistory history;
  for (const double value : values) history.update(value);
  return history;
}

TEST(ScalarHistory, StatisticsLookAtTheNewestValuesOfTheWindow) {
  const ScalarHistory history = history_of({8, 1, 5, 3});
  EXPECT_EQ(history.current(), 3);
  EXPECT_EQ(history.mean(2), 4);
  EXPECT_EQ(history.min(2), 3);
  EXPECT_EQ(history.max(2), 5);
  EXPECT_EQ(history.mean(), 4.25);
  EXPECT_EQ(history.min(), 1);
  EXPECT_EQ(history.max(), 8);
}

TEST(ScalarHistory, AWindowLongerThanTheHistoryIsTheWholeHistory) {
  const ScalarHistory history = history_of({2, 4});
  EXPECT_EQ(history.mean(50), 3);
  EXPECT_EQ(history.min(50), 2);
  EXPECT_EQ(history.max(50), 4);
}

TEST(ScalarHistory, OfNothingEverythingIsNaN) {
  const ScalarHistory history;
  for (const double value : {history.current(), history.mean(), history.min(3), history.max(3)}) {
    EXPECT_TRUE(std::isnan(value));
  }
  EXPECT_EQ(history.update_count(), 0u);
}

TEST(ScalarHistory, ANaNInTheWindowShowsInEveryStatistic) {
  const ScalarHistory history = history_of({1, std::numeric_limits<double>::quiet_NaN(), 2});
  for (const double value : {history.mean(), history.min(), history.max()}) EXPECT_TRUE(std::isnan(value));
  for (const double value : {history.mean(1), history.min(1), history.max(1)}) EXPECT_EQ(value, 2);
}

TEST(ScalarHistory, ForgetsTheOldestBeyondItsLimitAndCountsOn) {
  ScalarHistory history;
  const size_t updates = ScalarHistory::kMaxLength + 5;
  for (size_t i = 0; i < updates; ++i) history.update(static_cast<double>(i));
  EXPECT_EQ(history.values().size(), ScalarHistory::kMaxLength);
  EXPECT_EQ(history.min(), 5);
  EXPECT_EQ(history.update_count(), updates);
}

TEST(MessageHub, KeepsScalarsInOrderOfTheirFirstUpdate) {
  MessageHub hub;
  hub.update_scalar("train/lr", 0.1);
  hub.update_scalar("train/loss", 3);
  hub.update_scalar("train/lr", 0.2);
  EXPECT_THAT(hub.scalar_keys(), ElementsAre("train/lr", "train/loss"));
  EXPECT_EQ(hub.scalar("train/lr")->mean(), (0.1 + 0.2) / 2);
  EXPECT_EQ(hub.scalar("train/time"), nullptr);
}

TEST(MessageHub, RestoredScalarsGoOnWhereTheyWere) {
  MessageHub hub;
  hub.update_scalar("old", 1);
  hub.restore_scalar("loss", {1, 2}, 12);
  hub.restore_scalar("old", {5}, 1);
  hub.update_scalar("loss", 6);
  EXPECT_EQ(hub.scalar("loss")->mean(), 3);
  EXPECT_EQ(hub.scalar("loss")->update_count(), 13u);
  EXPECT_THAT(hub.scalar("old")->values(), ElementsAre(5));
  EXPECT_THAT(hub.scalar_keys(), ElementsAre("old", "loss"));
}

TEST(MessageHub, KeepsTexts) {
  MessageHub hub;
  hub.set_text("cfg", "a");
  hub.set_text("cfg", "b");
  EXPECT_EQ(*hub.text("cfg"), "b");
  EXPECT_EQ(hub.text("env"), nullptr);
}

}  // namespace
}  // namespace grapnel::runner
