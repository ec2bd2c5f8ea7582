// SyncNormHook and SyncRandomSizeHook: options, points and failures alone, and two ranks that meet in memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "sync_scenarios.hpp"

using ::testing::HasSubstr;
using namespace grapnel::testing;

namespace {

using Size = std::pair<int64_t, int64_t>;

TEST(SyncNorm, AveragesNormLayersAndNothingElseOverTwoRanks) {
  const InMemoryGroup group(2);
  on_two_ranks([&](int32_t rank) { return group.member(rank); }, expect_norms_averaged);
}

TEST(SyncNorm, DoesNothingInOneProcessAndSaysSoOnce) {
  ShippedHookHost host;
  make_norm_model(host, 1);
  ASSERT_TRUE(host.load("SyncNormHook"));
  EXPECT_TRUE(host.call("before_val_epoch"));
  EXPECT_TRUE(host.call("before_val_epoch"));
  EXPECT_EQ(host.collective_calls, 0);
  EXPECT_EQ(host.parameters[2].tensor.values(), (std::vector<double>{10}));
  EXPECT_EQ(host.log.size(), 1u);
}

TEST(SyncNorm, DoesNothingWithoutNormLayersOrWithSynchronisedOnesOnly) {
  const InMemoryGroup group(2);
  for (const bool keep_synchronised : {false, true}) {
    ShippedHookHost host;
    host.collectives = group.member(0);  // the peer never comes: a call would fail
    make_norm_model(host, 0);
    host.modules[2].is_norm = false;
    host.modules[3].is_norm = keep_synchronised;
    ASSERT_TRUE(host.load("SyncNormHook"));
    EXPECT_TRUE(host.call("before_val_epoch"));
    EXPECT_EQ(host.collective_calls, 0);
  }
}

TEST(SyncNorm, SubscribesToBeforeValEpochOnlyAndHasNoOptions) {
  ShippedHookHost host;
  ASSERT_TRUE(host.load("SyncNormHook"));
  EXPECT_TRUE(host.subscribed("before_val_epoch"));
  EXPECT_FALSE(host.subscribed("after_train_epoch"));
  EXPECT_FALSE(host.load("SyncNormHook", {{"interval", "1"}}));
}

TEST(SyncNorm, FailsWithTheGroupsReasonWhenAPeerIsGone) {
  class Broken : public InMemoryCollectives {
   public:
    int32_t world_size() const override { return 2; }
    void all_reduce(grapnel_tensor&, int32_t) override { throw std::runtime_error("rank 1 is gone"); }
  };
  ShippedHookHost host;
  host.collectives = std::make_shared<Broken>();
  make_norm_model(host, 0);
  ASSERT_TRUE(host.load("SyncNormHook"));
  const CallResult result = host.call("before_val_epoch");
  EXPECT_EQ(result.status, GRAPNEL_STATUS_IO);
  EXPECT_THAT(result.message, HasSubstr("rank 1 is gone"));
}

TEST(SyncRandomSize, GivesAllRanksRankZerosSize) {
  const InMemoryGroup group(2);
  expect_sizes_agree([&](int32_t rank) { return group.member(rank); });
}

TEST(SyncRandomSize, DrawsTheWholeRangeWithTheAspectOfImgScale) {
  ShippedHookHost host;
  std::set<Size> seen;
  for (const Size& size : draw_sizes(host, 0, 400)) {
    const int64_t factor = size.first / 32;
    EXPECT_GE(factor, 14);
    EXPECT_LE(factor, 26);
    EXPECT_EQ(size, Size(32 * factor, 32 * (factor * 640 / 480)));
    seen.insert(size);
  }
  EXPECT_EQ(seen.size(), 13u) << "14 to 26, both included";
  EXPECT_EQ(host.image_size_changes, 400);
}

TEST(SyncRandomSize, RatioRangeOfOneValueFixesTheSize) {
  ShippedHookHost host;
  ASSERT_TRUE(host.load("SyncRandomSizeHook", {{"ratio_range", "[5, 5]"}, {"img_scale", "[160, 320]"}}));
  EXPECT_TRUE(host.call("after_train_epoch"));
  EXPECT_EQ(*host.image_size, Size(160, 320));
  EXPECT_EQ(host.log_lines("160 x 320 px").size(), 1u);
}

TEST(SyncRandomSize, AVeryFlatImageKeepsAtLeast32Pixels) {
  ShippedHookHost host;
  ASSERT_TRUE(host.load("SyncRandomSizeHook", {{"ratio_range", "[5, 5]"}, {"img_scale", "[1000, 10]"}}));
  EXPECT_TRUE(host.call("after_train_epoch"));
  EXPECT_EQ(*host.image_size, Size(160, 32));
}

// At which epochs (or iterations), counted from 1, a new size was set.
std::vector<int64_t> changes(const Options& options, const char* point, int64_t grapnel_run_state::*counter) {
  ShippedHookHost host;
  EXPECT_TRUE(host.load("SyncRandomSizeHook", options));
  EXPECT_TRUE(host.call("before_train"));
  std::vector<int64_t> at;
  for (host.state.*counter = 0; host.state.*counter < 10; ++(host.state.*counter)) {
    const int before = host.image_size_changes;
    EXPECT_TRUE(host.call(point));
    if (host.image_size_changes > before) at.push_back(host.state.*counter + 1);
  }
  return at;
}

TEST(SyncRandomSize, IntervalCountsEpochsOrIterations) {
  using Times = std::vector<int64_t>;
  EXPECT_EQ(changes({{"interval", "4"}}, "after_train_epoch", &grapnel_run_state::epoch), (Times{4, 8}));
  EXPECT_EQ(changes({{"interval", "4"}}, "after_train_iter", &grapnel_run_state::iter), Times{});
  const Options by_iter = {{"interval", "5"}, {"by_epoch", "false"}};
  EXPECT_EQ(changes(by_iter, "after_train_iter", &grapnel_run_state::iter), (Times{5, 10}));
  EXPECT_EQ(changes(by_iter, "after_train_epoch", &grapnel_run_state::epoch), Times{});
}

// The size in force at each of 30 iterations of 6 in an epoch, from `first` on, as a fresh hook sees them.
std::vector<Size> sizes_from(int64_t first, const Options& options) {
  ShippedHookHost host;
  host.state.seed = 3;
  host.state.train_epoch_length = 6;
  host.state.iter = first;
  host.state.epoch = first / 6;
  host.state.batch_idx = first % 6;
  EXPECT_TRUE(host.load("SyncRandomSizeHook", options));
  EXPECT_TRUE(host.call("before_train"));
  std::vector<Size> sizes;
  while (host.state.iter < 30) {
    sizes.push_back(*host.image_size);
    EXPECT_TRUE(host.call("after_train_iter"));
    ++host.state.iter;
    if (++host.state.batch_idx == 6) {
      EXPECT_TRUE(host.call("after_train_epoch"));
      host.state.batch_idx = 0;
      ++host.state.epoch;
    }
  }
  return sizes;
}

TEST(SyncRandomSize, ARunResumedAnywhereHasTheSizesOfTheUndisturbedOne) {
  for (const Options& options :
       {Options{{"interval", "2"}}, Options{{"interval", "4"}, {"by_epoch", "false"}}}) {
    const std::vector<Size> undisturbed = sizes_from(0, options);
    EXPECT_GT(std::set<Size>(undisturbed.begin(), undisturbed.end()).size(), 2u);
    for (int64_t first = 0; first < 30; ++first) {
      EXPECT_EQ(sizes_from(first, options), std::vector<Size>(undisturbed.begin() + first, undisturbed.end()))
          << first;
    }
  }
}

TEST(SyncRandomSize, FailsWhereTheTaskHasNoImageSize) {
  ShippedHookHost host;
  host.image_size.reset();
  ASSERT_TRUE(host.load("SyncRandomSizeHook"));
  const CallResult result = host.call("after_train_epoch");
  EXPECT_EQ(result.status, GRAPNEL_STATUS_UNSUPPORTED);
  EXPECT_THAT(result.message, HasSubstr("no image size"));
}

TEST(SyncRandomSize, RefusesWrongOptions) {
  for (const auto& [option, value] :
       std::vector<std::pair<std::string, std::string>>{{"ratio_range", "[26, 14]"},
                                                        {"ratio_range", "[0, 3]"},
                                                        {"ratio_range", "[14]"},
                                                        {"img_scale", "[640]"},
                                                        {"img_scale", "[0, 640]"},
                                                        {"interval", "0"},
                                                        {"by_epoch", "1"}}) {
    const CallResult result = ShippedHookHost().load("SyncRandomSizeHook", {{option, value}});
    EXPECT_EQ(result.status, GRAPNEL_STATUS_INVALID_ARGUMENT) << option << " = " << value;
    EXPECT_THAT(result.message, HasSubstr(option));
  }
}

}  // namespace
