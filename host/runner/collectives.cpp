#include "runner/collectives.hpp"

#include <torch/csrc/distributed/c10d/FileStore.hpp>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>

#include <chrono>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "core/failure.hpp"

namespace grapnel::runner {
namespace {

class SingleProcess : public Collectives {
 public:
  int rank() const override { return 0; }
  int world_size() const override { return 1; }
  int local_rank() const override { return 0; }
  void all_reduce(torch::Tensor&, ReduceOp) override {}
  void broadcast(torch::Tensor&, int) override {}
  void barrier() override {}
};

// What LibTorch throws when a peer is gone or late, told as what happened to the run.
template <typename Operation>
auto guarded(const char* what, int rank, int world_size, Operation operation) {
  try {
    return operation();
  } catch (const Failure&) {
    throw;
  } catch (const std::exception& error) {
    const auto* torch_error = dynamic_cast<const c10::Error*>(&error);
    throw Failure(FailureKind::kRun,
                  {what, "rank " + std::to_string(rank) + " of " + std::to_string(world_size),
                   torch_error ? torch_error->what_without_backtrace() : error.what(), "",
                   "another rank ended or did not get here in time: look at its own messages"});
  }
}

c10d::ReduceOp gloo_op(ReduceOp op) {
  switch (op) {
    case ReduceOp::kMin:
      return c10d::ReduceOp::MIN;
    case ReduceOp::kMax:
      return c10d::ReduceOp::MAX;
    case ReduceOp::kSum:
    case ReduceOp::kMean:
      return c10d::ReduceOp::SUM;  // Gloo has no mean: the sum is divided
  }
  return c10d::ReduceOp::SUM;
}

class GlooGroup : public Collectives {
 public:
  GlooGroup(c10::intrusive_ptr<c10d::Store> store, int rank, int world_size, int timeout_s)
      : rank_(rank), world_size_(world_size) {
    guarded("cannot form the group of ranks", rank, world_size, [&] {
      auto options = c10d::ProcessGroupGloo::Options::create();
      options->timeout = std::chrono::seconds(timeout_s);
      options->devices.push_back(c10d::ProcessGroupGloo::createDeviceForHostname("127.0.0.1"));
      store->setTimeout(std::chrono::seconds(timeout_s));
      group_ = c10::make_intrusive<c10d::ProcessGroupGloo>(
          c10::make_intrusive<c10d::PrefixStore>("grapnel", std::move(store)), rank, world_size, options);
    });
  }

  int rank() const override { return rank_; }
  int world_size() const override { return world_size_; }
  int local_rank() const override { return rank_; }  // one machine

  void all_reduce(torch::Tensor& tensor, ReduceOp op) override {
    call("all_reduce failed", tensor, [&](std::vector<torch::Tensor>& dense) {
      c10d::AllreduceOptions options;
      options.reduceOp = gloo_op(op);
      group_->allreduce(dense, options)->wait();
      if (op != ReduceOp::kMean) return;
      if (dense[0].is_floating_point()) {
        dense[0].div_(world_size_);
      } else {
        dense[0].div_(world_size_, "trunc");
      }
    });
  }

  void broadcast(torch::Tensor& tensor, int root) override {
    call("broadcast failed", tensor, [&](std::vector<torch::Tensor>& dense) {
      c10d::BroadcastOptions options;
      options.rootRank = root;
      group_->broadcast(dense, options)->wait();
    });
  }

  void barrier() override {
    guarded("barrier failed", rank_, world_size_, [&] { group_->barrier()->wait(); });
  }

 private:
  // Gloo sends memory as it lies: ranks whose tensors are laid out differently must agree on one order.
  template <typename Operation>
  void call(const char* what, torch::Tensor& tensor, Operation operation) {
    guarded(what, rank_, world_size_, [&] {
      const torch::NoGradGuard no_grad;
      std::vector<torch::Tensor> dense = {tensor.detach().contiguous()};
      operation(dense);
      if (dense[0].data_ptr() != tensor.data_ptr()) tensor.detach().copy_(dense[0]);
    });
  }

  int rank_;
  int world_size_;
  c10::intrusive_ptr<c10d::ProcessGroupGloo> group_;
};

}  // namespace

std::unique_ptr<Collectives> make_single_process_collectives() { return std::make_unique<SingleProcess>(); }

std::unique_ptr<Collectives> make_gloo_collectives_over_file(const std::string& path, int rank,
                                                             int world_size, int timeout_s) {
  auto store = guarded("cannot form the group of ranks", rank, world_size,
                       [&] { return c10::make_intrusive<c10d::FileStore>(path, world_size); });
  return std::make_unique<GlooGroup>(std::move(store), rank, world_size, timeout_s);
}

}  // namespace grapnel::runner
