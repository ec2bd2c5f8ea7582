// Carries out a plan on a host as the runner does: every point in its legal order with the counters that
// belong to it, states saved and loaded where a run does that, requests of hooks honoured, and the end that
// every run has, after a failure too. The order is that of MMEngine's EpochBasedTrainLoop,
// IterBasedTrainLoop, ValLoop and TestLoop, with Grapnel's own points between (host/runner has the same rules
// over LibTorch).
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "conformance/run_plan.hpp"

namespace grapnel::conformance {

// What a checkpoint of such a run holds.
struct RunCheckpoint {
  bool is_there = false;
  std::string path;
  int64_t epoch = 0, iter = 0, epoch_batch = 0;
  std::vector<SavedState> states;  // one an instance
  std::vector<CallResult> saved;   // how saving each went
  std::vector<ModelEntry> parameters, buffers;
  std::vector<ParamGroup> groups;
};

struct RunOutcome {
  std::vector<std::pair<std::string, CallResult>> failures;  // calls that were not OK, by name
  bool is_whole = false;                                     // the run came to its planned end
  RunCheckpoint checkpoint;                                  // the last that was written
};

class LegalRun {
 public:
  // The host is furnished and its instances are created.
  LegalRun(InMemoryHost& host, const RunPlan& plan);
  // The run goes on from there. Before run().
  void resume_from(const RunCheckpoint& checkpoint) { start_ = checkpoint; }
  // Called at each save when the states are taken: save_state may be called.
  std::function<void()> at_save;
  RunOutcome run();

 private:
  struct HookFailed {
    std::string message;
  };
  struct Position {
    int64_t epoch, iter, epoch_batch;
  };
  void body();
  void begin();
  void resume();
  bool train();
  bool run_epochs();
  bool run_iterations();
  bool train_iteration(int64_t batch_idx);
  void train_step(int64_t batch_idx);
  bool validate();
  void evaluate(int32_t mode, int64_t length);
  void save(const std::string& file_name, const Position& position);
  void save_requested(const Position& position);
  void interrupt(const Position& position);
  void wind_up(const std::string& message);
  bool validation_is_due(int64_t count) const;
  // Takes what hooks asked for since the last time.
  void agree();
  void call(const char* point, const char* text = nullptr);
  void call_in_batch(const char* point, int64_t batch_idx);

  InMemoryHost& host_;
  const RunPlan& plan_;
  RunCheckpoint start_;
  RunOutcome outcome_;
  bool stop_ = false, validation_requested_ = false, skip_ = false;
  std::vector<std::string> saves_;
  size_t seen_stops_ = 0, seen_saves_ = 0, seen_skips_ = 0;
  int seen_validations_ = 0;
  int64_t epoch_batch_ = 0;
  int64_t evaluations_ = 0;
};

}  // namespace grapnel::conformance
