// grapnel.values/1: the batch, what the step gave, and the last metrics.
#include "services/service_call.hpp"
#include "services/tables.hpp"

namespace grapnel::services {
namespace {

// Named tensors of a group; null for METRICS, which are numbers.
const runner::NamedTensors* tensors_of(runner::Runner& runner, int32_t group) {
  static const runner::NamedTensors none;
  switch (group) {
    case GRAPNEL_VALUES_BATCH:
      return runner.batch() != nullptr ? &runner.batch()->tensors : &none;
    case GRAPNEL_VALUES_OUTPUTS:
      return &runner.outputs();
    case GRAPNEL_VALUES_METRICS:
      return nullptr;
    default:
      throw Refusal(
          GRAPNEL_STATUS_INVALID_ARGUMENT,
          "group is " + std::to_string(group) + ", expected GRAPNEL_VALUES_BATCH, _OUTPUTS or _METRICS");
  }
}

[[noreturn]] void no_such_index(uint64_t index, uint64_t count) {
  throw Refusal(GRAPNEL_STATUS_NOT_FOUND, "no value " + std::to_string(index) + ": the group holds " +
                                              std::to_string(count) + " at this point");
}

uint64_t count(const grapnel_host* host, int32_t group) {
  return guarded_value(host, "values.count", uint64_t{0}, [&]() -> uint64_t {
    runner::Runner& runner = runner_for(host);
    const runner::NamedTensors* tensors = tensors_of(runner, group);
    return tensors != nullptr ? tensors->size() : runner.metrics().size();
  });
}

grapnel_status get(const grapnel_host* host, int32_t group, uint64_t index, grapnel_named_value* out,
                   grapnel_error* error) {
  return guarded(error, [&] {
    runner::Runner& runner = runner_for(host);
    grapnel_named_value value{};
    if (const runner::NamedTensors* tensors = tensors_of(runner, group)) {
      if (index >= tensors->size()) no_such_index(index, tensors->size());
      value.is_tensor = 1;
      value.name = (*tensors)[index].first.c_str();
      value.tensor = view_of((*tensors)[index].second);
    } else {
      const runner::Metrics& metrics = runner.metrics();
      if (index >= metrics.size()) no_such_index(index, metrics.size());
      value.name = metrics[index].first.c_str();
      value.number = metrics[index].second;
    }
    hand_over(out, value, "value");
  });
}

grapnel_status get_number(const grapnel_host* host, int32_t group, const char* name, double* number,
                          grapnel_error* error) {
  return guarded(error, [&] {
    runner::Runner& runner = runner_for(host);
    required(name, "name");
    required(number, "number");
    if (const runner::NamedTensors* tensors = tensors_of(runner, group)) {
      for (const auto& [key, tensor] : *tensors) {
        if (key != name) continue;
        if (tensor.numel() != 1) {
          throw Refusal(GRAPNEL_STATUS_INVALID_ARGUMENT,
                        "'" + key + "' holds " + std::to_string(tensor.numel()) + " elements, expected one");
        }
        *number = tensor.item().toDouble();
        return;
      }
    } else {
      for (const auto& [key, value] : runner.metrics()) {
        if (key != name) continue;
        *number = value;
        return;
      }
    }
    throw Refusal(GRAPNEL_STATUS_NOT_FOUND, std::string("no value named '") + name + "' at this point");
  });
}

}  // namespace

const grapnel_values_service& values_table() {
  static const grapnel_values_service table = {sizeof table, 0, count, get, get_number};
  return table;
}

}  // namespace grapnel::services
