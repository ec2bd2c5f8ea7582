// What all ranks must decide alike: one small all_reduce a decision, none at all for a single process.
#include <algorithm>
#include <csignal>

#include "runner/runner_impl.hpp"
#include "runner/signals.hpp"

namespace grapnel::runner {
namespace {

// Rank 0's texts on every rank.
std::vector<std::string> share_texts(Collectives& collectives, const std::vector<std::string>& texts,
                                     int64_t count) {
  std::vector<std::string> shared;
  for (int64_t i = 0; i < count; ++i) {
    const bool root = collectives.rank() == 0;
    torch::Tensor size = torch::zeros({1}, torch::kInt64);
    if (root) size[0] = static_cast<int64_t>(texts.at(i).size());
    collectives.broadcast(size, 0);
    torch::Tensor characters = torch::zeros({size.item<int64_t>()}, torch::kInt32);
    int32_t* data = characters.data_ptr<int32_t>();
    if (root) std::copy(texts[i].begin(), texts[i].end(), data);
    if (characters.numel() > 0) collectives.broadcast(characters, 0);
    shared.emplace_back(data, data + characters.numel());
  }
  return shared;
}

}  // namespace

Runner::Impl::Requests Runner::Impl::agree() {
  Requests agreed = std::move(requests);
  requests = Requests{};
  const int caught = caught_termination_signal();
  if (collectives.world_size() == 1) {
    signal = caught;
  } else {
    const int64_t saves_of_root = collectives.rank() == 0 ? static_cast<int64_t>(agreed.saves.size()) : 0;
    torch::Tensor flags =
        torch::tensor({int64_t{agreed.stop}, int64_t{agreed.validate}, int64_t{agreed.skip_step},
                       int64_t{agreed.veto}, saves_of_root, int64_t{caught}},
                      torch::kInt64);
    collectives.all_reduce(flags, ReduceOp::kMax);
    const int64_t* flag = flags.data_ptr<int64_t>();
    agreed.stop = flag[0] != 0;
    agreed.validate = flag[1] != 0;
    agreed.skip_step = flag[2] != 0;
    agreed.veto = flag[3] != 0;
    agreed.saves = share_texts(collectives, agreed.saves, flag[4]);
    signal = static_cast<int>(flag[5]);
  }
  stop = stop || agreed.stop;
  validation_requested = validation_requested || agreed.validate;
  return agreed;
}

bool Runner::Impl::on_any_rank(bool here) {
  if (collectives.world_size() == 1) return here;
  torch::Tensor flag = torch::full({1}, here ? 1 : 0, torch::kInt64);
  collectives.all_reduce(flag, ReduceOp::kMax);
  return flag.item<int64_t>() != 0;
}

bool Runner::Impl::termination_is_agreed() {
  const int caught = caught_termination_signal();
  if (on_any_rank(caught != 0)) signal = caught != 0 ? caught : SIGTERM;
  return signal != 0;
}

// Data-parallel training: every rank steps with the mean of all ranks' gradients. A parameter without a
// gradient on this rank counts as zero, so that all ranks reduce the same tensor.
void Runner::Impl::average_gradients() {
  if (collectives.world_size() == 1) return;
  std::vector<torch::Tensor> flat;
  for (const auto& [name, parameter] : optimizer->parameters()) {
    const torch::Tensor& grad = parameter.grad();
    flat.push_back(
        (grad.defined() ? grad : torch::zeros_like(parameter)).detach().reshape({-1}).to(torch::kFloat32));
  }
  torch::Tensor all = torch::cat(flat);
  collectives.all_reduce(all, ReduceOp::kMean);
  int64_t offset = 0;
  for (const auto& [name, tensor] : optimizer->parameters()) {
    torch::Tensor parameter = tensor;
    const int64_t size = parameter.numel();
    torch::Tensor mean = torch::empty_like(parameter.detach());
    mean.copy_(all.narrow(0, offset, size).view(parameter.sizes()));
    parameter.mutable_grad() = mean;
    offset += size;
  }
}

}  // namespace grapnel::runner
