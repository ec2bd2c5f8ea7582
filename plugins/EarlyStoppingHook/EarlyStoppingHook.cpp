// Ends the training when a metric no longer gets better. Semantics: MMEngine 0.10's EarlyStoppingHook; its
// memory is kept in checkpoints, so that a resume goes on counting.
#include <grapnel/hook.hpp>

#include <cmath>
#include <cstdio>
#include <limits>
#include <optional>
#include <string>

#include "../json/nearest_name.hpp"
#include "../metric_rule/metric_rule.hpp"

namespace grapnel {
namespace {

std::string shown(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.4f", value);
  return text;
}

MetricRule rule_of(const Setup& setup) {
  if (setup.has("rule")) return setup.text("rule") == "greater" ? MetricRule::kGreater : MetricRule::kLess;
  const auto rule = infer_rule(setup.text("monitor"));
  if (!rule) {
    throw Error("whether more or less of '" + setup.text("monitor") +
                "' is better cannot be told from its name: set rule to \"greater\" or \"less\"");
  }
  return *rule;
}

}  // namespace

class EarlyStoppingHook : public Hook {
 public:
  static constexpr int32_t default_priority = GRAPNEL_PRIORITY_LOWEST;
  static constexpr const char* author = "Grapnel";
  static constexpr const char* license = "Apache-2.0";

  explicit EarlyStoppingHook(const Setup& setup)
      : Hook(setup),
        monitor_(setup.text("monitor")),
        rule_(rule_of(setup)),
        min_delta_(setup.number("min_delta")),
        strict_(setup.boolean("strict")),
        check_finite_(setup.boolean("check_finite")),
        patience_(setup.integer("patience")) {
    if (setup.has("stopping_threshold")) stopping_threshold_ = setup.number("stopping_threshold");
    const double infinity = std::numeric_limits<double>::infinity();
    best_ = rule_ == MetricRule::kGreater ? -infinity : infinity;
  }

  void before_train(const Point&) override { is_training_ = true; }
  void after_train(const Point&) override { is_training_ = false; }

  void after_val_epoch(const Point&) override {
    if (!is_training_) return;
    const auto score = find_score();
    if (!score) return;
    const std::string reason = judge(*score);
    if (!reason.empty()) runner().request_stop(reason);
  }

  void save_state(StateWriter& out) override {
    out.number(best_);
    out.integer(wait_count_);
  }
  void load_state(StateReader& in) override {
    best_ = in.number();
    wait_count_ = in.integer();
  }

 private:
  std::optional<double> find_score() const {
    std::vector<std::string> known;
    for (uint64_t i = 0; i < values().count(GRAPNEL_VALUES_METRICS); ++i) {
      const grapnel_named_value metric = values().get(GRAPNEL_VALUES_METRICS, i);
      if (monitor_ == metric.name) return metric.number;
      known.emplace_back(metric.name);
    }
    const std::string text =
        "monitor = \"" + monitor_ + "\" is not among the metrics" + json::suggestion(monitor_, known);
    if (strict_) throw Error(text);
    log().warning(text + " Early stopping skips this validation.");
    return {};
  }

  // Why to stop; empty: go on.
  std::string judge(double score) {
    if (check_finite_ && !std::isfinite(score)) {
      return monitor_ + " is " + shown(score) + ", its best value was " + shown(best_);
    }
    if (stopping_threshold_ && is_better(rule_, score, *stopping_threshold_)) {
      best_ = score;
      return monitor_ + " = " + shown(score) + " is " + rule_name(rule_) + " than the stopping threshold " +
             shown(*stopping_threshold_);
    }
    const double wanted = rule_ == MetricRule::kGreater ? best_ + min_delta_ : best_ - min_delta_;
    // A score that is not a number is no progress either.
    if (is_better(rule_, wanted, score) || std::isnan(score)) {
      if (++wait_count_ < patience_) return "";
      return monitor_ + " did not improve in the last " + std::to_string(wait_count_) +
             " validations, its best value was " + shown(best_);
    }
    best_ = score;
    wait_count_ = 0;
    return "";
  }

  std::string monitor_;
  MetricRule rule_;
  double min_delta_;
  bool strict_;
  bool check_finite_;
  int64_t patience_;
  std::optional<double> stopping_threshold_;

  bool is_training_ = false;
  double best_ = 0;
  int64_t wait_count_ = 0;  // validations in a row without progress
};

static constexpr const char* kRules[] = {"greater", "less"};

GRAPNEL_HOOK(EarlyStoppingHook, "1.0.0", "Ends the training when a metric no longer gets better",
             string_option("monitor", nullptr, "metric to watch, as the evaluation names it"),
             optional(choice_option("rule", nullptr, "what is better; absent: told from the name", kRules)),
             float_option("min_delta", "0.1", "least change that counts as progress", 0),
             bool_option("strict", "false", "an absent metric ends the run"),
             bool_option("check_finite", "true", "a metric that is not finite ends the training"),
             int_option("patience", "5", "validations without progress before the end", 1),
             optional(float_option("stopping_threshold", nullptr,
                                   "a better metric than this ends the training")));

}  // namespace grapnel
