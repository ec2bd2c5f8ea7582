// SyncNormHook, SyncBuffersHook, SyncRandomSizeHook and CheckInvalidLossHook over a real Gloo group of two ranks: the runner's
// own collectives, on two threads that meet through a file.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <limits>

#include "runner/collectives.hpp"
#include "sync_scenarios.hpp"

namespace {

using namespace grapnel::testing;
namespace runner = grapnel::runner;

class GlooRank : public InMemoryCollectives {
 public:
  GlooRank(const std::string& path, int32_t rank)
      : gloo_(runner::make_gloo_collectives_over_file(path, rank, 2)) {}
  int32_t rank() const override { return gloo_->rank(); }
  int32_t world_size() const override { return gloo_->world_size(); }
  void all_reduce(grapnel_tensor& view, int32_t operation) override {
    auto tensor = borrow(view);
    gloo_->all_reduce(tensor, operation == GRAPNEL_REDUCE_SUM    ? runner::ReduceOp::kSum
                              : operation == GRAPNEL_REDUCE_MEAN ? runner::ReduceOp::kMean
                              : operation == GRAPNEL_REDUCE_MIN  ? runner::ReduceOp::kMin
                                                                 : runner::ReduceOp::kMax);
  }
  void broadcast(grapnel_tensor& view, int32_t root) override {
    auto tensor = borrow(view);
    gloo_->broadcast(tensor, root);
  }
  void barrier() override { gloo_->barrier(); }

 private:
  static torch::Tensor borrow(const grapnel_tensor& view) {
    const bool is_float = view.dtype.code == GRAPNEL_DTYPE_FLOAT;
    const auto type = view.dtype.bits == 64 ? (is_float ? torch::kDouble : torch::kLong)
                                            : (is_float ? torch::kFloat : torch::kInt);
    return torch::from_blob(static_cast<char*>(view.data) + view.byte_offset,
                            torch::IntArrayRef(view.shape, static_cast<size_t>(view.ndim)), type);
  }
  std::unique_ptr<runner::Collectives> gloo_;
};

class OverGloo : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/grapnel_gloo_XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  RankFactory ranks() const {
    return [this](int32_t rank) { return std::make_shared<GlooRank>(folder_ + "/meeting", rank); };
  }

 private:
  std::string folder_;
};

TEST_F(OverGloo, SyncNormAveragesNormLayersAndNothingElse) { on_two_ranks(ranks(), expect_norms_averaged); }

TEST_F(OverGloo, SyncBuffersAveragesEveryBuffer) { on_two_ranks(ranks(), expect_buffers_averaged); }

TEST_F(OverGloo, SyncRandomSizeGivesAllRanksRankZerosSize) { expect_sizes_agree(ranks()); }

TEST_F(OverGloo, CheckInvalidLossEndsBothRanksWhenOneIsBad) {
  on_two_ranks(ranks(), [](ShippedHookHost& host, int32_t rank) {
    host.outputs = {{"loss", PlainTensor::scalar(1.0f)}};
    ASSERT_TRUE(host.load("CheckInvalidLossHook", {{"interval", "1"}}));
    EXPECT_TRUE(host.train_iteration());
    if (rank == 1) host.outputs[0].second = PlainTensor::scalar(std::numeric_limits<float>::quiet_NaN());
    const CallResult result = host.train_iteration();
    EXPECT_FALSE(result) << "rank " << rank;
    EXPECT_NE(result.message.find("rank 1"), std::string::npos) << result.message;
  });
}

}  // namespace
