// CheckInvalidLossHook: when it looks, what it names, what it keeps out of a checkpoint.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <limits>

#include "shipped_hook.hpp"

using grapnel::testing::CallResult;
using grapnel::testing::ShippedHookHost;
using grapnel::testing::PlainTensor;
using grapnel::testing::InMemoryGroup;
using ::testing::HasSubstr;

namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

// A step that gave these losses, in a model with one parameter and one buffer.
void prepare(ShippedHookHost& host) {
  host.outputs = {{"loss", PlainTensor::scalar(3.0f)},
                  {"loss_bbox", PlainTensor::scalar(1.0f)},
                  {"loss_cls", PlainTensor::scalar(2.0f)}};
  host.modules = {{"", "YOLOX", false, false, {}}};
  host.parameters = {{"head.weight", PlainTensor::floats({1, 2, 3, 4}, {2, 2}), 0, true}};
  host.buffers = {{"bn.running_mean", PlainTensor::floats({0, 0}), 0, false}};
  host.state.train_epoch_length = 100;
  host.state.max_iters = 1000;
}

CallResult run_iterations(ShippedHookHost& host, int count) {
  CallResult result;
  for (int i = 0; i < count && result.ok(); ++i) result = host.train_iteration();
  return result;
}

TEST(CheckInvalidLoss, LooksAtEveryFiftiethIterationByDefault) {
  ShippedHookHost host;
  prepare(host);
  ASSERT_TRUE(host.load("CheckInvalidLossHook"));
  host.outputs[2].second = PlainTensor::scalar(kNan);
  EXPECT_TRUE(run_iterations(host, 49));
  EXPECT_EQ(host.value_reads, 0u) << "a loss was read between two checks";
  EXPECT_FALSE(host.train_iteration());
}

TEST(CheckInvalidLoss, IntervalSetsTheIterationsBetweenTwoLooks) {
  ShippedHookHost host;
  prepare(host);
  ASSERT_TRUE(host.load("CheckInvalidLossHook", {{"interval", "3"}}));
  EXPECT_TRUE(run_iterations(host, 6));
  EXPECT_GT(host.value_reads, 0u);
  host.outputs[0].second = PlainTensor::scalar(kInf);
  EXPECT_TRUE(run_iterations(host, 2));
  EXPECT_FALSE(host.train_iteration());
}

TEST(CheckInvalidLoss, RefusesAnIntervalBelowOne) {
  ShippedHookHost host;
  const CallResult result = host.load("CheckInvalidLossHook", {{"interval", "0"}});
  EXPECT_FALSE(result);
  EXPECT_THAT(result.message, HasSubstr("interval"));
}

TEST(CheckInvalidLoss, NamesThePartThatWentBadBeforeTheTotalAndTheIteration) {
  ShippedHookHost host;
  prepare(host);
  ASSERT_TRUE(host.load("CheckInvalidLossHook", {{"interval", "1"}}));
  host.state.iter = 122;
  host.state.epoch = 1;
  host.outputs[0].second = PlainTensor::scalar(kNan);
  host.outputs[2].second = PlainTensor::scalar(-kInf);
  const CallResult result = host.call("after_train_iter");
  EXPECT_EQ(result.status, GRAPNEL_STATUS_FAILED);
  EXPECT_THAT(result.message, HasSubstr("loss_cls is -inf, loss is nan at iteration 123, epoch 2"));
}

TEST(CheckInvalidLoss, LeavesAGoodCheckpointAlone) {
  ShippedHookHost host;
  prepare(host);
  ASSERT_TRUE(host.load("CheckInvalidLossHook"));
  run_iterations(host, 5);
  EXPECT_TRUE(host.call("before_save_checkpoint"));
  EXPECT_TRUE(host.call("after_save_checkpoint"));
  EXPECT_TRUE(host.requests.vetoes.empty());
}

