#include "core/philox.hpp"

#include <gtest/gtest.h>

#include <set>

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
                          CounterRng(1, 2, 3, Purpose::kSampler), CounterRng(1, 2, 3 + (int64_t{1} << 32), Purpose::kPipeline)}) {
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

}  // namespace
}  // namespace grapnel
