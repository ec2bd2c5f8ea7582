// EmptyCacheHook: when it acts, and that free memory really leaves the process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <utility>
#include <vector>

#include "shipped_hook.hpp"

using namespace grapnel::testing;

namespace {

int64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  int64_t size = 0, resident = 0;
  statm >> size >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

constexpr int64_t kMegabyte = 1 << 20;

// Leaves about 64 MB free in malloc's arena, below a small block that keeps the arena's end where it is.
std::unique_ptr<char[]> leave_free_memory() {
  constexpr size_t kBlock = 16 << 10;  // below the size from which malloc maps each block by itself
  std::vector<std::unique_ptr<char[]>> blocks(4096);
  for (auto& block : blocks) {
    block.reset(new char[kBlock]);
    for (volatile char* at = block.get(); at < block.get() + kBlock; at += 1024) *at = 1;
  }
  auto last = std::move(blocks.back());
  blocks.pop_back();
  return last;
}

TEST(EmptyCache, GivesMemoryThatIsFreeInTheArenaBackToTheSystem) {
  ShippedHookHost host;
  ASSERT_TRUE(host.load("EmptyCacheHook"));
  const auto last = leave_free_memory();
  const int64_t before = resident_bytes();
  ASSERT_TRUE(host.call("after_train_epoch"));
  EXPECT_LT(resident_bytes(), before - 32 * kMegabyte) << "of " << before;
}

std::vector<std::string> points_with_an_effect(const Options& options) {
  std::vector<std::string> points;
  for (const char* point :
       {"before_train_epoch", "after_train_epoch", "after_train_iter", "before_val_epoch", "after_val_epoch",
        "after_val_iter", "before_test_epoch", "after_test_epoch", "after_test_iter"}) {
    ShippedHookHost host;
    EXPECT_TRUE(host.load("EmptyCacheHook", options));
    EXPECT_TRUE(host.call(point));
    if (!host.log.empty()) points.push_back(point);
  }
  return points;
}

TEST(EmptyCache, ActsWhereItsOptionsSay) {
  using ::testing::ElementsAre;
  EXPECT_THAT(points_with_an_effect({}),
              ElementsAre("after_train_epoch", "after_val_epoch", "after_test_epoch"));
  EXPECT_THAT(points_with_an_effect({{"after_epoch", "false"}, {"before_epoch", "true"}}),
              ElementsAre("before_train_epoch", "before_val_epoch", "before_test_epoch"));
  EXPECT_THAT(points_with_an_effect({{"after_epoch", "false"}, {"after_iter", "true"}}),
              ElementsAre("after_train_iter", "after_val_iter", "after_test_iter"));
}

}  // namespace
