// The two training loops, the iteration they share, and the step with gradient accumulation. Order and
// counters are MMEngine's EpochBasedTrainLoop and IterBasedTrainLoop; a resumed run goes on at the very next
// batch.
#include <spdlog/spdlog.h>

#include "core/failure.hpp"
#include "runner/amp_scope.hpp"
#include "runner/hook_ranges.hpp"
#include "runner/runner_impl.hpp"
#include "runner/signals.hpp"

namespace grapnel::runner {

bool Runner::Impl::train() {
  mode = Mode::kTrain;
  asks_after_backward = hooks.subscribed(GRAPNEL_POINT_AFTER_BACKWARD);
  asks_before_step = hooks.subscribed(GRAPNEL_POINT_BEFORE_OPTIMIZER_STEP);
  call(GRAPNEL_POINT_BEFORE_TRAIN);
  agree();
  if (validation_owed && val_data.loader) {
    if (!validate()) return false;
  }
  validation_owed = false;
  if (!(config.train->by_epoch ? run_epochs() : run_iterations())) return false;
  call(GRAPNEL_POINT_AFTER_TRAIN);
  save_requested(agree().saves, {epoch, iter, epoch_batch, false});
  return true;
}

bool Runner::Impl::run_epochs() {
  // A stop lets an epoch that was begun, by this run or the one it resumes, come to its end.
  while (epoch < config.train->max_epochs && (!stop || epoch_batch > 0)) {
    call(GRAPNEL_POINT_BEFORE_TRAIN_EPOCH);
    agree();
    if (signal != 0) {
      interrupt({epoch, iter, epoch_batch, false});
      return false;
    }
    // Not earlier: whatever hooks changed before the epoch must hold for its first batch.
    train_data.loader->start_epoch(epoch, epoch_batch);
    task.model().train();
    while (epoch_batch < train_length()) {
      if (!run_train_iteration(epoch_batch)) return false;
    }
    train_data.loader->stop();
    call(GRAPNEL_POINT_AFTER_TRAIN_EPOCH);
    const Requests agreed = agree();
    const bool validation = std::exchange(validation_requested, false) || validation_is_due(epoch + 1);
    save_requested(agreed.saves, {epoch + 1, iter, 0, validation});
    ++epoch;
    epoch_batch = 0;
    if (validation && !validate()) return false;
  }
  return true;
}

bool Runner::Impl::run_iterations() {
  const int64_t length = train_length();
  call(GRAPNEL_POINT_BEFORE_TRAIN_EPOCH);
  agree();
  if (signal != 0) {
    interrupt({epoch, iter, iter % length, false});
    return false;
  }
  // The data goes round and round; the pass that an iteration belongs to follows from its number alone.
  if (iter < config.train->max_iters && !stop) train_data.loader->start_epoch(iter / length, iter % length);
  bool fresh_pass = true;
  while (iter < config.train->max_iters && !stop) {
    if (iter % length == 0 && !fresh_pass) train_data.loader->start_epoch(iter / length, 0);
    fresh_pass = false;
    task.model().train();
    epoch_batch = iter % length;
    if (!run_train_iteration(iter)) return false;
  }
  train_data.loader->stop();
  call(GRAPNEL_POINT_AFTER_TRAIN_EPOCH);
  // There is no next epoch here: the checkpoint goes on where the iterations ended.
  const Requests agreed = agree();
  const bool validation = std::exchange(validation_requested, false);
  save_requested(agreed.saves, {epoch, iter, iter % length, validation});
  return !validation || validate();
}

bool Runner::Impl::run_train_iteration(int64_t batch_idx) {
  NamedRange data_range("data");
  auto samples = train_data.loader->next();
  if (samples.empty()) {
    throw Failure(FailureKind::kRun,
                  {"the training data ended early", "batch " + std::to_string(batch_idx), "no samples",
                   std::to_string(train_length()) + " batches in a pass", ""});
  }
  batch = task.collate(Split::kTrain, std::move(samples));
  data_range.end();
  has_batch = true;
  call(GRAPNEL_POINT_BEFORE_TRAIN_ITER, {batch_idx});
  train_step(batch_idx);
  call(GRAPNEL_POINT_AFTER_TRAIN_ITER, {batch_idx});

  const Requests agreed = agree();
  const bool due = !config.train->by_epoch && validation_is_due(iter + 1);
  const bool validation = std::exchange(validation_requested, false) || due;
  const Position next = {epoch, iter + 1, epoch_batch + 1, validation};
  save_requested(agreed.saves, next);
  has_batch = false;
  batch = Batch{};
  outputs.clear();
  iter = next.iter;
  epoch_batch = next.epoch_batch;
  if (signal != 0) {
    interrupt(next);
    return false;
  }
  return !validation || validate();
}

// Autocast is for the forward pass only: backward follows the types that it left.
StepOutput Runner::Impl::forward() {
  const HalfPrecisionScope half(config.optimizer->bfloat16);
  return task.train_step(batch);
}

void Runner::Impl::drop_gradients() {
  optimizer->zero_grad();
  accumulated = 0;
}

// Gradient accumulation as MMEngine's OptimWrapper: each loss is divided by the number of batches that its
// step covers, and the step is made at every multiple and at the run's last iteration.
void Runner::Impl::train_step(int64_t batch_idx) {
  NamedRange forward_range("forward");
  task.prepare_train_batch(batch);
  StepOutput output = forward();
  forward_range.end();
  outputs.clear();
  outputs.emplace_back("loss", output.loss.detach());
  for (auto& part : output.parts) outputs.push_back(std::move(part));
  last_train_outputs = outputs;

  const int64_t counts = config.optimizer->accumulative_counts;
  const int64_t last_iters = max_iters() % counts;
  const int64_t covered = iter < max_iters() - last_iters ? counts : last_iters;
  {
    const NamedRange range("backward");
    (covered > 1 ? output.loss / static_cast<double>(covered) : output.loss).backward();
  }
  ++accumulated;

  bool skip = false;
  if (asks_after_backward) {
    call(GRAPNEL_POINT_AFTER_BACKWARD, {batch_idx});
    if (on_any_rank(std::exchange(requests.skip_step, false))) skip = true;
  }
  const bool step_now = (iter + 1) % counts == 0 || iter + 1 == max_iters();
  if (step_now && !skip) {
    average_gradients();
    if (asks_before_step) {
      call(GRAPNEL_POINT_BEFORE_OPTIMIZER_STEP, {batch_idx});
      if (on_any_rank(std::exchange(requests.skip_step, false))) skip = true;
    }
  }
  if (skip) {
    drop_gradients();
  } else if (step_now) {
    const NamedRange range("optimizer step");
    const double norm = optimizer->clip_gradients();
    if (config.optimizer->clip_grad_max_norm) hub.update_scalar("train/grad_norm", norm);
    optimizer->step();
    drop_gradients();
  }
}

bool Runner::Impl::validate() {
  const Position before = {epoch, iter, epoch_batch, true};
  if (signal != 0) {
    interrupt(before);
    return false;
  }
  // Hooks may swap weights and change their state during a validation: what a signal must save is copied
  // first.
  Checkpoint captured = at(before);
  const bool interruptible = termination_signals_are_caught();
  if (interruptible) capture(captured, /*copy_tensors=*/true);
  if (evaluate(Mode::kVal)) {
    task.model().train();
    return true;
  }
  interrupt(before, &captured);
  return false;
}

}  // namespace grapnel::runner
