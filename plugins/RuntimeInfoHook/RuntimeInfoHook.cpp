// Keeps the message hub up to date: where the run stands, the learning rate, the losses, the metrics.
// Semantics: MMEngine 0.10's RuntimeInfoHook. What other hooks log, average or plot they read from the hub.
#include <grapnel/hook.hpp>

#include <string>

#include "../json/json.hpp"

namespace grapnel {
namespace {

std::string last_component(const std::string& path) {
  const size_t slash = path.find_last_of('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

// optim_wrapper.optimizer.lr of the config; 0 when it has none.
double configured_lr(const std::string& config) {
  const json::Value root = json::parse(config);
  const json::Value* at = &root;
  for (const char* name : {"optim_wrapper", "optimizer", "lr"}) {
    at = at->find(name);
    if (at == nullptr) return 0;
  }
  return at->number();
}

}  // namespace

class RuntimeInfoHook : public Hook {
 public:
  static constexpr int32_t default_priority = GRAPNEL_PRIORITY_VERY_HIGH;
  static constexpr const char* author = "Grapnel";
  static constexpr const char* license = "Apache-2.0";

  explicit RuntimeInfoHook(const Setup& setup) : Hook(setup) {}

  void before_run(const Point&) override {
    message_hub().set_text("seed", std::to_string(runner().state().seed));
    message_hub().set_text("experiment_name",
                           last_component(runner().work_dir()) + "_" + last_component(runner().log_dir()));
  }

  void before_train(const Point& at) override {
    set_stage("train");
    message_hub().set_text("epoch", std::to_string(at.epoch));
    message_hub().set_text("iter", std::to_string(at.iter));
    message_hub().set_text("max_epochs", std::to_string(at.max_epochs));
    message_hub().set_text("max_iters", std::to_string(at.max_iters));
    configured_lr_ = optimizer().group_count() > 1 ? configured_lr(runner().config_json()) : 0;
  }
  void after_train(const Point&) override { set_stage(""); }
  void before_train_epoch(const Point& at) override {
    message_hub().set_text("epoch", std::to_string(at.epoch));
  }

  void before_train_iter(const Point& at) override {
    message_hub().set_text("iter", std::to_string(at.iter));
    if (optimizer().group_count() == 0) return;
    const grapnel_param_group first = optimizer().group(0);
    // With several groups MMEngine also shows the rate of a parameter that no multiplier touches.
    if (configured_lr_ > 0 && first.initial_lr > 0) {
      message_hub().update_scalar("train/base_lr", first.lr * (configured_lr_ / first.initial_lr));
    }
    message_hub().update_scalar("train/lr", first.lr);
  }

  void after_train_iter(const Point&) override {
    const uint64_t count = values().count(GRAPNEL_VALUES_OUTPUTS);
    for (uint64_t i = 0; i < count; ++i) {
      const std::string name = values().get(GRAPNEL_VALUES_OUTPUTS, i).name;
      message_hub().update_scalar("train/" + name, values().number(GRAPNEL_VALUES_OUTPUTS, name.c_str()));
    }
  }

  void before_val(const Point&) override {
    stage_before_val_ = stage_;
    set_stage("val");
  }
  void after_val(const Point&) override { set_stage(stage_before_val_); }
  void after_val_epoch(const Point&) override { record_metrics("val/"); }
  void before_test(const Point&) override { set_stage("test"); }
  void after_test(const Point&) override { set_stage(""); }
  void after_test_epoch(const Point&) override { record_metrics("test/"); }

 private:
  void set_stage(const std::string& stage) {
    stage_ = stage;
    message_hub().set_text("loop_stage", stage);
  }
  void record_metrics(const std::string& prefix) const {
    const uint64_t count = values().count(GRAPNEL_VALUES_METRICS);
    for (uint64_t i = 0; i < count; ++i) {
      const grapnel_named_value metric = values().get(GRAPNEL_VALUES_METRICS, i);
      message_hub().update_scalar(prefix + metric.name, metric.number);
    }
  }

  std::string stage_;
  std::string stage_before_val_;
  double configured_lr_ = 0;
};

GRAPNEL_HOOK(RuntimeInfoHook, "1.0.0",
             "Writes counters, learning rate, losses and metrics to the message hub");

}  // namespace grapnel
