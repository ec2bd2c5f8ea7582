// grapnel.collectives/1: operations over the ranks of the run, in place on the hook's own memory.
#include <grapnel/torch.hpp>

#include "core/failure.hpp"
#include "services/service_call.hpp"
#include "services/tables.hpp"

namespace grapnel::services {
namespace {

// The view as a tensor over the same memory.
torch::Tensor dense_tensor(const grapnel_tensor* view) {
  required(view, "tensor");
  if (view->ndim < 0 || (view->ndim > 0 && (view->shape == nullptr || view->strides == nullptr))) {
    throw Refusal(GRAPNEL_STATUS_INVALID_ARGUMENT, "the tensor has no shape or strides");
  }
  if (view->data == nullptr) throw Refusal(GRAPNEL_STATUS_INVALID_ARGUMENT, "the tensor has no data");
  torch::Tensor tensor = borrow_tensor(*view);
  if (!tensor.is_contiguous()) throw Refusal(GRAPNEL_STATUS_INVALID_ARGUMENT, "the tensor is not contiguous");
  const auto type = tensor.scalar_type();
  if (!tensor.is_cpu() || (type != torch::kFloat32 && type != torch::kFloat64 && type != torch::kInt32 &&
                           type != torch::kInt64)) {
    throw Refusal(GRAPNEL_STATUS_INVALID_ARGUMENT,
                  "the tensor must be on the CPU and of float32, float64, int32 or int64");
  }
  return tensor;
}

// A peer that is gone is the network's failure.
template <class Body>
void over_the_network(Body&& body) {
  try {
    body();
  } catch (const Failure& failure) {
    throw Refusal(GRAPNEL_STATUS_IO, failure.what());
  }
}

int32_t rank(const grapnel_host* host) {
  return guarded_value(host, "collectives.rank", int32_t{0},
                       [&] { return int32_t{runner_for(host).collectives().rank()}; });
}

int32_t world_size(const grapnel_host* host) {
  return guarded_value(host, "collectives.world_size", int32_t{1},
                       [&] { return int32_t{runner_for(host).collectives().world_size()}; });
}

int32_t local_rank(const grapnel_host* host) {
  return guarded_value(host, "collectives.local_rank", int32_t{0},
                       [&] { return int32_t{runner_for(host).collectives().local_rank()}; });
}

grapnel_status all_reduce(const grapnel_host* host, grapnel_tensor* tensor, int32_t operation,
                          grapnel_error* error) {
  return guarded(error, [&] {
    runner::Collectives& collectives = runner_for(host).collectives();
    torch::Tensor values = dense_tensor(tensor);
    runner::ReduceOp op{};
    switch (operation) {
      case GRAPNEL_REDUCE_SUM:
        op = runner::ReduceOp::kSum;
        break;
      case GRAPNEL_REDUCE_MEAN:
        op = runner::ReduceOp::kMean;
        break;
      case GRAPNEL_REDUCE_MIN:
        op = runner::ReduceOp::kMin;
        break;
      case GRAPNEL_REDUCE_MAX:
        op = runner::ReduceOp::kMax;
        break;
      default:
        throw Refusal(GRAPNEL_STATUS_INVALID_ARGUMENT, "no reduce operation " + std::to_string(operation));
    }
    if (op == runner::ReduceOp::kMean && !values.is_floating_point()) {
      throw Refusal(GRAPNEL_STATUS_INVALID_ARGUMENT, "a mean needs a float tensor");
    }
    over_the_network([&] { collectives.all_reduce(values, op); });
  });
}

grapnel_status broadcast(const grapnel_host* host, grapnel_tensor* tensor, int32_t root,
                         grapnel_error* error) {
  return guarded(error, [&] {
    runner::Collectives& collectives = runner_for(host).collectives();
    torch::Tensor values = dense_tensor(tensor);
    if (root < 0 || root >= collectives.world_size()) {
      throw Refusal(GRAPNEL_STATUS_INVALID_ARGUMENT, "root is " + std::to_string(root) +
                                                         ", expected a rank below " +
                                                         std::to_string(collectives.world_size()));
    }
    over_the_network([&] { collectives.broadcast(values, root); });
  });
}

grapnel_status barrier(const grapnel_host* host, grapnel_error* error) {
  return guarded(error, [&] {
    runner::Collectives& collectives = runner_for(host).collectives();
    over_the_network([&] { collectives.barrier(); });
  });
}

}  // namespace

const grapnel_collectives_service& collectives_table() {
  static const grapnel_collectives_service table = {sizeof table, 0,          rank,      world_size,
                                                    local_rank,   all_reduce, broadcast, barrier};
  return table;
}

}  // namespace grapnel::services
