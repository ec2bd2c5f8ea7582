// Writes the run's progress in MMEngine's form: console lines through the log service, and scalars.json. What
// is written comes from the message hub, where RuntimeInfoHook and IterTimerHook put it.
#include <grapnel/hook.hpp>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "scalar_file.hpp"

namespace grapnel {
namespace {

bool starts_with(const std::string& key, const std::string& prefix) {
  return key.compare(0, prefix.size(), prefix) == 0;
}

std::string formatted(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

// 3725 s -> "1:02:05".
std::string clock_text(double seconds) {
  const auto whole = static_cast<long long>(seconds);
  char text[48];
  std::snprintf(text, sizeof text, "%lld:%02lld:%02lld", whole / 3600, whole / 60 % 60, whole % 60);
  return text;
}

double resident_mb() {
  long long pages = 0;
  if (std::FILE* file = std::fopen("/proc/self/statm", "re")) {
    if (std::fscanf(file, "%*d %lld", &pages) != 1) pages = 0;
    std::fclose(file);
  }
  return static_cast<double>(pages) * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1048576.0;
}

// "[ 10/188]": the count padded to the length's width.
std::string of_text(int64_t count, int64_t length) {
  const std::string total = std::to_string(length), done = std::to_string(count);
  return "[" + std::string(total.size() > done.size() ? total.size() - done.size() : 0, ' ') + done + "/" +
         total + "]";
}

}  // namespace

class LoggerHook : public Hook {
 public:
  static constexpr int32_t default_priority = GRAPNEL_PRIORITY_BELOW_NORMAL;
  static constexpr const char* author = "Grapnel";
  static constexpr const char* license = "Apache-2.0";

  explicit LoggerHook(const Setup& setup)
      : Hook(setup),
        interval_(setup.integer("interval")),
        ignore_last_(setup.boolean("ignore_last")),
        interval_exp_name_(setup.integer("interval_exp_name")),
        log_metric_by_epoch_(setup.boolean("log_metric_by_epoch")),
        window_(static_cast<uint64_t>(setup.integer("window_size"))) {}

  void before_run(const Point&) override {
    is_writer_ = collectives().rank() == 0;
    if (is_writer_ && !is_open_) report(file_.open(runner().log_dir()));
    is_open_ = true;
  }

  void after_train_iter(const Point& at) override {
    if (!is_writer_) return;
    if (every_n_train_iters(at, interval_exp_name_))
      log().info("Exp name: " + message_hub().text("experiment_name"));
    const bool last = end_of_epoch(at) && (!ignore_last_ || at.epoch_length <= interval_);
    if (every_n_inner_iters(at, interval_) || last) log_train(at);
  }

  void after_val_iter(const Point& at) override { log_evaluation_iter(at, "val"); }
  void after_test_iter(const Point& at) override { log_evaluation_iter(at, "test"); }
  void after_val_epoch(const Point& at) override { log_metrics(at, "val"); }
  void after_test_epoch(const Point& at) override { log_metrics(at, "test"); }

 private:
  void report(const std::string& problem) const {
    if (!problem.empty()) log().warning("scalars.json cannot be written any more: " + problem);
  }

  double mean(const std::string& key, uint64_t window) const {
    return message_hub().scalar(key, GRAPNEL_STATISTIC_MEAN, window);
  }

  void log_train(const Point& at) {
    ScalarFile::Scalars scalars, losses;
    for (const auto& key : message_hub().scalar_keys()) {
      if (!starts_with(key, "train/")) continue;
      const std::string name = key.substr(6);
      if (name == "time" || name == "data_time") continue;
      if (name.find("loss") == std::string::npos)
        scalars.emplace_back(name, message_hub().scalar(key));
      else
        losses.emplace_back(name, mean(key, window_));
    }
    std::string line = at.by_epoch ? "Epoch(train)" + padded_epoch(at.epoch + 1, at.max_epochs)
                                   : std::string("Iter(train) ");
    line +=
        of_text(at.by_epoch ? at.batch_idx + 1 : at.iter + 1, at.by_epoch ? at.epoch_length : at.max_iters);
    for (const auto& [name, value] : scalars) line += "  " + name + ": " + formatted("%.4e", value);
    const std::string eta = message_hub().text("eta");
    if (!eta.empty()) line += "  eta: " + clock_text(std::strtod(eta.c_str(), nullptr));
    for (const char* name : {"time", "data_time"}) {
      const std::string key = std::string("train/") + name;
      if (!message_hub().has_scalar(key)) continue;
      scalars.emplace_back(name, mean(key, static_cast<uint64_t>(interval_)));
      line += std::string("  ") + name + ": " + formatted("%.4f", scalars.back().second);
    }
    const double memory = resident_mb();
    line += "  memory: " + formatted("%.0f", memory);
    for (const auto& [name, value] : losses) line += "  " + name + ": " + formatted("%.4f", value);
    log().info(line);

    scalars.insert(scalars.end(), losses.begin(), losses.end());
    if (at.by_epoch) scalars.emplace_back("epoch", static_cast<double>(at.epoch + 1));
    scalars.emplace_back("iter", static_cast<double>(at.iter + 1));
    scalars.emplace_back("memory", static_cast<double>(static_cast<int64_t>(memory)));
    scalars.emplace_back("step", static_cast<double>(at.iter + 1));
    report(file_.append(scalars));
  }

