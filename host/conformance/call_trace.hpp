// Where a case's process stands, in memory that it shares with the parent: when the plugin ends the process
// in whatever way, the parent still knows which call it was in.
#pragma once

#include <string>

namespace grapnel::conformance {

// A "call" that is none: while dlopen runs.
constexpr char kBeingLoaded[] = "being loaded";

// " in after_train_iter", " while it is loaded", "": for a sentence.
std::string in_call(const std::string& call);

class CallTrace {
 public:
  // Maps the shared page behind `fd`; without one (fd < 0) the trace is private.
  explicit CallTrace(int fd = -1);
  // The case's process has come to its main: from then on its end is the plugin's doing.
  void note_start();
  bool has_started() const;
  ~CallTrace();
  CallTrace(const CallTrace&) = delete;
  CallTrace& operator=(const CallTrace&) = delete;

  // "create", "after_train_iter", ...; null: in none. A literal or a text that stays.
  void enter(const char* call);
  const char* current() const { return current_; }
  // What is special about the calls that follow ("without grapnel.log/1"); "" for nothing.
  void describe(const std::string& circumstances);
  // "after_train_iter (without grapnel.log/1)", "" when no call runs; for the parent.
  std::string text() const;

  static constexpr size_t kSize = 4096;

 private:
  char* page_;
  const char* current_ = nullptr;
};

// For the time of one call into the plugin.
class TracedCall {
 public:
  TracedCall(CallTrace* trace, const char* call) : trace_(trace), outer_(trace ? trace->current() : nullptr) {
    if (trace_ != nullptr) trace_->enter(call);
  }
  ~TracedCall() {
    if (trace_ != nullptr) trace_->enter(outer_);
  }
  TracedCall(const TracedCall&) = delete;
  TracedCall& operator=(const TracedCall&) = delete;

 private:
  CallTrace* trace_;
  const char* outer_;
};

}  // namespace grapnel::conformance
