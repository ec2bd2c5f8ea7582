// A run as a config might describe it, small, drawn from a seed: which loops, how long, what happens on the
// way. Everything in it is legal; legal_run.hpp carries it out.
#pragma once

#include <cstdint>
#include <string>

#include "conformance/in_memory_host.hpp"
#include "core/philox.hpp"

namespace grapnel::conformance {

struct RunPlan {
  enum class Loop { kTrain, kVal, kTest };
  Loop loop = Loop::kTrain;
  bool by_epoch = true;
  int64_t max_epochs = 2;  // by epoch
  int64_t max_iters = 5;   // by iteration
  int64_t length = 3;      // batches in a train epoch
  int64_t val_length = 2;  // 0: no validation
  int64_t test_length = 2;
  int64_t val_begin = 1, val_interval = 1;
  int64_t accumulate = 1;
  int64_t world_size = 1, rank = 0;
  bool loads_weights = false;    // from a file that is no checkpoint of this run
  int64_t save_every_iters = 0;  // as a CheckpointHook beside the hook would ask; 0: never
  // Iterations at which something happens; -1: never.
  int64_t interrupt_at = -1, fail_at = -1, stop_at = -1, validate_at = -1, skip_at = -1, nan_at = -1;
  uint64_t content_seed = 0;  // of model, data, losses, metrics
  bool has_rare_dtypes = false;

  int64_t total_iters() const {
    return loop != Loop::kTrain ? 0 : by_epoch ? max_epochs * length : max_iters;
  }
  std::string text() const;  // "training by epoch, 2 x 3 iterations, ..."
};

// The kinds that every check goes through, in this order; from kPlanKinds on everything is drawn.
constexpr size_t kPlanKinds = 9;
RunPlan draw_plan(uint64_t seed, size_t number);

// Fills the host with what such a run has: model, optimiser, data, config, folders (work_dir must be set).
void furnish(InMemoryHost& host, const RunPlan& plan);

// What changes from batch to batch; `count` is any number that tells batches apart.
void make_batch(InMemoryHost& host, const RunPlan& plan, int64_t count);
void make_losses(InMemoryHost& host, const RunPlan& plan, int64_t count);
void make_predictions(InMemoryHost& host, const RunPlan& plan, int64_t count);
void make_metrics(InMemoryHost& host, const RunPlan& plan, int64_t count);
void make_gradients(InMemoryHost& host, const RunPlan& plan, int64_t count);
void drop_gradients(InMemoryHost& host);
// Moves the parameters, as the optimiser does.
void step(InMemoryHost& host);

}  // namespace grapnel::conformance
