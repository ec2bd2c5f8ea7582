// The run: loops, counters, requests, and the points at which hooks are called, in MMEngine's order.
//
// The runner knows a Task and calls hooks through HookHost only; what hooks may see of it is offered by the
// services room over the public part below.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/hook_host.hpp"
#include "runner/checkpoint_file.hpp"
#include "runner/collectives.hpp"
#include "runner/data_loader.hpp"
#include "runner/message_hub.hpp"
#include "runner/optimizer.hpp"
#include "runner/run_config.hpp"
#include "runner/task.hpp"

namespace grapnel::runner {

enum class Mode : int32_t { kNone = 0, kTrain = 1, kVal = 2, kTest = 3 };  // as GRAPNEL_MODE_
enum class RunEnd { kDone, kInterrupted };

class Runner {
 public:
  // `task`, `hooks` and `collectives` must outlive the runner. Builds datasets, loaders and optimiser for the
  // loops that `config` has. Hooks are loaded (HookHost::load) between construction and the first run.
  Runner(RunConfig config, Task& task, HookHost& hooks, Collectives& collectives);
  ~Runner();

  // Each runs before_run ... after_run. A hook's failure or the task's is thrown after on_exception and
  // after_run were dispatched and the hooks destroyed; what is no Failure comes as one of kind kRun.
  // kInterrupted: SIGINT or SIGTERM came, the iteration was finished and a checkpoint written (a run without
  // training: nothing written). A signal during a validation drops it: the checkpoint holds the state of
  // before it and a resume runs it first.
  RunEnd train();
  RunEnd val();
  RunEnd test();

  // ---- what services and the command line read -------------------------------------------------------
  const RunConfig& config() const;
  Task& task();
  Collectives& collectives();
  MessageHub& message_hub();
  Optimizer* optimizer();         // null outside a train run
  Dataset* dataset(Mode mode);    // null: that loop has no data
  DataLoader* loader(Mode mode);  // null: that loop has no data
  // The point being dispatched now (or the last one), as hooks see it.
  const grapnel_point_args& point() const;
  const std::string& config_json() const;  // the resolved config
  int64_t max_epochs() const;              // IterBased: 1; no train loop: 0
  int64_t max_iters() const;
  int64_t val_interval() const;  // in force now; 0: no validation
  Mode mode() const;
  int64_t epoch() const;
  int64_t iter() const;
  bool is_resumed() const;
  // Of the iteration that runs, the saves at its end included; null and empty outside. At
  // before_save_checkpoint outside an iteration, outputs() are those of the last train iteration.
  const Batch* batch() const;
  const std::vector<std::pair<std::string, torch::Tensor>>& outputs() const;
  const Metrics& metrics() const;  // of the last evaluation
  const std::string& work_dir() const;
  const std::string& log_dir() const;  // work_dir/TIMESTAMP, made at construction
  const std::string& last_checkpoint() const;
  // The checkpoint being written (before_save_checkpoint) or just read (after_load_checkpoint); else null.
  Checkpoint* open_checkpoint();

  // Replaces a dataset's pipeline and remembers it, so that a resume has it too. Failure(kConfig) for a wrong
  // one, std::out_of_range for a mode without data.
  void replace_pipeline(Mode mode, const ConfigNode& pipeline);

  // ---- requests of hooks; the runner agrees on them over all ranks when the point is over ----------------
  // Which files are saved is rank 0's word. A request made where the contract (runner.h) does not allow it
  // throws std::invalid_argument, a validation without data std::domain_error.
  void request_stop(const std::string& who, const std::string& reason);
  void request_validation(const std::string& who);
  void request_save(const std::string& who, const std::string& file_name);
  // What was accumulated so far is dropped; later batches of the same step still count.
  void request_skip_step(const std::string& who, const std::string& reason);
  void veto_checkpoint(const std::string& who, const std::string& reason);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Makes SIGINT and SIGTERM end the run after the iteration. A second signal ends the process at once. Before
// each validation the run's state is then copied, so that it can be saved if a signal comes.
void catch_termination_signals();

}  // namespace grapnel::runner
