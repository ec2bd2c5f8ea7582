// grapnel.optimizer/1: the parameter groups and their options.
#include <cmath>

#include "services/service_call.hpp"
#include "services/tables.hpp"

namespace grapnel::services {
namespace {

runner::Optimizer& group_owner(const grapnel_host* host, uint64_t index) {
  runner::Optimizer* optimizer = runner_for(host).optimizer();
  const size_t count = optimizer != nullptr ? optimizer->group_count() : 0;
  if (index >= count) {
    throw Refusal(GRAPNEL_STATUS_NOT_FOUND,
                  "no parameter group " + std::to_string(index) + ": there are " + std::to_string(count));
  }
  return *optimizer;
}

void check_number(const char* name, double value, double limit) {
  if (std::isfinite(value) && value >= 0 && value < limit) return;
  throw Refusal(GRAPNEL_STATUS_INVALID_ARGUMENT, std::string(name) + " is " + std::to_string(value) +
                                                     ", expected a finite number of at least 0" +
                                                     (std::isfinite(limit) ? " and below 1" : ""));
}

uint64_t group_count(const grapnel_host* host) {
  return guarded_value(host, "optimizer.group_count", uint64_t{0}, [&]() -> uint64_t {
    const runner::Optimizer* optimizer = runner_for(host).optimizer();
    return optimizer != nullptr ? optimizer->group_count() : 0;
  });
}

grapnel_status get_group(const grapnel_host* host, uint64_t index, grapnel_param_group* out,
                         grapnel_error* error) {
  return guarded(error, [&] {
    const runner::Optimizer& optimizer = group_owner(host, index);
    grapnel_param_group group{};
    group.has_momentum = optimizer.has_momentum() ? 1 : 0;
    group.name = optimizer.group_name(index).c_str();
    group.parameter_count = optimizer.parameter_count(index);
    group.lr = optimizer.lr(index);
    group.initial_lr = optimizer.initial_lr(index);
    group.momentum = optimizer.momentum(index);
    group.initial_momentum = optimizer.initial_momentum(index);
    group.weight_decay = optimizer.weight_decay(index);
    hand_over(out, group, "group");
  });
}

grapnel_status set_lr(const grapnel_host* host, uint64_t index, double lr, grapnel_error* error) {
  return guarded(error, [&] {
    runner::Optimizer& optimizer = group_owner(host, index);
    check_number("lr", lr, INFINITY);
    optimizer.set_lr(index, lr);
  });
}

grapnel_status set_momentum(const grapnel_host* host, uint64_t index, double momentum, grapnel_error* error) {
  return guarded(error, [&] {
    runner::Optimizer& optimizer = group_owner(host, index);
    if (!optimizer.has_momentum()) throw Refusal(GRAPNEL_STATUS_UNSUPPORTED, "the optimiser has no momentum");
    check_number("momentum", momentum, 1.0);
    optimizer.set_momentum(index, momentum);
  });
}

grapnel_status set_weight_decay(const grapnel_host* host, uint64_t index, double weight_decay,
                                grapnel_error* error) {
  return guarded(error, [&] {
    runner::Optimizer& optimizer = group_owner(host, index);
    check_number("weight_decay", weight_decay, INFINITY);
    optimizer.set_weight_decay(index, weight_decay);
  });
}

}  // namespace

const grapnel_optimizer_service& optimizer_table() {
  static const grapnel_optimizer_service table = {
      sizeof table, 0, group_count, get_group, set_lr, set_momentum, set_weight_decay};
  return table;
}

}  // namespace grapnel::services
