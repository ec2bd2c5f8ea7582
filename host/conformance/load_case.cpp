// Loading must run nothing that matters: what a process can be asked about itself is compared before and
// after.
#include <dlfcn.h>
#include <fenv.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <clocale>
#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <thread>

#include "conformance/cases.hpp"
#include "conformance/plugin_under_test.hpp"
#include "conformance/process_counts.hpp"
#include "core/elf_probe.hpp"

extern char** environ;

namespace grapnel::conformance {
namespace {

struct ProcessState {
  std::array<struct sigaction, NSIG> handlers{};
  sigset_t mask{};
  std::string folder, locale, environment;
  mode_t file_mask = 0;
  int rounding = 0;
  uint64_t denormal = 0;  // bits of a small number: compared as a number it would pass for 0
  size_t threads = 0, descriptors = 0;
};

std::string environment_text() {
  std::string text;
  for (char** line = environ; *line != nullptr; ++line) text += std::string(*line) + "\n";
  return text;
}

ProcessState look() {
  ProcessState state;
  for (int number = 1; number < NSIG; ++number)
    ::sigaction(number, nullptr, &state.handlers[static_cast<size_t>(number)]);
  ::pthread_sigmask(SIG_SETMASK, nullptr, &state.mask);
  char folder[4096];
  if (::getcwd(folder, sizeof folder) != nullptr) state.folder = folder;
  const char* locale = std::setlocale(LC_ALL, nullptr);
  state.locale = locale != nullptr ? locale : "";
  state.environment = environment_text();
  state.file_mask = ::umask(022);
  ::umask(state.file_mask);
  state.rounding = ::fegetround();
  // 0 when denormals are flushed: a file linked with -ffast-math does that to the whole process.
  volatile double least = 2.2250738585072014e-308;
  const double half = least / 2;
  std::memcpy(&state.denormal, &half, sizeof half);
  state.threads = thread_count();
  state.descriptors = descriptor_count();
  return state;
}

bool same_handler(const struct sigaction& a, const struct sigaction& b) {
  return a.sa_sigaction == b.sa_sigaction && a.sa_flags == b.sa_flags;
}

std::string signal_name(int number) {
  const char* name = ::sigabbrev_np(number);
  return name != nullptr ? std::string("SIG") + name : "signal " + std::to_string(number);
}

std::string difference(const ProcessState& before, const ProcessState& after) {
  for (int number = 1; number < NSIG; ++number) {
    const auto i = static_cast<size_t>(number);
    if (!same_handler(before.handlers[i], after.handlers[i]))
      return "it changes the handler of " + signal_name(number);
    if (::sigismember(&before.mask, number) != ::sigismember(&after.mask, number))
      return "it changes the mask of " + signal_name(number);
  }
  if (before.folder != after.folder) return "it changes the working folder to " + after.folder;
  if (before.locale != after.locale)
    return "it changes the locale: was \"" + before.locale + "\", is \"" + after.locale + "\"";
  if (before.environment != after.environment) return "it changes the environment's variables";
  if (before.file_mask != after.file_mask) return "it changes the umask";
  if (before.rounding != after.rounding) return "it changes the rounding of floating point";
  if (before.denormal != after.denormal)
    return "it makes the processor flush small numbers to zero (-ffast-math when linking?)";
  if (before.threads != after.threads)
    return "it starts threads: there were " + std::to_string(before.threads) + ", there are " +
           std::to_string(after.threads);
  if (before.descriptors != after.descriptors)
    return "it leaves files open: there were " + std::to_string(before.descriptors) + ", there are " +
           std::to_string(after.descriptors);
  return {};
}

// LibTorch and OpenCV are the host's, and with them what loading them does to the process: both need a BLAS, and
// OpenBLAS starts its threads when it is loaded.
void load_hosts_libraries(const CaseInput& input) {
  for (const std::string& name : probe_elf(input.file).needed) {
    if (name.rfind("libtorch", 0) == 0 || name.rfind("libc10", 0) == 0 || name.rfind("libopencv_", 0) == 0)
      ::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
  }
}

}  // namespace

CaseResult load(const CaseInput& input) {
  load_hosts_libraries(input);
  // Once, so that what the linker keeps open and the C library makes on its first use is there.
  look();
  const ProcessState before = look();
  load_descriptor(input);
  // A thread that was just started is listed at once; one that has ended is for a moment.
  ProcessState after = look();
  for (int i = 0; i < 20 && after.threads != before.threads; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    after = look();
  }
  const std::string changed = difference(before, after);
  if (!changed.empty()) return failed("loading it changes the process: " + changed);
  return passed();
}

}  // namespace grapnel::conformance
