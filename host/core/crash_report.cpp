// The crash reporter: one line on stderr that says which hook was running, then the signal takes its course
// with the handler that was there before. Only async-signal-safe calls in the handler.
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstring>

#include "core/breadcrumb.hpp"
#include "core/hook_host.hpp"

namespace grapnel {

__thread Breadcrumb breadcrumb;

namespace {

struct CrashSignal {
  int number;
  const char* name;
  struct sigaction before;
};
std::array<CrashSignal, 5> crash_signals = {{{SIGSEGV, "SIGSEGV", {}},
                                             {SIGBUS, "SIGBUS", {}},
                                             {SIGFPE, "SIGFPE", {}},
                                             {SIGILL, "SIGILL", {}},
                                             {SIGABRT, "SIGABRT", {}}}};

class Line {
 public:
  void add(const char* text) {
    while (*text != '\0' && size_ < sizeof text_) text_[size_++] = *text++;
  }
  void print() const {
    size_t done = 0;
    while (done < size_) {
      const ssize_t wrote = ::write(STDERR_FILENO, text_ + done, size_ - done);
      if (wrote <= 0) return;
      done += static_cast<size_t>(wrote);
    }
  }

 private:
  char text_[512];
  size_t size_ = 0;
};

void on_crash(int number) {
  for (auto& signal : crash_signals) {
    if (signal.number != number) continue;
    Line line;
    line.add("grapnel: crashed with ");
    line.add(signal.name);
    if (breadcrumb.instance_key != nullptr) {
      line.add(" in hook ");
      line.add(breadcrumb.instance_key);
      line.add(" at ");
      line.add(breadcrumb.call);
    } else {
      line.add("; no hook was running on that thread");
    }
    line.add("\n");
    line.print();
    ::sigaction(number, &signal.before, nullptr);
  }
  // Pending until this handler returns, then delivered to whoever was there before.
  ::raise(number);
}

}  // namespace

void report_crashes_in_hooks() {
  static bool installed = false;
  if (installed) return;
  installed = true;
  // A stack of its own, so that the report of a stack overflow has room to run.
  alignas(16) static char stack[64 * 1024];
  stack_t alternative{};
  alternative.ss_sp = stack;
  alternative.ss_size = sizeof stack;
  ::sigaltstack(&alternative, nullptr);
  for (auto& signal : crash_signals) {
    struct sigaction action {};
    action.sa_handler = on_crash;
    action.sa_flags = SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    ::sigaction(signal.number, &action, &signal.before);
  }
}

}  // namespace grapnel