  // "  [3]": as wide as the largest epoch's.
  static std::string padded_epoch(int64_t epoch, int64_t max_epochs) {
    const std::string text = "[" + std::to_string(epoch) + "]";
    const size_t width = std::to_string(max_epochs).size() + 3;
    return std::string(width > text.size() ? width - text.size() : 0, ' ') + text;
  }

  // "Epoch(val) [3]" during training by epochs, "Iter(val) " by iterations, "Epoch(val) " in a run of its
  // own.
  static std::string evaluation_title(const Point& at, const std::string& mode) {
    if (!at.by_epoch) return "Iter(" + mode + ") ";
    const std::string title = "Epoch(" + mode + ") ";
    return at.max_epochs > 0 && mode == "val" ? title + "[" + std::to_string(at.epoch) + "]" : title;
  }

  void log_evaluation_iter(const Point& at, const std::string& mode) {
    if (!is_writer_ || !every_n_inner_iters(at, interval_)) return;
    std::string line = evaluation_title(at, mode) + of_text(at.batch_idx + 1, at.epoch_length) + "  ";
    const std::string eta = message_hub().text("eta");
    if (!eta.empty()) line += "  eta: " + clock_text(std::strtod(eta.c_str(), nullptr));
    for (const char* name : {"time", "data_time"}) {
      const std::string key = mode + "/" + name;
      if (message_hub().has_scalar(key))
        line +=
            std::string("  ") + name + ": " + formatted("%.4f", mean(key, static_cast<uint64_t>(interval_)));
    }
    log().info(line + "  memory: " + formatted("%.0f", resident_mb()));
  }

  void log_metrics(const Point& at, const std::string& mode) {
    if (!is_writer_) return;
    const std::string table = runner().evaluation_table();
    if (!table.empty()) log().info("\n" + table);
    ScalarFile::Scalars scalars;
    for (uint64_t i = 0; i < values().count(GRAPNEL_VALUES_METRICS); ++i) {
      const grapnel_named_value metric = values().get(GRAPNEL_VALUES_METRICS, i);
      scalars.emplace_back(metric.name, metric.number);
    }
    for (const char* name : {"data_time", "time"}) {
      const std::string key = mode + "/" + name;
      if (message_hub().has_scalar(key))
        scalars.emplace_back(name, mean(key, static_cast<uint64_t>(std::max<int64_t>(at.epoch_length, 1))));
    }
    std::string line = evaluation_title(at, mode) + of_text(at.epoch_length, at.epoch_length) + "  ";
    for (const auto& [name, value] : scalars) line += "  " + name + ": " + formatted("%.4f", value);
    log().info(line);
    scalars.emplace_back("step",
                         static_cast<double>(at.by_epoch && log_metric_by_epoch_ ? at.epoch : at.iter));
    report(file_.append(scalars));
  }

  int64_t interval_;
  bool ignore_last_;
  int64_t interval_exp_name_;
  bool log_metric_by_epoch_;
  uint64_t window_;
  bool is_writer_ = true;
  bool is_open_ = false;
  ScalarFile file_;
};

GRAPNEL_HOOK(LoggerHook, "1.0.0", "Writes progress lines, metrics and scalars.json as MMEngine does",
             int_option("interval", "10", "iterations between two lines", 1),
             bool_option("ignore_last", "true", "no line for the end of an epoch that fills no interval"),
             int_option("interval_exp_name", "1000", "iterations between two lines with the run's name", 1),
             bool_option("log_metric_by_epoch", "true", "a metric's step is the epoch, else the iteration"),
             int_option("window_size", "10", "iterations over which losses are averaged", 1));

}  // namespace grapnel
