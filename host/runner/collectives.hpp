// Collective operations over the ranks of a run. One process is the same code path with the trivial
// implementation; several talk through LibTorch's Gloo process group.
#pragma once

#include <torch/torch.h>

#include <memory>
#include <string>

namespace grapnel::runner {

enum class ReduceOp { kSum, kMean, kMin, kMax };

class Collectives {
 public:
  virtual ~Collectives() = default;
  virtual int rank() const = 0;
  virtual int world_size() const = 0;
  virtual int local_rank() const = 0;
  // In place, dense CPU tensors (float32, float64, int32, int64) of one shape and dtype on all ranks,
  // whatever their strides; kMean of integers rounds towards zero. Failure(kRun) when a peer is gone or late.
  virtual void all_reduce(torch::Tensor& tensor, ReduceOp op) = 0;
  virtual void broadcast(torch::Tensor& tensor, int root) = 0;
  virtual void barrier() = 0;
};

std::unique_ptr<Collectives> make_single_process_collectives();

// A Gloo group over a file that all ranks can reach (tests, one machine). `timeout_s` bounds every call.
std::unique_ptr<Collectives> make_gloo_collectives_over_file(const std::string& path, int rank,
                                                             int world_size, int timeout_s = 30);

}  // namespace grapnel::runner