TEST(CheckInvalidLoss, VetoesACheckpointWithABadLossBetweenTwoChecksAndFailsAtTheNextPoint) {
  for (const char* next : {"after_save_checkpoint", "after_train_iter", "before_train_epoch",
                           "before_val_epoch", "after_train", "after_run"}) {
    ShippedHookHost host;
    prepare(host);
    ASSERT_TRUE(host.load("CheckInvalidLossHook"));
    run_iterations(host, 7);
    host.outputs[1].second = PlainTensor::scalar(kNan);
    EXPECT_TRUE(host.call("before_save_checkpoint", "/work/epoch_1.pth")) << "a veto is no error";
    ASSERT_EQ(host.requests.vetoes.size(), 1u);
    EXPECT_EQ(host.requests.vetoes[0], "loss_bbox is nan after iteration 7");
    const CallResult result = host.call(next);
    EXPECT_FALSE(result) << next;
    EXPECT_THAT(result.message, HasSubstr("loss_bbox is nan"));
    EXPECT_THAT(result.message, HasSubstr("/work/epoch_1.pth"));
    EXPECT_TRUE(host.call("after_run")) << "one failure is told once";
  }
}

TEST(CheckInvalidLoss, VetoesACheckpointWithBadWeightsNamingThem) {
  ShippedHookHost host;
  prepare(host);
  ASSERT_TRUE(host.load("CheckInvalidLossHook"));
  host.parameters[0].tensor = PlainTensor::floats({1, 2, kNan, kInf}, {2, 2}).column_major(3);
  host.buffers[0].tensor.set(1, kInf);
  EXPECT_TRUE(host.call("before_save_checkpoint"));
  ASSERT_EQ(host.requests.vetoes.size(), 1u);
  EXPECT_EQ(host.requests.vetoes[0],
            "parameter head.weight holds 2 values that are not finite (and 1 more tensors)");
  EXPECT_FALSE(host.call("after_save_checkpoint"));
}

TEST(CheckInvalidLoss, VetoesACheckpointWithABadBuffer) {
  ShippedHookHost host;
  prepare(host);
  ASSERT_TRUE(host.load("CheckInvalidLossHook"));
  host.buffers[0].tensor.set(0, kNan);
  EXPECT_TRUE(host.call("before_save_checkpoint"));
  ASSERT_EQ(host.requests.vetoes.size(), 1u);
  EXPECT_THAT(host.requests.vetoes[0], HasSubstr("buffer bn.running_mean holds 1 value"));
}

TEST(CheckInvalidLoss, AllRanksFailTogetherWhenOneIsBad) {
  const InMemoryGroup group(2);
  const auto rank_result = [&group](int rank) {
    ShippedHookHost host;
    prepare(host);
    host.collectives = group.member(rank);
    EXPECT_TRUE(host.load("CheckInvalidLossHook", {{"interval", "2"}}));
    EXPECT_TRUE(host.train_iteration());
    if (rank == 1) host.outputs[1].second = PlainTensor::scalar(kNan);
    return host.train_iteration();
  };
  auto other = std::async(std::launch::async, rank_result, 1);
  const CallResult first = rank_result(0);
  const CallResult second = other.get();
  EXPECT_FALSE(first);
  EXPECT_THAT(first.message, HasSubstr("rank 1"));
  EXPECT_FALSE(second);
  EXPECT_THAT(second.message, HasSubstr("loss_bbox is nan on rank 1"));
}

TEST(CheckInvalidLoss, AllRanksVetoTogetherWhenOneIsBad) {
  const InMemoryGroup group(2);
  const auto vetoes_of = [&group](int rank) {
    ShippedHookHost host;
    prepare(host);
    host.collectives = group.member(rank);
    EXPECT_TRUE(host.load("CheckInvalidLossHook"));
    if (rank == 0) host.parameters[0].tensor.set(0, kNan);
    EXPECT_TRUE(host.call("before_save_checkpoint"));
    EXPECT_FALSE(host.call("after_save_checkpoint"));
    return host.requests.vetoes.size();
  };
  auto other = std::async(std::launch::async, vetoes_of, 1);
  EXPECT_EQ(vetoes_of(0), 1u);
  EXPECT_EQ(other.get(), 1u);
}

}  // namespace
