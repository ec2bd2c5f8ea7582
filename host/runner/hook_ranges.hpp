// Named ranges of the run for LibTorch's profilers: each call of a hook and the phases of an iteration.
//
// They are at::RecordFunction ranges of the user's scope, so whoever listens there (ProfilerHook,
// torch::profiler) sees them among the operators. While nobody listens a range costs some nanoseconds.
#pragma once

#include <ATen/record_function.h>

#include <memory>
#include <string>
#include <vector>

#include "core/hook_host.hpp"

namespace grapnel::runner {

// Open from construction to end() or destruction.
class NamedRange {
 public:
  explicit NamedRange(const char* name) : range_(at::RecordScope::USER_SCOPE) {
    if (range_.isActive()) range_.before(name);
  }
  void end() { range_.end(); }

 private:
  at::RecordFunction range_;
};

// A range "hook EMAHook after_train_iter" a call.
class HookRanges : public HookObserver {
 public:
  // Whom HookHost is to tell now: this, or null while nothing listens to ranges on this thread.
  HookObserver* if_anyone_listens() { return at::hasCallbacks() ? this : nullptr; }

  void begin(const char* instance_key, const char* point) noexcept override;
  void end() noexcept override;

 private:
  std::vector<std::unique_ptr<at::RecordFunction>> open_;  // the innermost last
};

}  // namespace grapnel::runner
