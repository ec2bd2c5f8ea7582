// The embedding API: your own training loop, Grapnel's hooks.
//
//   grapnel::HostSettings settings;
//   settings.config = "hooks.toml";                    // [plugins] and [[custom_hooks]], as for `grapnel train`
//   grapnel::Host host(settings);
//   host.position().max_epochs = 10;
//   host.load();
//   host.call(GRAPNEL_POINT_BEFORE_RUN);
//   ...                                                // your loop: counters into position(), then call()
//   host.call_all(GRAPNEL_POINT_AFTER_RUN);
//
// The loop stays yours: it says where it stands, shows what it has (values, parameters, parameter groups) and
// decides what to do with what hooks ask for. Link grapnel::host; no LibTorch is needed, tensors are given as
// the SDK's views. All of it belongs to one thread, the training thread.
#pragma once

#include <grapnel/grapnel.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace grapnel {

// Everything that goes wrong in here, with the whole message (what, where, got, expected).
class HostError : public std::runtime_error {
 public:
  HostError(const std::string& text, bool is_config) : std::runtime_error(text), is_config_(is_config) {}
  // True: the config or a plugin is wrong, nothing ran. False: a hook failed.
  bool is_config() const noexcept { return is_config_; }

 private:
  bool is_config_;
};

struct HostSettings {
  // TOML file; "" for none. Its [plugins], [default_hooks] and [[custom_hooks]] are read here, the rest is
  // shown to hooks as the run's config and otherwise left alone.
  std::string config;
  std::vector<std::string> overrides;  // "custom_hooks.0.interval=10", laid over it
  // Searched after the config's and GRAPNEL_PLUGIN_PATH's, and before the installation's own plugins.
  std::vector<std::string> plugin_folders;
  // MMEngine's six (logger, checkpoint, ...) are loaded unless the config removes them. Some need services
  // that only `grapnel train` has (the data's): off by default.
  bool default_hooks = false;
  std::string work_dir = ".";
  // "1.13.0": plugins built against another LibTorch are refused. "": this program uses none; plugins that
  // do bring theirs.
  std::string torch_version;
  uint64_t seed = 0;
};

// Where the loop stands; every point is told. Counters are MMEngine's: `epoch` and `iter` count what is
// finished, `batch_idx` is -1 outside an iteration.
struct Position {
  int32_t mode = GRAPNEL_MODE_TRAIN;
  bool by_epoch = true;
  int64_t epoch = 0;
  int64_t iter = 0;
  int64_t batch_idx = -1;
  int64_t max_epochs = 1;
  int64_t max_iters = 0;
  int64_t epoch_length = 0;
};

// Views are borrowed: they must stay valid while call() runs.
struct NamedView {
  std::string name;
  grapnel_tensor tensor;
};
struct NamedNumber {
  std::string name;
  double number;
};
struct Parameter {
  std::string name;
  grapnel_tensor tensor;
  grapnel_tensor gradient{};  // data null: it has none
  bool requires_grad = true;
};
struct ParamGroup {
  std::string name;
  double lr = 0;
  double initial_lr = 0;
  double momentum = 0;
  double initial_momentum = 0;
  bool has_momentum = true;
  double weight_decay = 0;
  uint64_t parameter_count = 0;
};

// What hooks asked for since the loop last looked; what becomes of it is the loop's to decide.
struct Requests {
  std::vector<std::string> stops;          // reasons: end the training
  bool validation = false;                 // validate when this iteration (or epoch) is over
  std::vector<std::string> saves;          // file names: write a checkpoint when this point is over
  std::vector<std::string> skipped_steps;  // reasons: no update from these gradients
  std::vector<std::string> vetoes;         // reasons: don't write this checkpoint
};

class Host {
 public:
  // Reads the config and looks for plugins; runs none of their code. Throws HostError.
  explicit Host(const HostSettings& settings);
  ~Host();  // destroys what is left of the hooks, in reverse order
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  // ---- before load ---------------------------------------------------------------------------------------
  // Offers hooks a service of your own, or in place of one of these: grapnel.log/1, runner/1, values/1,
  // model/1, optimizer/1, message_hub/1, checkpoint/1. `table` must outlive the host; its functions find
  // `context` by context_of(). A service that nobody offers is null for hooks.
  void provide(const std::string& id, const void* table);
  void set_context(void* context);
  static void* context_of(const grapnel_host* host);

  // Probes, loads and checks every configured hook and creates them in order. Throws HostError; whatever
  // was created before is destroyed again.
  void load();

  // ---- what hooks see: set freely between calls ----------------------------------------------------------
  Position& position();
  void set_batch(std::vector<NamedView> batch);
  void set_outputs(std::vector<NamedView> outputs);  // first "loss", the total
  void set_metrics(std::vector<NamedNumber> metrics);
  void set_parameters(std::vector<Parameter> parameters);  // keep their order for the whole run
  void set_buffers(std::vector<NamedView> buffers);
  void set_groups(std::vector<ParamGroup> groups);
  // As hooks left them: put these into your optimiser before its step. `changed` is called at each change.
  const std::vector<ParamGroup>& groups() const;
  void on_group_change(std::function<void(size_t index, const ParamGroup& group)> changed);
  void update_scalar(const std::string& key, double value);  // into the message hub
  // The hub's last value; `fallback` if there is none.
  double scalar(const std::string& key, double fallback) const;

  // ---- the points ----------------------------------------------------------------------------------------
  // Calls the hooks of a point (GRAPNEL_POINT_) in order. `text` is the checkpoint's path at the checkpoint
  // points, the message at on_exception and on_interrupt. Throws HostError at the first hook that fails,
  // unless its config says on_error = "disable".
  void call(int32_t point, const char* text = nullptr);
  // Calls all of them whatever happens and gives the failures: for on_exception and after_run.
  std::vector<std::string> call_all(int32_t point, const char* text = nullptr);
  // Whether any hook is there to be called: skip the work of showing values if not.
  bool subscribed(int32_t point) const;
  Requests take_requests();

  // ---- state ---------------------------------------------------------------------------------------------
  // Every hook's state and the message hub as bytes, for your checkpoint, and back (before the point
  // after_load_checkpoint). Throws HostError: a hook failed, or the bytes are none of these, or were written
  // by hooks that are not there now.
  std::vector<uint8_t> save_states();
  void load_states(const std::vector<uint8_t>& bytes);
  // The named texts that hooks give a checkpoint (before_save_checkpoint) and read back from it.
  std::vector<std::pair<std::string, std::string>>& checkpoint_texts();

  size_t size() const;
  std::string order_table() const;  // a line a point: the hooks, in order
  std::string time_table() const;   // calls, total and mean time a hook and point

  // Destroys the hooks, last one first; afterwards nobody is called. Idempotent.
  void destroy();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace grapnel
