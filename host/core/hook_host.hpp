// The hooks of one run: instances in their order, called point by point.
//
// Dispatch goes through one flat array a point, and a point nobody subscribed to costs a load and a branch.
// Every call is guarded and leaves a breadcrumb (which hook, which point), so that a crash can be told, and is
// timed unless that is switched off.
#pragma once

#include <grapnel/hook.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/failure.hpp"
#include "core/hook_config.hpp"
#include "core/plugin_catalog.hpp"
#include "core/service_table.hpp"

namespace grapnel {

// A hook failed or threw in a callback: hook, point, epoch, iteration and its own message. Kind kRun.
class HookFailure : public Failure {
 public:
  HookFailure(std::string instance_key, int32_t point, const grapnel_point_args& args, std::string message);
  // Outside the points: `call` is "save_state"; point() is -1.
  HookFailure(std::string instance_key, const char* call, std::string message);
  const std::string& instance_key() const { return instance_key_; }
  int32_t point() const { return point_; }

 private:
  std::string instance_key_;
  int32_t point_;
};

// What one instance stored, as a checkpoint keeps it.
struct HookState {
  struct Tensor {
    std::string name;
    grapnel_dtype dtype{};
    std::vector<int64_t> shape;
    std::vector<uint8_t> bytes;  // contiguous, native byte order
  };
  std::string key;             // state_key, or the type and its number among its kind
  std::string type;            // hook type
  std::string plugin_version;  // of the plugin that wrote it
  std::vector<uint8_t> bytes;
  std::vector<Tensor> tensors;
};

// Told of every call of a hook while HookHost::set_observer names it.
class HookObserver {
 public:
  virtual ~HookObserver() = default;
  // Right before and right after the call, whatever comes of it. Neither may throw.
  virtual void begin(const char* instance_key, const char* point) noexcept = 0;
  virtual void end() noexcept = 0;
};

class HookHost {
 public:
  // `context` is what services get back through context_of(); core never looks at it.
  // Without `times_calls` the clock is never read and time_table() stays empty.
  HookHost(const ServiceTable& services, void* context, bool times_calls = true);
  ~HookHost();  // destroys what is left, in reverse order
  HookHost(const HookHost&) = delete;
  HookHost& operator=(const HookHost&) = delete;

  // Finds, probes, loads and checks every configured hook (options included), orders them by priority
  // (ties in config order) and creates them. Failure(kConfig) names the hook and the reason; whatever was
  // created before is destroyed again.
  void load(const PluginCatalog& catalog, const std::vector<HookConfig>& configs);

  size_t size() const;
  bool subscribed(int32_t point) const {
    return static_cast<uint32_t>(point) < 64 && (subscribed_points_ >> point & 1) != 0;
  }

  // Calls every subscriber of args.point in order. Throws HookFailure at the first that fails, unless its
  // on_error is "disable": then it is logged and the instance is never called again.
  void dispatch(const grapnel_point_args& args) {
    if (subscribed(args.point)) dispatch_to_subscribers(args);
  }
  // Calls every subscriber whatever happens and gives the failures back: for on_exception, after_run.
  std::vector<HookFailure> dispatch_to_all(const grapnel_point_args& args);

  // Whom to tell of every call from the next dispatch on; null: nobody, which costs a dispatch nothing. The
  // observer must outlive its appointment.
  void set_observer(HookObserver* observer);

  // Every instance's state, in hook order; throws HookFailure.
  std::vector<HookState> save_states();
  // Gives each state to the instance with its key. A state nobody claims is a Failure(kConfig) naming key,
  // type and version, or a warning with `waive_unclaimed`; one that its hook refuses is a Failure(kConfig)
  // always. A hook that keeps a state and finds none is told of in the log.
  void load_states(const std::vector<HookState>& states, bool waive_unclaimed);

  // Destroys all instances in reverse order; later dispatches find nobody. Idempotent.
  void destroy();

  // "before_train_iter: RuntimeInfoHook (10), ..." a line a point that has subscribers.
  std::string order_table() const;
  // Calls, total and mean time per hook and point, most expensive first; "" if nothing was called.
  std::string time_table() const;

  // "before_run"; "unknown point" outside the table.
  static const char* point_name(int32_t point);

 private:
  void dispatch_to_subscribers(const grapnel_point_args& args);

  struct Impl;
  uint64_t subscribed_points_ = 0;  // bit p: point p has a subscriber
  std::unique_ptr<Impl> impl_;
};

// Everything that HookHost::load checks, without creating an instance. Failure(kConfig) as load.
void check_hooks(const PluginCatalog& catalog, const std::vector<HookConfig>& configs);

// The context given to HookHost, for a grapnel_host that a service function received.
void* context_of(const grapnel_host* host);

// Installs handlers for SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT that name the hook and point that was
// running on the thread, then let the signal take its course (exit status 128 + n as the shell shows it).
void report_crashes_in_hooks();

}  // namespace grapnel
