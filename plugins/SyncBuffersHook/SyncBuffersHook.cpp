// After each training epoch, replaces every buffer of the model (running means and variances, counters) by
// its mean over all ranks. Everything travels in one flat all-reduce, in double: counts stay exact.
#include <cmath>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <grapnel/elements.hpp>
#include <grapnel/hook.hpp>

namespace {

class SyncBuffersHook : public grapnel::Hook {
 public:
  explicit SyncBuffersHook(const grapnel::Setup& setup) : Hook(setup) {}

  void after_train_epoch(const grapnel::Point&) override {
    synchronize();
    are_synchronized_ = true;
  }
  // A loop that counts iterations validates inside its only epoch; after an epoch's end nothing is left to
  // do.
  void before_val_epoch(const grapnel::Point&) override {
    if (!std::exchange(are_synchronized_, false)) synchronize();
  }
  // Training goes on: the buffers change again.
  void before_train_epoch(const grapnel::Point&) override { are_synchronized_ = false; }

 private:
  void synchronize() {
    const int32_t world_size = collectives().world_size();
    if (world_size < 2) {
      say_once("one process: the buffers need no synchronising");
      return;
    }
    std::vector<grapnel_tensor> buffers;
    for (uint64_t i = 0; i < model().count(GRAPNEL_MODEL_BUFFERS); ++i) {
      buffers.push_back(model().get(GRAPNEL_MODEL_BUFFERS, i).tensor);
    }
    if (buffers.empty()) {
      say_once("the model has no buffers to synchronise");
      return;
    }
    std::vector<double> flat;
    for (const grapnel_tensor& buffer : buffers) {
      grapnel::for_each_element(buffer,
                                [&flat](const auto& value) { flat.push_back(static_cast<double>(value)); });
    }
    collectives().all_reduce(flat, GRAPNEL_REDUCE_MEAN);
    const double* next = flat.data();
    for (const grapnel_tensor& buffer : buffers) {
      grapnel::for_each_element(buffer, [&next](auto& value) {
        using Value = std::decay_t<decltype(value)>;
        if constexpr (std::is_integral_v<Value>)
          value = static_cast<Value>(std::llround(*next++));
        else
          value = static_cast<Value>(*next++);
      });
    }
    log().info(std::to_string(buffers.size()) + " buffers (" + std::to_string(flat.size()) +
               " values) are now their mean over " + std::to_string(world_size) + " ranks");
  }

  void say_once(const char* text) {
    if (!std::exchange(said_, true)) log().info(text);
  }

  bool are_synchronized_ = false;
  bool said_ = false;
};

}  // namespace

GRAPNEL_HOOK(SyncBuffersHook, "1.0.0", "Averages the model's buffers over all ranks after each epoch");
