#include "runner/collectives.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <functional>
#include <thread>
#include <vector>

#include "../core/temporary_folder.hpp"
#include "core/failure.hpp"

namespace grapnel::runner {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// Runs `body` as each rank of a real Gloo group, on a thread each; an exception of a rank is thrown again.
void on_ranks(int world_size, const std::function<void(Collectives&)>& body) {
  const test::TemporaryFolder folder;
  std::vector<std::exception_ptr> failed(static_cast<size_t>(world_size));
  std::vector<std::thread> threads;
  for (int rank = 0; rank < world_size; ++rank) {
    threads.emplace_back([&, rank] {
      try {
        const auto group = make_gloo_collectives_over_file(folder.file("meeting"), rank, world_size);
        body(*group);
        group->barrier();
      } catch (...) {
        failed[static_cast<size_t>(rank)] = std::current_exception();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& failure : failed) {
    if (failure) std::rethrow_exception(failure);
  }
}

TEST(SingleProcess, LeavesTensorsAlone) {
  const auto collectives = make_single_process_collectives();
  EXPECT_EQ(collectives->rank(), 0);
  EXPECT_EQ(collectives->world_size(), 1);
  EXPECT_EQ(collectives->local_rank(), 0);
  torch::Tensor tensor = torch::tensor({1.0f, 2.0f});
  for (const ReduceOp op : {ReduceOp::kSum, ReduceOp::kMean, ReduceOp::kMin, ReduceOp::kMax}) {
    collectives->all_reduce(tensor, op);
  }
  collectives->broadcast(tensor, 0);
  collectives->barrier();
  EXPECT_TRUE(torch::equal(tensor, torch::tensor({1.0f, 2.0f})));
}

TEST(Gloo, ReducesEveryDtypeWithEveryOperation) {
  on_ranks(2, [](Collectives& group) {
    EXPECT_EQ(group.world_size(), 2);
    for (const auto dtype : {torch::kFloat32, torch::kFloat64, torch::kInt32, torch::kInt64}) {
      const std::pair<ReduceOp, std::vector<int>> cases[] = {{ReduceOp::kSum, {7, 6}},
                                                             {ReduceOp::kMean, {3, 3}},
                                                             {ReduceOp::kMin, {3, 0}},
                                                             {ReduceOp::kMax, {4, 6}}};
      for (const auto& [op, expected] : cases) {
        torch::Tensor tensor = (group.rank() == 0 ? torch::tensor({3, 6}) : torch::tensor({4, 0})).to(dtype);
        group.all_reduce(tensor, op);
        torch::Tensor wanted = torch::tensor(expected).to(dtype);
        if (op == ReduceOp::kMean && torch::isFloatingType(dtype)) wanted[0] = 3.5;
        EXPECT_TRUE(torch::equal(tensor, wanted)) << tensor << "operation " << static_cast<int>(op);
      }
    }
  });
}

TEST(Gloo, ReducesInPlaceWhateverTheStridesAndGradients) {
  on_ranks(2, [](Collectives& group) {
    torch::Tensor values = torch::arange(24, torch::kFloat32).reshape({1, 2, 3, 4});
    // Rank 0 keeps it channels-last, rank 1 contiguous.
    torch::Tensor tensor =
        group.rank() == 0 ? values.contiguous(torch::MemoryFormat::ChannelsLast) : values.clone();
    tensor.set_requires_grad(true);
    void* memory = tensor.data_ptr();
    group.all_reduce(tensor, ReduceOp::kMean);
    EXPECT_TRUE(torch::equal(tensor, values));
    EXPECT_EQ(tensor.data_ptr(), memory);
    EXPECT_TRUE(tensor.requires_grad() && tensor.is_leaf());
  });
}

TEST(Gloo, BroadcastsFromAnyRank) {
  for (const int root : {0, 1}) {
    on_ranks(2, [&](Collectives& group) {
      torch::Tensor tensor = torch::full({3}, int64_t{group.rank() * 10 + 7});
      group.broadcast(tensor, root);
      EXPECT_TRUE(torch::equal(tensor, torch::full({3}, int64_t{root * 10 + 7})));
    });
  }
}

TEST(Gloo, WorksWithOneRankAndWithThree) {
  for (const int world_size : {1, 3}) {
    on_ranks(world_size, [&](Collectives& group) {
      torch::Tensor tensor = torch::tensor({1.0f});
      group.all_reduce(tensor, ReduceOp::kSum);
      EXPECT_EQ(tensor.item<float>(), static_cast<float>(world_size));
    });
  }
}

// Ranks on processes of their own: the second one dies without a word.
TEST(Gloo, ADeadPeerIsAFailureOfTheRunAndNoHang) {
  const test::TemporaryFolder folder;
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  const auto join = [&](int rank) {
    auto group = make_gloo_collectives_over_file(folder.file("meeting"), rank, 2, 20);
    torch::Tensor tensor = torch::ones({1});
    group->all_reduce(tensor, ReduceOp::kSum);
    return group;
  };
  if (child == 0) {
    join(1);
    _exit(3);
  }
  const auto group = join(0);
  try {
    for (int i = 0; i < 2; ++i) {
      torch::Tensor tensor = torch::ones({1});
      group->all_reduce(tensor, ReduceOp::kSum);
    }
    ADD_FAILURE() << "reduced with a dead peer";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.kind(), FailureKind::kRun);
    EXPECT_THAT(failure.what(),
                AllOf(HasSubstr("all_reduce failed: rank 0 of 2"), HasSubstr("another rank")));
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 3);
}

TEST(Gloo, APeerThatNeverComesIsAFailureAfterTheTimeout) {
  const test::TemporaryFolder folder;
  EXPECT_THAT(
      test::message_of<Failure>([&] { make_gloo_collectives_over_file(folder.file("meeting"), 0, 2, 1); }),
      HasSubstr("cannot form the group of ranks: rank 0 of 2"));
}

TEST(Gloo, AMeetingPlaceThatCannotBeWrittenIsAFailure) {
  EXPECT_THAT(
      test::message_of<Failure>([] { make_gloo_collectives_over_file("/no/such/folder/meeting", 0, 2, 1); }),
      HasSubstr("cannot form the group of ranks"));
}

}  // namespace
}  // namespace grapnel::runner
