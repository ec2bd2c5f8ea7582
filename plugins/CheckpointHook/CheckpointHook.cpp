// Decides when the run is saved, and which old checkpoints go. Semantics: MMEngine 0.10's CheckpointHook;
// here an old file is removed only when the newer one is on disk, save_last also holds on an early stop, and
// what is kept and what was best survives a resume.
#include <grapnel/hook.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "../json/json.hpp"
#include "../json/nearest_name.hpp"
#include "../metric_rule/metric_rule.hpp"

namespace grapnel {
namespace {

std::string file_name_of(const std::string& path) { return path.substr(path.find_last_of('/') + 1); }

// The option's text or list of texts.
std::vector<std::string> read_texts(const Setup& setup, const char* option, const std::string& expected) {
  if (!setup.has(option)) return {};
  const json::Value value = json::parse(setup.json(option));
  const auto refuse = [&](const json::Value& got) {
    throw Error(std::string(option) + ": got " + got.described() + ", expected " + expected);
  };
  std::vector<std::string> texts;
  if (value.is_string()) texts.push_back(value.text());
  for (const json::Value& item : value.items()) {
    if (!item.is_string()) refuse(item);
    texts.push_back(item.text());
  }
  if (texts.empty()) refuse(value);
  return texts;
}

std::vector<std::string> read_metrics(const Setup& setup) {
  const auto names = read_texts(setup, "save_best", "a metric or a list of metrics");
  if (names.size() > 1 && std::count(names.begin(), names.end(), "auto")) {
    throw Error("save_best: \"auto\" stands for the first metric and must be alone");
  }
  for (const auto& name : names) {
    if (std::count(names.begin(), names.end(), name) > 1)
      throw Error("save_best: '" + name + "' comes twice");
  }
  return names;
}

// One rule a metric, one for all, or none.
std::vector<MetricRule> read_rules(const Setup& setup, size_t metrics) {
  std::vector<MetricRule> rules;
  for (const auto& text : read_texts(setup, "rule", "\"greater\", \"less\" or a list of them")) {
    if (text != "greater" && text != "less") {
      throw Error("rule: got " + json::quote(text) + ", expected \"greater\" or \"less\"");
    }
    rules.push_back(text == "greater" ? MetricRule::kGreater : MetricRule::kLess);
  }
  if (rules.size() > 1 && rules.size() != metrics) {
    throw Error("rule: got " + std::to_string(rules.size()) + " rules for " + std::to_string(metrics) +
                " metrics of save_best, expected one or as many");
  }
  if (rules.size() == 1) rules.resize(metrics, rules.front());
  return rules;
}

}  // namespace

class CheckpointHook : public Hook {
 public:
  static constexpr int32_t default_priority = GRAPNEL_PRIORITY_VERY_LOW;
  static constexpr const char* author = "Grapnel";
  static constexpr const char* license = "Apache-2.0";

  explicit CheckpointHook(const Setup& setup)
      : Hook(setup),
        interval_(setup.integer("interval")),
        by_epoch_(setup.boolean("by_epoch")),
        max_keep_(setup.integer("max_keep_ckpts")),
        save_last_(setup.boolean("save_last")),
        save_begin_(setup.integer("save_begin")),
        template_(setup.has("filename_tmpl") ? setup.text("filename_tmpl")
                  : by_epoch_                ? "epoch_{}.pth"
                                             : "iter_{}.pth") {
    if (template_.find("{}") == std::string::npos || template_.find('/') != std::string::npos) {
      throw Error("filename_tmpl: got \"" + template_ + "\", expected a file name with {} for the number");
    }
    if (template_.find("{}") != template_.rfind("{}")) {
      throw Error("filename_tmpl: got \"" + template_ + "\", expected {} once");
    }
    metrics_ = read_metrics(setup);
    rules_ = read_rules(setup, metrics_.size());
    if (setup.has("greater_keys")) keys_.greater = setup.texts("greater_keys");
    if (setup.has("less_keys")) keys_.less = setup.texts("less_keys");
    for (size_t i = 0; i < metrics_.size(); ++i) {
      if (metrics_[i] != "auto")
        rule_of(i, metrics_[i]);  // refused now rather than after the first validation
    }
    if (!setup.boolean("save_optimizer") || !setup.boolean("save_param_scheduler")) {
      log().warning(
          "save_optimizer and save_param_scheduler are ignored: every checkpoint can be resumed from");
    }
    if (setup.has("published_keys")) log().warning("published_keys is ignored: nothing is published");
  }

