// The signal handlers. The first signal sets a flag; a second one finds the default action back in place.
#include "runner/signals.hpp"

#include <atomic>
#include <csignal>

namespace grapnel::runner {

// Declared in runner.hpp, which this file leaves out to stay free of LibTorch.
void catch_termination_signals();

namespace {

std::atomic<int> caught{0};
std::atomic<bool> installed{false};
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler may only touch lock-free atomics");

extern "C" void remember_signal(int number) {
  int none = 0;
  if (caught.compare_exchange_strong(none, number)) return;
  std::signal(number, SIG_DFL);
  std::raise(number);
}

}  // namespace

void catch_termination_signals() {
  struct sigaction action = {};
  action.sa_handler = remember_signal;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  installed = true;
}

int caught_termination_signal() { return caught.load(std::memory_order_relaxed); }
void clear_termination_signal() { caught = 0; }
bool termination_signals_are_caught() { return installed; }

const char* signal_name(int signal_number) {
  switch (signal_number) {
    case SIGINT:
      return "SIGINT";
    case SIGTERM:
      return "SIGTERM";
    default:
      return "an unknown signal";
  }
}

}  // namespace grapnel::runner
