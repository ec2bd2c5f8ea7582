#include "core/philox.hpp"

#include <gtest/gtest.h>

#include <set>
#include <stdexcept>

namespace grapnel {
namespace {

// Known answers published with Random123 (kat_vectors, philox4x32 10 rounds).
TEST(Philox, GivesThePublishedAnswers) {
  using Block = std::array<uint32_t, 4>;
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}), (Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  constexpr uint32_t ones = 0xffffffff;
  EXPECT_EQ(philox4x32({ones, ones, ones, ones}, {ones, ones}),
            (Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(CounterRng, DependsOnEachPartOfItsKey) {
  using Purpose = CounterRng::Purpose;
  std::set<uint32_t> firsts;
  for (const auto& rng : {CounterRng(1, 2, 3, Purpose::kPipeline), CounterRng(2, 2, 3, Purpose::kPipeline),
                          CounterRng(1, 3, 3, Purpose::kPipeline), CounterRng(1, 2, 4, Purpose::kPipeline),
                          CounterRng(1, 2, 3, Purpose::kSampler),
                          CounterRng(1, 2, 3 + (int64_t{1} << 32), Purpose::kPipeline)}) {
    firsts.insert(CounterRng(rng).next_u32());
  }
  EXPECT_EQ(firsts.size(), 6u);
}

TEST(CounterRng, StaysInsideItsRanges) {
  CounterRng rng(5, 0, 0, CounterRng::Purpose::kTest);
  int counts[6] = {};
  double sum = 0;
  for (int i = 0; i < 60000; ++i) {
    const double u = rng.uniform();
    ASSERT_GE(u, 0.0);
    ASSERT_LT(u, 1.0);
    sum += u;
    const int64_t die = rng.integer(-2, 3);
    ASSERT_GE(die, -2);
    ASSERT_LE(die, 3);
    ++counts[die + 2];
  }
  EXPECT_NEAR(sum / 60000, 0.5, 0.01);
  for (const int count : counts) EXPECT_NEAR(count, 10000, 500);
}

TEST(CounterRng, DrawsNormalsOfUnitVariance) {
  CounterRng rng(6, 0, 0, CounterRng::Purpose::kTest);
  double sum = 0, squares = 0;
  for (int i = 0; i < 50000; ++i) {
    const double x = rng.normal();
    sum += x;
    squares += x * x;
  }
  EXPECT_NEAR(sum / 50000, 0.0, 0.03);
  EXPECT_NEAR(squares / 50000, 1.0, 0.05);
}

TEST(CounterRng, GivesTheSameStreamEveryTime) {
  CounterRng first(7, 1, 2, CounterRng::Purpose::kScene);
  CounterRng second(7, 1, 2, CounterRng::Purpose::kScene);
  for (int i = 0; i < 100; ++i) ASSERT_EQ(first.next_u32(), second.next_u32());
}

// The documented counter layout: other programs can reproduce a draw, and no later change may move it.
TEST(CounterRng, StartsAtTheDocumentedCounter) {
  const int64_t position = (int64_t{0xABC} << 32) | 0x12345678, epoch = (int64_t{0xDEF} << 32) | 5;
  CounterRng rng(0x1122334455667788, epoch, position, CounterRng::Purpose::kPipeline);
  for (uint32_t block = 0; block < 3; ++block) {
    const auto expected = philox4x32({block, 0x12345678, 5, 0xDEFABC02}, {0x55667788, 0x11223344});
    for (const uint32_t word : expected) ASSERT_EQ(rng.next_u32(), word);
  }
}

TEST(CounterRng, DrawsFromTheWidestAndTheNarrowestRange) {
  CounterRng rng(8, 0, -1, CounterRng::Purpose::kTest);
  bool below = false, above = false;
  for (int i = 0; i < 100; ++i) {
    const int64_t wide = rng.integer(INT64_MIN, INT64_MAX);
    (wide < 0 ? below : above) = true;
    ASSERT_EQ(rng.integer(INT64_MIN, INT64_MIN), INT64_MIN);
    ASSERT_GE(rng.integer(INT64_MIN + 1, INT64_MAX), INT64_MIN + 1);
  }
  EXPECT_TRUE(below && above);
  EXPECT_THROW(rng.integer(1, 0), std::invalid_argument);
}

// A plain remainder of 64 bits would give the lowest third of this range half of all draws.
TEST(CounterRng, HasNoModuloBias) {
  constexpr int64_t quarter = int64_t{1} << 62;
  CounterRng rng(9, 0, 0, CounterRng::Purpose::kTest);
  int lowest_third = 0;
  for (int i = 0; i < 30000; ++i) lowest_third += rng.integer(INT64_MIN, quarter - 1) < -quarter;
  EXPECT_NEAR(lowest_third, 10000, 500);
}

}  // namespace
}  // namespace grapnel