  void before_train(const Point&) override {
    is_training_ = true;
    has_trained_ = false;
    has_saved_ = false;
  }

  void after_train_iter(const Point& at) override {
    has_trained_ = true;
    if (by_epoch_) return;
    if (every_n_train_iters(at, interval_, save_begin_) || (save_last_ && is_last_train_iter(at)))
      save_step(at.iter + 1);
  }

  void after_train_epoch(const Point& at) override {
    if (!by_epoch_) return;
    if (every_n_epochs(at, interval_, save_begin_) || (save_last_ && is_last_train_epoch(at)))
      save_step(at.epoch + 1);
  }

  void after_val_epoch(const Point& at) override {
    if (!is_training_ || metrics_.empty()) return;
    if (values().count(GRAPNEL_VALUES_METRICS) == 0) {
      log().warning("The evaluation gave no metrics: no best checkpoint is looked for");
      return;
    }
    const int64_t step = by_epoch_ ? at.epoch : at.iter;
    bool improved = false;
    for (size_t i = 0; i < metrics_.size(); ++i) improved |= save_if_best(i, step);
    // The file of this step was written before its validation: written again, it knows the new best. As
    // MMEngine, only once the run has saved a step at all.
    if (improved && has_saved_) save_step(step);
  }

  void after_train(const Point& at) override {
    is_training_ = false;
    const int64_t step = by_epoch_ ? at.epoch : at.iter;
    if (save_last_ && has_trained_ && step > 0 && step != last_step_) save_step(step);
  }

  // What the file says of itself must be true once it is written.
  void before_save_checkpoint(const Point& at) override {
    const std::string name = file_name_of(at.checkpoint_path);
    adds_to_kept_ = name == pending_step_ && (kept_.empty() || kept_.back() != name);
    if (adds_to_kept_) kept_.push_back(name);
  }

  void after_save_checkpoint(const Point& at) override {
    const std::string name = file_name_of(at.checkpoint_path);
    const bool written = file_name_of(checkpoint().last_path()) == name;
    if (name == pending_step_) finish_step(name, written);
    for (auto& [metric, best] : best_) {
      if (best.pending != name) continue;
      best.pending.clear();
      if (written) {
        remove(best.previous, name);
        log().info("The best checkpoint with " + shown(best.score) + " " + metric + " is saved to " + name);
      } else {
        best.file = best.previous;
        best.score = best.previous_score;
      }
    }
  }

  void save_state(StateWriter& out) override {
    out.integer(last_step_);
    out.integer(static_cast<int64_t>(kept_.size()));
    for (const auto& name : kept_) out.text(name);
    out.integer(static_cast<int64_t>(best_.size()));
    for (const auto& [metric, best] : best_) {
      out.text(metric);
      out.number(best.score);
      out.text(best.file);
    }
  }

  void load_state(StateReader& in) override {
    last_step_ = in.integer();
    kept_.assign(static_cast<size_t>(read_count(in)), "");
    for (auto& name : kept_) name = read_file_name(in);
    best_.clear();
    for (int64_t left = read_count(in); left > 0; --left) {
      const std::string metric = in.text();
      Best& best = best_[metric];
      best.score = in.number();
      best.file = read_file_name(in);
    }
  }

 private:
  struct Best {
    double score = 0;
    std::string file;      // "" before the first
    std::string pending;   // asked for and not yet written
    std::string previous;  // what `file` and `score` were before that
    double previous_score = 0;
  };

  static int64_t read_count(StateReader& in) {
    const int64_t count = in.integer();
    if (count < 0 || count > 100000)
      throw Error("the saved state is damaged: a list of " + std::to_string(count) + " files");
    return count;
  }

  // Files of these names are removed some day: nothing outside the work folder may be among them.
  static std::string read_file_name(StateReader& in) {
    const std::string name = in.text();
    if (name.find('/') == std::string::npos) return name;
    throw Error("the saved state is damaged: " + json::quote(name) +
                " is no name of a file in the work folder");
  }

  static std::string shown(double value) {
    char text[40];
    std::snprintf(text, sizeof text, "%.4f", value);
    return text;
  }

  MetricRule rule_of(size_t index, const std::string& metric) const {
    if (!rules_.empty()) return rules_[index];
    const auto rule = infer_rule(metric, keys_);
    if (!rule) {
      throw Error("whether more or less of '" + metric +
                  "' is better cannot be told from its name: set rule to \"greater\" or \"less\"");
    }
    return *rule;
  }

