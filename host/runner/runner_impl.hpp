// What the runner's files share: its state and the steps that a run is made of. Internal to this room.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runner/hook_ranges.hpp"
#include "runner/runner.hpp"

namespace grapnel::runner {

struct Runner::Impl {
  // Where a run that is resumed from a checkpoint goes on.
  struct Position {
    int64_t epoch = 0;
    int64_t iter = 0;
    int64_t epoch_batch = 0;  // batches of `epoch` that were trained on
    bool validation_due = false;
  };
  struct LoopData {
    std::unique_ptr<Dataset> dataset;
    std::unique_ptr<DataLoader> loader;
    std::string pipeline_json;  // what replaced the config's pipeline; "": nothing did
  };
  // What hooks asked for at the point that is over.
  struct Requests {
    bool stop = false;
    bool validate = false;
    bool skip_step = false;
    bool veto = false;
    std::vector<std::string> saves;
  };
  struct PointExtras {
    int64_t batch_idx = -1;
    const char* checkpoint_path = nullptr;
    const char* message = nullptr;
  };

  Impl(RunConfig run_config, Task& its_task, HookHost& its_hooks, Collectives& its_collectives);

  // ---- runner.cpp: building, points, the frame of a run
  LoopData make_loop_data(Split split, const DataloaderConfig& dataloader);
  void scale_lr();
  void make_folders();
  grapnel_point_args point_args(int32_t which, const PointExtras& extras) const;
  void call(int32_t which, const PointExtras& extras);
  void call(int32_t which) { call(which, PointExtras()); }
  // before_run, `body`, after_run; whatever happens.
  RunEnd run(const std::function<bool()>& body);
  void wind_up(const std::string& message);
  LoopData& data(Mode which);
  int64_t max_epochs() const;
  int64_t max_iters() const;
  int64_t train_length() const;
  bool validation_is_due(int64_t count) const;
  int64_t val_interval_at(int64_t count) const;

  // ---- rank_agreement.cpp: what all ranks must decide alike
  // The requests made so far, the same on every rank. A stop lasts; a validation lasts until it is run.
  Requests agree();
  bool on_any_rank(bool here);
  // Looks for a signal only: requests stay open.
  bool termination_is_agreed();
  void average_gradients();

  // ---- train_loop.cpp; each gives false when a signal ended the run
  bool train();
  bool run_epochs();
  bool run_iterations();
  bool run_train_iteration(int64_t batch_idx);
  void train_step(int64_t batch_idx);
  StepOutput forward();
  void drop_gradients();
  bool validate();

  // ---- evaluation_loop.cpp; false when a signal ended it before its end
  bool evaluate(Mode which);

  // ---- run_checkpoint.cpp
  Checkpoint at(const Position& position) const;
  void capture(Checkpoint& checkpoint, bool copy_tensors);
  // The nested points and the write. `captured`: what to write, taken earlier; null: the present state.
  void save_checkpoint(const std::string& file_name, const Position& position,
                       Checkpoint* captured = nullptr);
  void save_requested(const std::vector<std::string>& file_names, const Position& position);
  // on_interrupt and its checkpoint.
  void interrupt(const Position& position, Checkpoint* captured = nullptr);
  std::string find_newest_checkpoint() const;
  void note_last_checkpoint(const std::string& path);

  // ---- run_start.cpp: what a run begins with
  // Reads the file to start from before any hook is called; its path, "" for none.
  std::string read_start_file(bool training);
  void load_start_file(const std::string& path, bool training);
  void resume_from(const std::string& path);

  // ---- run_settings.cpp: switches that hooks set during a run, kept over a resume
  std::string settings_json() const;
  void restore_settings(const std::string& json, Checkpoint& checkpoint, const std::string& path);

  RunConfig config;
  Task& task;
  HookHost& hooks;
  Collectives& collectives;
  LoopData train_data, val_data, test_data;
  std::unique_ptr<Optimizer> optimizer;
  MessageHub hub;
  Metrics metrics;
  std::string config_json;
  std::string log_dir;
  std::string last_checkpoint;

  Mode mode = Mode::kNone;
  int64_t epoch = 0;
  int64_t iter = 0;
  int64_t epoch_batch = 0;
  int64_t accumulated = 0;
  bool validation_owed = false;  // by the run that this one resumes
  bool is_resumed = false;
  bool weights_ready = false;
  // Latched when training starts: a hook that is disabled on one rank must not change what all ranks
  // exchange.
  bool asks_after_backward = false;
  bool asks_before_step = false;
  bool before_run_called = false;
  grapnel_point_args point{};
  HookRanges hook_ranges;
  Batch batch;
  bool has_batch = false;
  NamedTensors outputs;
  NamedTensors last_train_outputs;  // for before_save_checkpoint
  Checkpoint* open_checkpoint = nullptr;
  Checkpoint start_file;
  bool start_file_is_whole = false;  // all that a run left, not only weights
  bool resuming = false;             // the start file's counters and states count, not only its weights
  Requests requests;
  bool stop = false;                  // agreed over ranks
  bool validation_requested = false;  // agreed over ranks
  int signal = 0;                     // agreed over ranks
};

}  // namespace grapnel::runner
