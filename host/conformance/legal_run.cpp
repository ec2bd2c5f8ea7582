#include "conformance/legal_run.hpp"

#include <filesystem>
#include <fstream>

namespace grapnel::conformance {

LegalRun::LegalRun(InMemoryHost& host, const RunPlan& plan) : host_(host), plan_(plan) {
  seen_stops_ = host.requests.stops.size();
  seen_saves_ = host.requests.saves.size();
  seen_skips_ = host.requests.skipped_steps.size();
  seen_validations_ = host.requests.validations;
}

RunOutcome LegalRun::run() {
  std::filesystem::create_directories(host_.log_dir);
  try {
    body();
    host_.state.mode = GRAPNEL_MODE_NONE;
    host_.state.batch_idx = -1;
    call("after_run");
    outcome_.is_whole = true;
  } catch (const HookFailed& failed) {
    wind_up(failed.message);
  }
  return std::move(outcome_);
}

void LegalRun::call(const char* point, const char* text) {
  const CallResult result = host_.call(point, text);
  if (result.ok()) return;
  outcome_.failures.emplace_back(point, result);
  throw HookFailed{std::string("the hook failed in ") + point + ": " + result.message};
}

void LegalRun::call_in_batch(const char* point, int64_t batch_idx) {
  host_.state.batch_idx = batch_idx;
  call(point);
}

void LegalRun::wind_up(const std::string& message) {
  host_.exception_batch_idx = host_.state.batch_idx;
  const auto tell = [this](const char* point, const char* text) {
    const CallResult result = host_.call(point, text);
    if (!result.ok()) outcome_.failures.emplace_back(point, result);
  };
  tell("on_exception", message.c_str());
  host_.state.mode = GRAPNEL_MODE_NONE;
  host_.state.batch_idx = -1;
  tell("after_run", nullptr);
}

void LegalRun::agree() {
  const RunRequests& requests = host_.requests;
  stop_ = stop_ || requests.stops.size() > seen_stops_;
  seen_stops_ = requests.stops.size();
  for (; seen_saves_ < requests.saves.size(); ++seen_saves_) saves_.push_back(requests.saves[seen_saves_]);
  skip_ = requests.skipped_steps.size() > seen_skips_;
  seen_skips_ = requests.skipped_steps.size();
  validation_requested_ = validation_requested_ || requests.validations > seen_validations_;
  seen_validations_ = requests.validations;
}

void LegalRun::begin() {
  host_.state.mode = GRAPNEL_MODE_NONE;
  host_.state.epoch = host_.state.iter = 0;
  host_.state.batch_idx = -1;
  call("before_run");
  if (start_.is_there) {
    resume();
  } else if (plan_.loads_weights) {
    host_.checkpoint.path = host_.work_dir + "/weights.pth";
    host_.checkpoint.is_resume = false;
    call("after_load_checkpoint", host_.checkpoint.path.c_str());
  }
}

void LegalRun::resume() {
  host_.parameters = start_.parameters;
  host_.buffers = start_.buffers;
  host_.groups = start_.groups;
  for (size_t i = 0; i < start_.states.size() && i < host_.instance_count(); ++i) {
    if (!host_.keeps_state(i)) continue;
    const CallResult result = host_.load_state(start_.states[i], i);
    if (result.ok()) continue;
    outcome_.failures.emplace_back("load_state", result);
    throw HookFailed{"the state was refused: " + result.message};
  }
  host_.checkpoint.path = start_.path;
  host_.checkpoint.last_path = start_.path;
  host_.checkpoint.is_resume = true;
  host_.checkpoint.epoch = start_.epoch;
  host_.checkpoint.iter = start_.iter;
  call("after_load_checkpoint", start_.path.c_str());
  host_.state.is_resumed = 1;
  host_.state.epoch = start_.epoch;
  host_.state.iter = start_.iter;
  epoch_batch_ = start_.epoch_batch;
}

void LegalRun::body() {
  begin();
  if (plan_.loop == RunPlan::Loop::kVal) evaluate(GRAPNEL_MODE_VAL, plan_.val_length);
  if (plan_.loop == RunPlan::Loop::kTest) evaluate(GRAPNEL_MODE_TEST, plan_.test_length);
  if (plan_.loop == RunPlan::Loop::kTrain) train();
}

// False: a signal ended it.
bool LegalRun::train() {
  host_.state.mode = GRAPNEL_MODE_TRAIN;
  call("before_train");
  agree();
  if (!(plan_.by_epoch ? run_epochs() : run_iterations())) return false;
  host_.state.batch_idx = -1;
  call("after_train");
  agree();
  save_requested({host_.state.epoch, host_.state.iter, epoch_batch_});
  return true;
}

bool LegalRun::run_epochs() {
  while (host_.state.epoch < plan_.max_epochs && (!stop_ || epoch_batch_ > 0)) {
    call("before_train_epoch");
    agree();
    while (epoch_batch_ < plan_.length) {
      if (!train_iteration(epoch_batch_)) return false;
    }
    host_.state.batch_idx = -1;
    call("after_train_epoch");
    agree();
    const bool validation =
        std::exchange(validation_requested_, false) || validation_is_due(host_.state.epoch + 1);
    save_requested({host_.state.epoch + 1, host_.state.iter, 0});
    ++host_.state.epoch;
    epoch_batch_ = 0;
    if (validation && !validate()) return false;
  }
  return true;
}

bool LegalRun::run_iterations() {
  call("before_train_epoch");
  agree();
  while (host_.state.iter < plan_.max_iters && !stop_) {
    epoch_batch_ = host_.state.iter % plan_.length;
    if (!train_iteration(host_.state.iter)) return false;
  }
  host_.state.batch_idx = -1;
  call("after_train_epoch");
  agree();
  save_requested({host_.state.epoch, host_.state.iter, epoch_batch_});
  return !std::exchange(validation_requested_, false) || validate();
}

bool LegalRun::train_iteration(int64_t batch_idx) {
  const int64_t iter = host_.state.iter;
  make_batch(host_, plan_, iter);
  call_in_batch("before_train_iter", batch_idx);
  if (iter == plan_.fail_at) throw HookFailed{"the run failed: the task cannot go on"};
  train_step(batch_idx);
  call_in_batch("after_train_iter", batch_idx);
  if (iter == plan_.stop_at) stop_ = true;
  if (iter == plan_.validate_at && plan_.val_length > 0) validation_requested_ = true;
  if (plan_.save_every_iters > 0 && (iter + 1) % plan_.save_every_iters == 0)
    saves_.push_back("iter_" + std::to_string(iter + 1) + ".pth");

  agree();
  const bool validation =
      std::exchange(validation_requested_, false) || (!plan_.by_epoch && validation_is_due(iter + 1));
  const Position next = {host_.state.epoch, iter + 1, epoch_batch_ + 1};
  save_requested(next);
  host_.state.iter = next.iter;
  epoch_batch_ = next.epoch_batch;
  if (iter == plan_.interrupt_at) {
    interrupt(next);
    return false;
  }
  return !validation || validate();
}

void LegalRun::train_step(int64_t batch_idx) {
  const int64_t iter = host_.state.iter;
  make_losses(host_, plan_, iter);
  make_gradients(host_, plan_, iter);
  call_in_batch("after_backward", batch_idx);
  agree();
  bool skip = skip_ || iter == plan_.skip_at;
  const bool step_now = (iter + 1) % plan_.accumulate == 0 || iter + 1 == plan_.total_iters();
  if (step_now && !skip) {
    call_in_batch("before_optimizer_step", batch_idx);
    agree();
    skip = skip_;
  }
  if (step_now && !skip) step(host_);
  if (step_now || skip) drop_gradients(host_);
}

bool LegalRun::validate() {
  const int32_t outer = host_.state.mode;
  const auto losses = host_.outputs;
  evaluate(GRAPNEL_MODE_VAL, plan_.val_length);
  host_.outputs = losses;
  host_.state.mode = outer;
  return true;
}

void LegalRun::evaluate(int32_t mode, int64_t length) {
  const bool val = mode == GRAPNEL_MODE_VAL;
  host_.state.mode = mode;
  host_.state.batch_idx = -1;
  call(val ? "before_val" : "before_test");
  call(val ? "before_val_epoch" : "before_test_epoch");
  for (int64_t batch = 0; batch < length; ++batch) {
    make_batch(host_, plan_, 1000 + batch);
    call_in_batch(val ? "before_val_iter" : "before_test_iter", batch);
    make_predictions(host_, plan_, 1000 * evaluations_ + batch);
    call_in_batch(val ? "after_val_iter" : "after_test_iter", batch);
  }
  host_.state.batch_idx = -1;
  make_metrics(host_, plan_, evaluations_++);
  const Position next = {host_.state.epoch, host_.state.iter, epoch_batch_};
  call(val ? "after_val_epoch" : "after_test_epoch");
  agree();
  save_requested(next);
  call(val ? "after_val" : "after_test");
  agree();
  save_requested(next);
}

void LegalRun::save_requested(const Position& position) {
  for (const std::string& file_name : std::exchange(saves_, {})) save(file_name, position);
}

void LegalRun::save(const std::string& file_name, const Position& position) {
  const int64_t batch_idx = std::exchange(host_.state.batch_idx, -1);
  const std::string path = host_.work_dir + "/" + file_name;
  host_.checkpoint.path = path;
  host_.checkpoint.is_resume = false;
  host_.checkpoint.epoch = position.epoch;
  host_.checkpoint.iter = position.iter;
  host_.checkpoint.meta.clear();
  const size_t vetoes = host_.requests.vetoes.size();
  call("before_save_checkpoint", path.c_str());
  agree();
  if (host_.requests.vetoes.size() == vetoes) {
    RunCheckpoint made;
    made.is_there = true;
    made.path = path;
    made.epoch = position.epoch;
    made.iter = position.iter;
    made.epoch_batch = position.epoch_batch;
    for (size_t i = 0; i < host_.instance_count(); ++i)
      made.saved.push_back(host_.save_state(made.states.emplace_back(), i));
    if (at_save) at_save();
    made.parameters = host_.parameters;
    made.buffers = host_.buffers;
    made.groups = host_.groups;
    outcome_.checkpoint = std::move(made);
    std::ofstream(path) << "a checkpoint";
    host_.checkpoint.last_path = path;
  }
  call("after_save_checkpoint", path.c_str());
  host_.state.batch_idx = batch_idx;
}

void LegalRun::interrupt(const Position& position) {
  host_.state.batch_idx = -1;
  call("on_interrupt", "SIGINT");
  agree();
  if (saves_.empty()) saves_.push_back("interrupted_iter_" + std::to_string(position.iter) + ".pth");
  save_requested(position);
}

bool LegalRun::validation_is_due(int64_t count) const {
  if (plan_.val_length == 0 || count < plan_.val_begin) return false;
  const int64_t last = plan_.by_epoch ? plan_.max_epochs : plan_.max_iters;
  return count % plan_.val_interval == 0 || count == last;
}

}  // namespace grapnel::conformance
