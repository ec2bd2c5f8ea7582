// What the synchronising hooks must do with two ranks, whatever carries the collectives: in memory or
// Gloo.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "shipped_hook.hpp"

namespace grapnel::testing {

// Makes the collectives of one rank; called on that rank's own thread, once.
using RankFactory = std::function<std::shared_ptr<InMemoryCollectives>(int32_t rank)>;

// Runs `body` once a rank, each on a thread of its own with a host of its own.
inline void on_two_ranks(const RankFactory& make_rank,
                         const std::function<void(ShippedHookHost&, int32_t rank)>& body) {
  std::vector<std::thread> ranks;
  for (int32_t rank = 0; rank < 2; ++rank) {
    ranks.emplace_back([&, rank] {
      try {
        ShippedHookHost host;
        host.collectives = make_rank(rank);
        body(host, rank);
      } catch (const std::exception& failure) {
        ADD_FAILURE() << "rank " << rank << ": " << failure.what();
      }
    });
  }
  for (std::thread& rank : ranks) rank.join();
}

// A convolution, a batch norm with strided weights and a counter, and a norm layer that synchronises by
// itself; every value differs by rank.
inline void make_norm_model(ShippedHookHost& host, int32_t rank) {
  const float own = static_cast<float>(rank);
  host.modules = {{"", "Net", false, false, {}},
                  {"conv", "Conv2d", false, false, {}},
                  {"bn", "BatchNorm2d", true, false, {}},
                  {"sync_bn", "SyncBatchNorm", true, true, {}}};
  host.parameters = {
      {"conv.weight", PlainTensor::floats({own, 2}), 1, true},
      {"bn.weight", PlainTensor::floats({1 + own, 2, 3, 4, 5, 6 + own}, {2, 3}).column_major(2), 2, true},
      {"bn.bias", PlainTensor::floats({10 * own}), 2, true},
      {"sync_bn.weight", PlainTensor::floats({own}), 3, true}};
  host.buffers = {
      {"bn.running_mean", PlainTensor::floats({0.5f * own, -own}), 2, false},
      {"bn.num_batches_tracked", PlainTensor::integers({(int64_t{1} << 40) + 2 * rank}, {1}), 2, false},
      {"conv.mask", PlainTensor::integers({rank}), 1, false}};
}

inline void expect_norms_averaged(ShippedHookHost& host, int32_t rank) {
  make_norm_model(host, rank);
  ASSERT_TRUE(host.load("SyncNormHook"));
  const CallResult result = host.call("before_val_epoch");
  ASSERT_TRUE(result) << result;
  const double own = rank;
  EXPECT_EQ(host.parameters[1].tensor.values(), (std::vector<double>{1.5, 2, 3, 4, 5, 6.5}));
  EXPECT_EQ(host.parameters[2].tensor.values(), (std::vector<double>{5}));
  EXPECT_EQ(host.buffers[0].tensor.values(), (std::vector<double>{0.25, -0.5}));
  EXPECT_EQ(host.buffers[1].tensor.values(), (std::vector<double>{1099511627777.0}));
  EXPECT_EQ(host.parameters[0].tensor.values(), (std::vector<double>{own, 2})) << "a convolution was changed";
  EXPECT_EQ(host.parameters[3].tensor.values(), (std::vector<double>{own}))
      << "a synchronised layer was changed";
  EXPECT_EQ(host.buffers[2].tensor.values(), (std::vector<double>{own}));
  EXPECT_EQ(host.collective_calls, 1) << "one flat all-reduce is enough";
}

// The same model: here it is the buffers, whoever owns them.
inline void expect_buffers_averaged(ShippedHookHost& host, int32_t rank) {
  make_norm_model(host, rank);
  ASSERT_TRUE(host.load("SyncBuffersHook"));
  const CallResult result = host.call("after_train_epoch");
  ASSERT_TRUE(result) << result;
  const double own = rank;
  EXPECT_EQ(host.buffers[0].tensor.values(), (std::vector<double>{0.25, -0.5}));
  EXPECT_EQ(host.buffers[1].tensor.values(), (std::vector<double>{1099511627777.0}));
  EXPECT_EQ(host.buffers[2].tensor.values(), (std::vector<double>{1})) << "0.5, rounded";
  EXPECT_EQ(host.parameters[2].tensor.values(), (std::vector<double>{10 * own})) << "a parameter was changed";
  EXPECT_EQ(host.collective_calls, 1) << "one flat all-reduce is enough";
}

// Ten epochs of sizes, with seeds that differ by rank: only rank 0's may count.
inline std::vector<std::pair<int64_t, int64_t>> draw_sizes(ShippedHookHost& host, int32_t rank,
                                                           int64_t epochs = 10) {
  host.state.seed = 7 + static_cast<uint64_t>(100 * rank);
  host.state.max_epochs = epochs;
  EXPECT_TRUE(host.load("SyncRandomSizeHook", {{"img_scale", "[480, 640]"}}));
  EXPECT_TRUE(host.call("before_train"));
  std::vector<std::pair<int64_t, int64_t>> sizes;
  for (host.state.epoch = 0; host.state.epoch < epochs; ++host.state.epoch) {
    const CallResult result = host.call("after_train_epoch");
    EXPECT_TRUE(result) << result;
    sizes.push_back(*host.image_size);
  }
  return sizes;
}

inline void expect_sizes_agree(const RankFactory& make_rank) {
  std::vector<std::pair<int64_t, int64_t>> sizes[2];
  on_two_ranks(make_rank, [&](ShippedHookHost& host, int32_t rank) { sizes[rank] = draw_sizes(host, rank); });
  ShippedHookHost alone;
  EXPECT_EQ(sizes[0], draw_sizes(alone, 0));
  EXPECT_EQ(sizes[1], sizes[0]);
  ShippedHookHost other_seed;
  EXPECT_NE(sizes[0], draw_sizes(other_seed, 1)) << "the test would not notice a rank that draws for itself";
}

}  // namespace grapnel::testing
