// SyncBuffersHook: what is averaged over two ranks that meet in memory, when, and what happens alone.
#include <gtest/gtest.h>

#include "sync_scenarios.hpp"

using namespace grapnel::testing;

namespace {

TEST(SyncBuffers, AveragesEveryBufferAndNoParameterOverTwoRanks) {
  const InMemoryGroup group(2);
  on_two_ranks([&](int32_t rank) { return group.member(rank); }, expect_buffers_averaged);
}

TEST(SyncBuffers, ValidationRightAfterAnEpochIsNotPrecededByAnotherExchange) {
  const InMemoryGroup group(2);
  on_two_ranks([&](int32_t rank) { return group.member(rank); },
               [](ShippedHookHost& host, int32_t rank) {
                 make_norm_model(host, rank);
                 ASSERT_TRUE(host.load("SyncBuffersHook"));
                 const auto exchanges_at = [&host](const char* point) {
                   const int before = host.collective_calls;
                   EXPECT_TRUE(host.call(point));
                   return host.collective_calls - before;
                 };
                 EXPECT_EQ(exchanges_at("before_val_epoch"), 1) << "a loop that counts iterations";
                 EXPECT_EQ(exchanges_at("before_val_epoch"), 1);
                 EXPECT_EQ(exchanges_at("after_train_epoch"), 1);
                 EXPECT_EQ(exchanges_at("before_val_epoch"), 0);
                 EXPECT_EQ(exchanges_at("after_train_epoch"), 1);
                 EXPECT_EQ(exchanges_at("before_train_epoch"), 0);
                 EXPECT_EQ(exchanges_at("before_val_epoch"), 1) << "training has changed the buffers again";
               });
}

TEST(SyncBuffers, DoesNothingInOneProcessAndSaysSoOnce) {
  ShippedHookHost host;
  make_norm_model(host, 1);
  ASSERT_TRUE(host.load("SyncBuffersHook"));
  EXPECT_TRUE(host.call("after_train_epoch"));
  EXPECT_TRUE(host.call("after_train_epoch"));
  EXPECT_EQ(host.collective_calls, 0);
  EXPECT_EQ(host.buffers[0].tensor.values(), (std::vector<double>{0.5, -1}));
  EXPECT_EQ(host.log.size(), 1u);
}

TEST(SyncBuffers, DoesNothingWithoutBuffers) {
  const InMemoryGroup group(2);
  ShippedHookHost host;
  host.collectives = group.member(0);  // the peer never comes: a call would fail
  make_norm_model(host, 0);
  host.buffers.clear();
  ASSERT_TRUE(host.load("SyncBuffersHook"));
  EXPECT_TRUE(host.call("after_train_epoch"));
  EXPECT_EQ(host.collective_calls, 0);
}

}  // namespace
