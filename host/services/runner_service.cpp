// grapnel.runner/1: where the run stands, and what a hook may ask of it.
#include "services/service_call.hpp"
#include "services/tables.hpp"

namespace grapnel::services {
namespace {

int64_t length_of(runner::Runner& runner, runner::Mode mode) {
  const runner::DataLoader* loader = runner.loader(mode);
  return loader != nullptr ? loader->batches_per_epoch() : 0;
}

void get_state(const grapnel_host* host, grapnel_run_state* out) {
  guarded_value(host, "runner.get_state", 0, [&] {
    runner::Runner& runner = runner_for(host);
    const runner::RunConfig& config = runner.config();
    grapnel_run_state state{};
    state.mode = static_cast<int32_t>(runner.mode());
    state.by_epoch = !config.train || config.train->by_epoch ? 1 : 0;
    state.is_resumed = runner.is_resumed() ? 1 : 0;
    state.epoch = runner.epoch();
    state.iter = runner.iter();
    state.batch_idx = runner.point().batch_idx;
    state.max_epochs = runner.max_epochs();
    state.max_iters = runner.max_iters();
    state.train_epoch_length = length_of(runner, runner::Mode::kTrain);
    state.val_epoch_length = length_of(runner, runner::Mode::kVal);
    state.test_epoch_length = length_of(runner, runner::Mode::kTest);
    state.accumulative_counts = config.optimizer ? config.optimizer->accumulative_counts : 1;
    state.val_interval = runner.val_interval();
    state.seed = config.seed;
    hand_over(out, state, "state");
    return 0;
  });
}

const char* work_dir(const grapnel_host* host) {
  return guarded_value<const char*>(host, "runner.work_dir", "",
                                    [&] { return runner_for(host).work_dir().c_str(); });
}

const char* log_dir(const grapnel_host* host) {
  return guarded_value<const char*>(host, "runner.log_dir", "",
                                    [&] { return runner_for(host).log_dir().c_str(); });
}

const char* config_json(const grapnel_host* host) {
  return guarded_value<const char*>(host, "runner.config_json", "{}",
                                    [&] { return runner_for(host).config_json().c_str(); });
}

const char* evaluation_table(const grapnel_host* host) {
  // The task makes the text anew; it has to stay until the callback returns, so the training thread keeps it.
  thread_local std::string text;
  return guarded_value<const char*>(host, "runner.evaluation_table", "", [&] {
    text = runner_for(host).task().evaluation_table();
    return text.c_str();
  });
}

grapnel_status request_stop(const grapnel_host* host, const char* reason, grapnel_error* error) {
  return guarded(error, [&] { runner_for(host).request_stop(caller_of(host), required(reason, "reason")); });
}

grapnel_status request_validation(const grapnel_host* host, grapnel_error* error) {
  return guarded(error, [&] { runner_for(host).request_validation(caller_of(host)); });
}

grapnel_status request_save(const grapnel_host* host, const char* file_name, grapnel_error* error) {
  return guarded(error,
                 [&] { runner_for(host).request_save(caller_of(host), required(file_name, "file_name")); });
}

grapnel_status request_skip_step(const grapnel_host* host, const char* reason, grapnel_error* error) {
  return guarded(error,
                 [&] { runner_for(host).request_skip_step(caller_of(host), required(reason, "reason")); });
}

grapnel_status veto_checkpoint(const grapnel_host* host, const char* reason, grapnel_error* error) {
  return guarded(error,
                 [&] { runner_for(host).veto_checkpoint(caller_of(host), required(reason, "reason")); });
}

}  // namespace

const grapnel_runner_service& runner_table() {
  static const grapnel_runner_service table = {sizeof table,
                                               0,
                                               get_state,
                                               work_dir,
                                               log_dir,
                                               config_json,
                                               evaluation_table,
                                               request_stop,
                                               request_validation,
                                               request_save,
                                               request_skip_step,
                                               veto_checkpoint};
  return table;
}

}  // namespace grapnel::services
