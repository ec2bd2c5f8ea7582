// Before each validation, replaces the state of every norm layer by its mean over all ranks.
//
// Each rank's running statistics come from its own batches, so without this the ranks would evaluate
// different models. Everything travels in one flat all-reduce, in double: counts stay exact.
#include <cmath>
#include <string>
#include <type_traits>
#include <vector>

#include <grapnel/elements.hpp>
#include <grapnel/hook.hpp>

namespace {

class SyncNormHook : public grapnel::Hook {
 public:
  explicit SyncNormHook(const grapnel::Setup& setup) : Hook(setup) {}

  void before_val_epoch(const grapnel::Point&) override {
    const int32_t world_size = collectives().world_size();
    if (world_size < 2) {
      say_once("one process: the norm layers' states need no synchronising");
      return;
    }
    const std::vector<grapnel_tensor> states = norm_states();
    if (states.empty()) {
      say_once("no norm layer is left to synchronise");
      return;
    }
    std::vector<double> flat;
    for (const grapnel_tensor& state : states) {
      grapnel::for_each_element(state,
                                [&flat](const auto& value) { flat.push_back(static_cast<double>(value)); });
    }
    collectives().all_reduce(flat, GRAPNEL_REDUCE_MEAN);
    const double* next = flat.data();
    for (const grapnel_tensor& state : states) {
      grapnel::for_each_element(state, [&next](auto& value) {
        using Value = std::decay_t<decltype(value)>;
        if constexpr (std::is_integral_v<Value>)
          value = static_cast<Value>(std::llround(*next++));
        else
          value = static_cast<Value>(*next++);
      });
    }
    log().info(std::to_string(states.size()) + " tensors of norm layers (" + std::to_string(flat.size()) +
               " values) are now their mean over " + std::to_string(world_size) + " ranks");
  }

 private:
  // Views of the parameters and buffers that norm layers own; layers that synchronise by themselves are left
  // out.
  std::vector<grapnel_tensor> norm_states() const {
    std::vector<bool> takes_part(static_cast<size_t>(model().module_count()));
    for (size_t m = 0; m < takes_part.size(); ++m) {
      const grapnel_module module = model().module(m);
      takes_part[m] = module.is_norm && !module.is_synchronized;
    }
    std::vector<grapnel_tensor> states;
    for (const int32_t kind : {GRAPNEL_MODEL_PARAMETERS, GRAPNEL_MODEL_BUFFERS}) {
      for (uint64_t i = 0; i < model().count(kind); ++i) {
        const grapnel_model_entry entry = model().get(kind, i);
        if (entry.module_index < takes_part.size() && takes_part[entry.module_index])
          states.push_back(entry.tensor);
      }
    }
    return states;
  }

  void say_once(const char* text) {
    if (!said_) log().info(text);
    said_ = true;
  }

  bool said_ = false;
};

}  // namespace

GRAPNEL_HOOK(SyncNormHook, "1.0.0", "Averages the norm layers' states over all ranks before validation");
