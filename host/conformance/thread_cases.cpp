// Threads of a hook's own: what they may call, and that they end with it.
#include <chrono>
#include <cstdio>
#include <cstring>
#include <thread>

#include "conformance/cases.hpp"
#include "conformance/process_counts.hpp"
#include "conformance/trial.hpp"

namespace grapnel::conformance {
namespace {

using std::chrono::milliseconds;

// Libraries that keep a pool of threads for the whole process: these are not the hook's.
bool a_pool_is_loaded() {
  std::FILE* file = std::fopen("/proc/self/maps", "r");
  if (file == nullptr) return false;
  char line[4096];
  bool found = false;
  while (!found && std::fgets(line, sizeof line, file) != nullptr) {
    for (const char* name : {"/libgomp", "/libiomp", "/libomp", "/libtorch", "/libtbb", "/libopenblas"})
      found = found || std::strstr(line, name) != nullptr;
  }
  std::fclose(file);
  return found;
}

// A thread that was told to end is still listed for a moment.
size_t settled_thread_count(size_t wanted) {
  size_t count = thread_count();
  for (int i = 0; i < 60 && count > wanted; ++i) {
    std::this_thread::sleep_for(milliseconds(5));
    count = thread_count();
  }
  return count;
}

}  // namespace

CaseResult thread_tags(const CaseInput& input) {
  Trial trial(input);
  for (const size_t n : {size_t{0}, size_t{1}, size_t{4}, size_t{6}}) {
    int pauses = 40;
    std::this_thread::sleep_for(milliseconds(1));
    const auto slow = [&pauses](InMemoryHost& host) {
      // Time for a thread to do something between two calls.
      host.on_call_end = [&pauses](const char* call) {
        const bool is_last = std::strcmp(call, "after_run") == 0;
        if (pauses-- > 0 || is_last) std::this_thread::sleep_for(milliseconds(is_last ? 20 : 1));
      };
    };
    for (InMemoryHost* host : trial.live(trial.plan(n), trial.options(n % 3), true, slow)) {
      host->on_call_end = nullptr;
      const std::lock_guard<std::recursive_mutex> lock(host->mutex());
      if (host->watch.wrong_thread.empty()) continue;
      return failed(
          host->watch.wrong_thread.front() +
          " was called on another thread than the one that calls the points: its tag is [train-thread]");
    }
  }
  return passed();
}

CaseResult quiet_after_destroy(const CaseInput& input) {
  Trial trial(input);
  const size_t before = thread_count();
  trial.options(2);
  std::vector<InMemoryHost*> hosts;
  size_t after_first = 0;
  for (size_t n = 0; n < 3; ++n) {
    for (InMemoryHost* host : trial.live(trial.plan(n), trial.options(n), true, nullptr))
      hosts.push_back(host);
    if (n == 0) after_first = settled_thread_count(before);
  }
  const size_t allowed = a_pool_is_loaded() ? after_first : before;
  const size_t left = settled_thread_count(allowed);
  std::this_thread::sleep_for(milliseconds(150));
  for (InMemoryHost* host : hosts) {
    const std::lock_guard<std::recursive_mutex> lock(host->mutex());
    if (!host->watch.after_destroy.empty())
      return failed(host->watch.after_destroy.front() + " was called after destroy had returned");
  }
  if (left > allowed)
    return failed("a thread of its goes on after destroy: there were " + std::to_string(allowed) +
                  " before, there are " + std::to_string(left));
  return passed();
}

}  // namespace grapnel::conformance
