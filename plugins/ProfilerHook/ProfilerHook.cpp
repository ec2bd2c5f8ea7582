// Records operators, phases and hooks of the first iterations or epochs; leaves a Chrome trace and logs where
// the time went. Options are MMEngine's.
#include <grapnel/torch.hpp>

#include <grapnel/hook.hpp>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "../json/json.hpp"
#include "../json/table.hpp"
#include "chrome_trace.hpp"
#include "operator_table.hpp"
#include "profile_schedule.hpp"
#include "recorder.hpp"

namespace {

using grapnel::Error;

// What on_trace_ready asks for.
struct TableOptions {
  bool wanted = true;
  profiler::SortBy sort_by = profiler::SortBy::kSelf;
  size_t row_limit = 30;
  std::string trace_folder;  // of tb_trace; "": json_trace_path says where the trace goes
};

profiler::SortBy read_sort_by(const grapnel::json::Table& table, const std::string& name) {
  if (name == "self_cpu_time_total") return profiler::SortBy::kSelf;
  if (name == "cpu_time_total") return profiler::SortBy::kTotal;
  if (name == "cpu_time") return profiler::SortBy::kAverage;
  if (name == "count") return profiler::SortBy::kCalls;
  table.wrong("sort_by", "must be self_cpu_time_total, cpu_time_total, cpu_time or count");
}

TableOptions read_table_options(const std::string& json) {
  const grapnel::json::Value value = grapnel::json::parse(json);
  grapnel::json::Table table(value, "on_trace_ready");
  TableOptions options;
  const auto type = table.text("type");
  if (!type) table.missing("type");
  if (*type == "log_trace") {
    if (const auto sort_by = table.text("sort_by")) options.sort_by = read_sort_by(table, *sort_by);
    if (const auto limit = table.integer("row_limit")) {
      options.row_limit = *limit < 0 ? 0 : static_cast<size_t>(*limit);  // as upstream: -1 is no limit
    }
  } else if (*type == "tb_trace") {
    options.wanted = false;
    options.trace_folder = table.text("dir_name").value_or("tf_tracing_logs");
  } else {
    table.wrong("type", "must be log_trace or tb_trace");
  }
  table.refuse_unknown();
  return options;
}

class ProfilerHook : public grapnel::Hook {
 public:
  static constexpr int32_t default_priority = GRAPNEL_PRIORITY_VERY_LOW;

  explicit ProfilerHook(const grapnel::Setup& setup)
      : Hook(setup), by_epoch_(setup.boolean("by_epoch")), profile_times_(setup.integer("profile_times")) {
    if (!setup.boolean("activity_with_cpu"))
      throw Error("activity_with_cpu is false: the CPU is all there is here");
    refuse(setup, "activity_with_cuda", "nothing runs on a GPU here");
    refuse(setup, "with_stack", "an operator's place in C++ sources is not known");
    refuse(setup, "with_flops", "floating-point operations are not counted");
    if (setup.has("schedule"))
      schedule_ = profiler::read_profile_schedule(grapnel::json::parse(setup.json("schedule")));
    if (setup.has("on_trace_ready")) table_ = read_table_options(setup.json("on_trace_ready"));
    if (setup.has("json_trace_path")) {
      trace_path_ = setup.text("json_trace_path");
      if (std::filesystem::path(trace_path_).extension() != ".json") {
        throw Error("json_trace_path is \"" + trace_path_ + "\": expected a file name that ends in .json");
      }
    }
    recorder_options_.record_shapes = setup.boolean("record_shapes");
    recorder_options_.profile_memory = setup.boolean("profile_memory");
    recorder_options_.max_ranges = static_cast<size_t>(setup.integer("max_events"));
  }

  void before_train(const grapnel::Point&) override {
    iterations_ = epochs_ = 0;
    closed_ = false;
    start_if_due();
  }

  void after_train_iter(const grapnel::Point&) override {
    if (closed_) return;
    const bool was_last = schedule_.is_last_of_a_recording(iterations_);
    ++iterations_;
    ++recorded_iterations_;
    if (!by_epoch_ && iterations_ >= profile_times_) return close();
    if (was_last) deliver();
    start_if_due();
  }

  void after_train_epoch(const grapnel::Point&) override {
    if (closed_ || !by_epoch_) return;
    if (++epochs_ >= profile_times_) close();
  }

  void after_train(const grapnel::Point&) override { close(); }
  void on_interrupt(const grapnel::Point&) override { close(); }
  void on_exception(const grapnel::Point&) override { close(); }

 private:
  static void refuse(const grapnel::Setup& setup, const char* name, const char* reason) {
    if (setup.boolean(name)) throw Error(std::string(name) + " is true: " + reason);
  }

