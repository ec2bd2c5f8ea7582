#include "runner/sampler.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace grapnel::runner {
namespace {

using ::testing::ElementsAre;

std::vector<int64_t> counted(int64_t size) {
  std::vector<int64_t> numbers(static_cast<size_t>(size));
  std::iota(numbers.begin(), numbers.end(), int64_t{0});
  return numbers;
}

TEST(Sampler, WithoutShuffleKeepsTheDatasetsOrder) { EXPECT_EQ(Sampler(7, false, 3).order(4), counted(7)); }

TEST(Sampler, ShuffledPassesAreDifferentPermutations) {
  const Sampler sampler(1000, true, 3);
  auto first = sampler.order(0);
  EXPECT_NE(first, sampler.order(1));
  EXPECT_NE(first, counted(1000));
  std::sort(first.begin(), first.end());
  EXPECT_EQ(first, counted(1000));
}

TEST(Sampler, APassDependsOnSeedAndNumberAlone) {
  Sampler sampler(50, true, 3);
  const auto fifth = sampler.order(5);
  sampler.order(0);
  EXPECT_EQ(sampler.order(5), fifth);
  EXPECT_EQ(Sampler(50, true, 3).order(5), fifth);
  EXPECT_NE(Sampler(50, true, 4).order(5), fifth);
  sampler.set_seed(4);
  EXPECT_EQ(sampler.order(5), Sampler(50, true, 4).order(5));
}

// Over many passes each item comes to each place about equally often.
TEST(Sampler, ShuffleIsFair) {
  constexpr int64_t kItems = 5, kPasses = 20000;
  const Sampler sampler(kItems, true, 11);
  std::vector<std::vector<int>> times(kItems, std::vector<int>(kItems));
  for (int64_t pass = 0; pass < kPasses; ++pass) {
    const auto order = sampler.order(pass);
    for (size_t place = 0; place < order.size(); ++place) ++times[place][static_cast<size_t>(order[place])];
  }
  // Six standard deviations of a binomial count.
  const double expected = static_cast<double>(kPasses) / kItems;
  const double tolerance = 6 * std::sqrt(expected * (1 - 1.0 / kItems));
  for (const auto& place : times) {
    for (const int count : place) EXPECT_NEAR(count, expected, tolerance);
  }
}

// MMEngine's DefaultSampler: indices repeated up to a multiple of the world size, then every world_size-th
// one.
TEST(Sampler, CutsAPassOverRanksAsMMEngineDoes) {
  EXPECT_THAT(Sampler(5, false, 0, 0, 2).order(0), ElementsAre(0, 2, 4));
  EXPECT_THAT(Sampler(5, false, 0, 1, 2).order(0), ElementsAre(1, 3, 0));
  EXPECT_THAT(Sampler(1, false, 0, 2, 3).order(0), ElementsAre(0));
  const auto whole = Sampler(9, true, 2).order(6);
  for (const int rank : {0, 1, 2}) {
    const Sampler mine(9, true, 2, rank, 3);
    EXPECT_EQ(mine.size(), 3);
    const auto order = mine.order(6);
    for (int64_t i = 0; i < 3; ++i) {
      EXPECT_EQ(order[static_cast<size_t>(i)], whole[static_cast<size_t>(mine.position(i))]);
    }
  }
}

}  // namespace
}  // namespace grapnel::runner
