// What HookHost is made of; shared by the files that implement it and included by nobody else.
#pragma once

#include <cxxabi.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "core/breadcrumb.hpp"
#include "core/hook_host.hpp"
#include "core/hook_state.hpp"
#include "core/plugin_loader.hpp"
#include "core/point_table.hpp"
#include "core/tick_clock.hpp"

namespace grapnel {

// What grapnel_host::data points to: one for all instances of a HookHost.
struct HostData {
  const ServiceTable* services = nullptr;
  void* context = nullptr;
};

struct CallTime {
  uint64_t calls = 0;
  uint64_t ticks = 0;
};

struct HookInstance {
  HookConfig config;
  const LoadedPlugin* plugin = nullptr;
  int priority = 0;
  std::string key;
  grapnel_host host{};
  void* self = nullptr;
  bool created = false;
  bool disabled = false;
  std::array<CallTime, GRAPNEL_POINT_COUNT> times{};
};

// One row of a point's flat array.
struct HookCall {
  grapnel_point_fn function;
  void* self;
  const char* key;  // the instance's, for the breadcrumb
  CallTime* time;
  HookInstance* instance;
};

// Room for the message of one call across the border.
class ErrorBuffer {
 public:
  ErrorBuffer() : error_{sizeof(grapnel_error), GRAPNEL_STATUS_OK, text_, sizeof text_} { text_[0] = '\0'; }
  ErrorBuffer(const ErrorBuffer&) = delete;
  ErrorBuffer& operator=(const ErrorBuffer&) = delete;
  grapnel_error* raw() { return &error_; }
  char* text() { return text_; }
  // The plugin's words; it may have forgotten the end, or the words.
  std::string message(grapnel_status status) {
    text_[sizeof text_ - 1] = '\0';
    return text_[0] != '\0' ? std::string(text_)
                            : "it gave no reason (status " + std::to_string(status) + ")";
  }

 private:
  char text_[2048];
  grapnel_error error_;
};

// Calls into the plugin and catches whatever it throws, although it must not: its own runtime may differ from
// the host's, so text is copied at once.
template <class Call>
grapnel_status call_guarded(ErrorBuffer& error, Call&& call) {
  try {
    return call();
  } catch (const abi::__forced_unwind&) {
    throw;  // the thread is being cancelled
  } catch (const std::exception& e) {
    return report_status(error.raw(), GRAPNEL_STATUS_INTERNAL,
                         (std::string("it threw: ") + e.what()).c_str());
  } catch (...) {
    return report_status(error.raw(), GRAPNEL_STATUS_INTERNAL,
                         "it threw an exception that is no std::exception");
  }
}

// What the loop over a point's hooks reads besides them.
struct CallWatch {
  TickClock clock;
  HookObserver* observer = nullptr;
};

// Calls hooks from `place` on until one does not return OK or throws, which leaves `place` at that one.
using CallLoop = grapnel_status (*)(const HookCall*& place, const HookCall* end,
                                    const grapnel_point_args* args, ErrorBuffer& error,
                                    const CallWatch& watch);

static_assert(GRAPNEL_POINT_COUNT <= 64, "subscribed_points has a bit a point");

struct HookHost::Impl {
  Impl(uint64_t& subscribed_points, bool times_calls)
      : subscribed_points(subscribed_points), times_calls(times_calls) {
    choose_call_loop();
  }

  uint64_t& subscribed_points;  // HookHost's own, which dispatch looks at first
  const bool times_calls;
  // Chosen ahead, so that a dispatch pays for an observer only while there is one.
  CallLoop call_loop = nullptr;
  ServiceTable services;
  HostData host_data;
  std::vector<std::unique_ptr<HookInstance>> instances;  // in hook order
  std::array<std::vector<HookCall>, GRAPNEL_POINT_COUNT> points;
  CallWatch watch;
  int depth = 0;         // dispatches that are running, one inside the other
  bool changed = false;  // a hook was disabled: rebuild the arrays when no dispatch runs

  // Calls a known point's hooks in order. A failure is thrown, or, with `collected`, added there and passed
  // over.
  void run(const grapnel_point_args& args, std::vector<HookFailure>* collected);
  void rebuild_points();
  // To be called when the observer changes.
  void choose_call_loop();
  // Never called again; its rows in running arrays become no-ops.
  void disable(HookInstance& instance);
  // Disables the instance if its config says so, else throws or collects.
  void take_failure(HookInstance& instance, const grapnel_point_args& args, std::string message,
                    std::vector<HookFailure>* collected);

  void create(HookInstance& instance, const grapnel_value* values, size_t count);
  void destroy_all();
};

}  // namespace grapnel