  void start_if_due() {
    if (recorder_ || !schedule_.records(iterations_)) return;
    try {
      recorder_ = std::make_unique<profiler::Recorder>(recorder_options_);
    } catch (const std::logic_error&) {
      throw Error("another ProfilerHook records already: one at a time");
    }
    recorded_iterations_ = 0;
  }

  void close() {
    if (std::exchange(closed_, true)) return;
    deliver();
  }

  void deliver() {
    if (!recorder_) return;
    const profiler::Recording recording = recorder_->stop();
    recorder_.reset();
    ++delivered_;
    const double seconds = static_cast<double>(recording.end_ns - recording.start_ns) * 1e-9;
    size_t ranges = 0;
    for (const auto& thread : recording.threads) ranges += thread.ranges.size();
    const std::string path = next_trace_path();
    profiler::write_chrome_trace(path, recording);
    log().info("recorded " + std::to_string(recorded_iterations_) + " iterations, " + std::to_string(ranges) +
               " ranges in " + std::to_string(seconds) + " s: " + path + " (open it at ui.perfetto.dev)");
    if (recording.dropped > 0) {
      log().warning(std::to_string(recording.dropped) + " further ranges are missing: max_events is " +
                    std::to_string(recorder_options_.max_ranges));
    }
    if (!recording.memory.empty()) log_memory(recording.memory);
    if (!table_.wanted) return;
    for (const std::string& line : profiler::operator_table(recording, table_.sort_by, table_.row_limit)) {
      log().info(line);
    }
  }

  void log_memory(const std::vector<profiler::MemorySample>& samples) const {
    int64_t most = 0;
    for (const auto& sample : samples) most = sample.bytes > most ? sample.bytes : most;
    log().info("memory of tensors made while recording: " + std::to_string(most >> 20) + " MB at most, in " +
               std::to_string(samples.size()) + " changes");
  }

  // trace.json, trace_2.json, ...; ranks other than the first put their number in.
  std::string next_trace_path() const {
    namespace fs = std::filesystem;
    fs::path path = trace_path_.empty() ? fs::path(runner().log_dir()) / "trace.json" : fs::path(trace_path_);
    if (!table_.trace_folder.empty()) {
      // TensorBoard's plugin looks for this ending. An absolute folder stays as it is.
      path = fs::path(runner().log_dir()) / table_.trace_folder / "grapnel.pt.trace.json";
    }
    const std::string name = path.filename().string();
    const size_t dot = name.find('.');
    std::string number;
    if (collectives().rank() > 0) number += "_rank" + std::to_string(collectives().rank());
    if (delivered_ > 1) number += "_" + std::to_string(delivered_);
    return (path.parent_path() / (name.substr(0, dot) + number + name.substr(dot))).string();
  }

  bool by_epoch_;
  int64_t profile_times_;
  profiler::ProfileSchedule schedule_;
  TableOptions table_;
  std::string trace_path_;
  profiler::RecorderOptions recorder_options_;

  std::unique_ptr<profiler::Recorder> recorder_;
  bool closed_ = true;
  int64_t iterations_ = 0;  // of this start, as are epochs_
  int64_t epochs_ = 0;
  int64_t recorded_iterations_ = 0;
  int64_t delivered_ = 0;
};

}  // namespace

GRAPNEL_HOOK(
    ProfilerHook, "1.0.0", "Records where the time goes, by operator and hook, as a Chrome trace and a table",
    grapnel::bool_option("by_epoch", "true", "whether profile_times counts epochs, else iterations"),
    grapnel::int_option("profile_times", "1", "epochs or iterations after which it ends", 1),
    grapnel::bool_option("activity_with_cpu", "true", "only true: the CPU is what is recorded"),
    grapnel::bool_option("activity_with_cuda", "false", "only false: nothing runs on a GPU here"),
    grapnel::optional(grapnel::tree_option(
        "schedule", nullptr,
        "{wait, warmup, active, repeat, skip_first} in iterations; left out: record all")),
    grapnel::optional(grapnel::tree_option("on_trace_ready", nullptr,
                                           "{type = \"log_trace\", sort_by, row_limit} or {type = "
                                           "\"tb_trace\", dir_name}; left out: log_trace")),
    grapnel::bool_option("record_shapes", "false", "whether the trace has the sizes of operators' inputs"),
    grapnel::bool_option("profile_memory", "false", "whether the trace has the memory of tensors"),
    grapnel::bool_option("with_stack", "false", "only false: sources are not known"),
    grapnel::bool_option("with_flops", "false", "only false: operations are not counted"),
    grapnel::optional(grapnel::string_option("json_trace_path", nullptr,
                                             "the trace; left out: trace.json in the run's log folder")),
    grapnel::int_option("max_events", "1000000", "ranges that one recording holds at most", 1, 100000000));