  std::string step_name(int64_t step) const {
    std::string name = template_;
    return name.replace(name.find("{}"), 2, std::to_string(step));
  }

  void save_step(int64_t step) {
    last_step_ = step;
    has_saved_ = true;
    pending_step_ = step_name(step);
    log().info("Saving checkpoint at " + std::to_string(step) + (by_epoch_ ? " epochs" : " iterations"));
    runner().request_save(pending_step_);
  }

  void finish_step(const std::string& name, bool written) {
    pending_step_.clear();
    if (!written) {
      if (adds_to_kept_) kept_.pop_back();
      return;
    }
    while (max_keep_ > 0 && static_cast<int64_t>(kept_.size()) > max_keep_) {
      remove(kept_.front(), name);
      kept_.erase(kept_.begin());
    }
  }

  // `newer` is on disk; `name` may be "", or the same file again.
  void remove(const std::string& name, const std::string& newer) const {
    if (name.empty() || name == newer || collectives().rank() != 0) return;
    std::remove((runner().work_dir() + "/" + name).c_str());
  }

  // True if the metric of that index in save_best got better and its file was asked for.
  bool save_if_best(size_t index, int64_t step) {
    const std::string& wanted = metrics_[index];
    std::string metric;
    double score = 0;
    std::vector<std::string> known;
    for (uint64_t i = 0; i < values().count(GRAPNEL_VALUES_METRICS) && metric.empty(); ++i) {
      const grapnel_named_value value = values().get(GRAPNEL_VALUES_METRICS, i);
      known.emplace_back(value.name);
      if (wanted != "auto" && wanted != value.name) continue;
      metric = value.name;
      score = value.number;
    }
    if (metric.empty()) {
      throw Error("save_best: \"" + wanted + "\" is not among the metrics" + json::suggestion(wanted, known));
    }
    const MetricRule rule = rule_of(index, metric);
    Best& best = best_[metric];
    const bool first = best.file.empty();
    if (std::isnan(score) || (!first && !is_better(rule, score, best.score))) return false;
    std::string label = metric;
    std::replace(label.begin(), label.end(), '/', '_');
    best.previous = best.file;
    best.previous_score = best.score;
    best.score = score;
    best.file = best.pending = "best_" + label + "_" + step_name(step);
    runner().request_save(best.file);
    return true;
  }

  int64_t interval_;
  bool by_epoch_;
  int64_t max_keep_;
  bool save_last_;
  int64_t save_begin_;
  std::string template_;
  std::vector<std::string> metrics_;  // of save_best
  std::vector<MetricRule> rules_;     // one a metric; empty: told from the names
  MetricKeys keys_;

  bool is_training_ = false;
  bool has_trained_ = false;
  bool has_saved_ = false;     // a step, since this start
  bool adds_to_kept_ = false;  // the save that is going on brought a new name
  int64_t last_step_ = 0;
  std::string pending_step_;
  std::vector<std::string> kept_;  // interval checkpoints, oldest first
  std::map<std::string, Best> best_;
};

GRAPNEL_HOOK(CheckpointHook, "1.0.0", "Saves the run at an interval, at its end and when a metric is best",
             int_option("interval", "-1", "epochs or iterations between two checkpoints; -1: none", -1),
             bool_option("by_epoch", "true", "count epochs, not iterations"),
             int_option("max_keep_ckpts", "-1", "interval checkpoints kept; -1: all", -1),
             bool_option("save_last", "true", "also save the last state"),
             optional(tree_option("save_best", nullptr,
                                  "a metric, a list of metrics, or \"auto\" for the first one")),
             optional(tree_option("rule", nullptr,
                                  "\"greater\" or \"less\", or one a metric; absent: told from the name")),
             optional(string_list_option("greater_keys", nullptr, "parts of a name that tell 'greater'")),
             optional(string_list_option("less_keys", nullptr, "parts of a name that tell 'less'")),
             int_option("save_begin", "0", "first epoch or iteration that counts", 0),
             optional(string_option("filename_tmpl", nullptr, "file name with {} for the number")),
             bool_option("save_optimizer", "true", "MMEngine's; always so here"),
             bool_option("save_param_scheduler", "true", "MMEngine's; always so here"),
             optional(tree_option("published_keys", nullptr, "MMEngine's; ignored with a warning")));

}  // namespace grapnel
