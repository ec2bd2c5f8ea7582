// Drives learning rate schedules: MMEngine 0.10's ParamSchedulerHook together with the schedulers that its
// runner builds from `param_scheduler`. Without schedules it never touches the optimiser.
#include <grapnel/hook.hpp>

#include <cstdio>
#include <string>
#include <vector>

#include "../json/json.hpp"
#include "schedule.hpp"
#include "schedule_config.hpp"

namespace grapnel {

class ParamSchedulerHook : public Hook {
 public:
  static constexpr int32_t default_priority = GRAPNEL_PRIORITY_LOW;
  static constexpr const char* author = "Grapnel";
  static constexpr const char* license = "Apache-2.0";

  explicit ParamSchedulerHook(const Setup& setup) : Hook(setup) {
    configs_ = schedules::read_schedules(json::parse(setup.json("schedulers")), "schedulers");
    if (!runner().exists()) return;
    const json::Value config = json::parse(runner().config_json());
    const json::Value* listed = config.find("param_scheduler");
    if (listed == nullptr) return;
    auto from_config = schedules::read_schedules(*listed, "param_scheduler");
    if (from_config.empty()) return;
    if (!configs_.empty()) {
      throw Error("schedules are given twice: in the config's param_scheduler and in this hook's schedulers");
    }
    configs_ = std::move(from_config);
  }

  void before_train(const Point& at) override {
    schedules_.clear();
    if (configs_.empty() || optimizer().group_count() == 0) return;
    const grapnel_run_state run = runner().state();
    for (const auto& config : configs_) {
      schedules_.emplace_back(config,
                              schedules::RunLength{at.max_epochs, at.max_iters, run.train_epoch_length});
    }
    read_base();
    const bool has_saved = !saved_.counters.empty();
    if (has_saved && saved_.description == description() && saved_.values.size() == base_.size()) {
      for (size_t i = 0; i < schedules_.size(); ++i) schedules_[i].restore(saved_.counters[i]);
      set_values(saved_.values);
    } else {
      if (has_saved)
        log().info("The schedules differ from the checkpoint's: the learning rate follows the new ones");
      set_values(replay(at, run.train_epoch_length));
    }
    saved_ = {};
  }

  void after_train_iter(const Point&) override { step(false); }
  void after_train_epoch(const Point&) override { step(true); }

  void save_state(StateWriter& out) override {
    out.text(description());
    out.integer(static_cast<int64_t>(schedules_.size()));
    for (const auto& schedule : schedules_) {
      out.integer(schedule.counters().global_step);
      out.integer(schedule.counters().last_step);
    }
    const std::vector<double> values = schedules_.empty() ? std::vector<double>{} : current_values();
    out.integer(static_cast<int64_t>(values.size()));
    for (const double value : values) out.number(value);
  }

  void load_state(StateReader& in) override {
    saved_ = {};
    saved_.description = in.text();
    const int64_t schedules = read_count(in);
    for (int64_t i = 0; i < schedules; ++i) {
      const int64_t global_step = in.integer();
      saved_.counters.push_back({global_step, in.integer()});
    }
    const int64_t groups = read_count(in);
    for (int64_t i = 0; i < groups; ++i) saved_.values.push_back(in.number());
  }

 private:
  struct Saved {
    std::string description;
    std::vector<schedules::Schedule::Counters> counters;
    std::vector<double> values;
  };

  static int64_t read_count(StateReader& in) {
    const int64_t count = in.integer();
    if (count < 0 || count > 100000) throw Error("the saved state of the schedules is damaged");
    return count;
  }

  // Schedules and base values, one a line.
  std::string description() const {
    std::string text;
    for (const auto& schedule : schedules_) text += schedule.description() + "\n";
    if (schedules_.empty()) return text;
    for (const double base : base_) {
      char exact[40];
      std::snprintf(exact, sizeof exact, "%.17g\n", base);
      text += exact;
    }
    return text;
  }

  void read_base() {
    base_.clear();
    for (uint64_t i = 0; i < optimizer().group_count(); ++i) base_.push_back(optimizer().group(i).initial_lr);
  }
  std::vector<double> current_values() const {
    std::vector<double> values;
    for (uint64_t i = 0; i < base_.size(); ++i) values.push_back(optimizer().group(i).lr);
    return values;
  }
  void set_values(const std::vector<double>& values) const {
    for (uint64_t i = 0; i < values.size(); ++i) optimizer().set_lr(i, values[i]);
  }

  // The values where the counters stand, from the first step on: also after a resume without saved state.
  std::vector<double> replay(const Point& at, int64_t epoch_length) {
    std::vector<double> values = base_;
    for (auto& schedule : schedules_) schedule.step(base_, values);
    const auto advance = [&](bool by_epoch) {
      for (auto& schedule : schedules_) {
        if (schedule.by_epoch() == by_epoch) schedule.step(base_, values);
      }
    };
    int64_t epochs = 0;
    for (int64_t i = 0; i < at.iter; ++i) {
      advance(false);
      const bool ends_epoch = at.by_epoch && epoch_length > 0 && (i + 1) % epoch_length == 0;
      if (ends_epoch && epochs < at.epoch) {
        ++epochs;
        advance(true);
      }
    }
    for (; epochs < at.epoch; ++epochs) advance(true);
    return values;
  }

  void step(bool by_epoch) {
    for (auto& schedule : schedules_) {
      if (schedule.by_epoch() != by_epoch) continue;
      const std::vector<double> before = current_values();
      std::vector<double> values = before;
      if (!schedule.step(base_, values)) continue;
      if (values != before) set_values(values);
      if (schedule.verbose()) {
        for (size_t i = 0; i < values.size(); ++i) {
          log().info("Learning rate of group " + std::to_string(i) + ": " + std::to_string(values[i]));
        }
      }
    }
  }

  std::vector<schedules::ScheduleConfig> configs_;
  std::vector<schedules::Schedule> schedules_;
  std::vector<double> base_;  // initial learning rate, one a parameter group
  Saved saved_;               // what a resume brought, until before_train
};

GRAPNEL_HOOK(ParamSchedulerHook, "1.0.0", "Drives the learning rate schedules of param_scheduler",
             tree_option("schedulers", "[]",
                         "list of scheduler tables, in place of the config's param_scheduler"));

}  // namespace grapnel
