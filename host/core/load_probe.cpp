// Runs the probe program on each plugin and turns the one line that it says, or the way it ended, into a reason.
#include "core/load_probe.hpp"

#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <system_error>

#include "core/child_process.hpp"
#include "core/failure.hpp"
#include "core/installed_program.hpp"

namespace grapnel {
namespace {

constexpr size_t kSideBySide = 16;

std::chrono::milliseconds limit_of(const LoadProbe& probe, const LoadProbeLimits& limits) {
  return probe.links_torch ? limits.torch : limits.plain;
}

std::unique_ptr<ChildProcess> start(const std::string& program, const LoadProbe& probe,
                                    const LoadProbeLimits& limits) {
  ChildSettings settings;
  settings.program = program;
  settings.arguments = {probe.path};
  settings.limit = limit_of(probe, limits);
  try {
    return std::make_unique<ChildProcess>(settings);
  } catch (const std::system_error& error) {
    throw Failure(FailureKind::kConfig,
                  {"cannot start the plugin probe", program, error.code().message(), "a program",
                   "set GRAPNEL_PROBE to the grapnel-probe of this installation"});
  }
}

void strip_prefix(std::string& text, const std::string& prefix) {
  if (text.rfind(prefix, 0) == 0) text.erase(0, prefix.size());
}

// The loader's own words, in the host's.
std::string explain(const std::string& path, std::string reason) {
  strip_prefix(reason, path + ": ");
  const std::string unresolved = "undefined symbol: ";
  if (reason.rfind(unresolved, 0) == 0) {
    return "it has an unresolved symbol: " + reason.substr(unresolved.size()) +
           " (link the library that has it; -Wl,-z,defs shows this when it is built)";
  }
  const std::string missing = ": cannot open shared object file";
  const size_t at = reason.find(missing);
  if (at != std::string::npos)
    return "it needs the library " + reason.substr(0, at) +
           ", which was not found: install it, or link the plugin with -Wl,-rpath to it";
  return reason;
}

std::string reason_of(const LoadProbe& probe, const ChildProcess& child, std::chrono::milliseconds limit) {
  const std::string& said = child.result_text();
  const size_t line_end = said.find('\n');
  if (line_end != std::string::npos) {
    std::string line = said.substr(0, line_end);
    if (line == "ok") return {};
    strip_prefix(line, "fail ");
    return explain(probe.path, line);
  }
  if (child.timed_out()) {
    return "it hangs while it is loaded: not done after " + seconds_text(limit) +
           " (GRAPNEL_PROBE_TIMEOUT_S sets the limit)";
  }
  const int status = child.wait_status();
  if (WIFSIGNALED(status))
    return "it crashes while it is loaded: " + signal_name(WTERMSIG(status)) + child.last_words();
  return "it ends the process while it is loaded: exit code " + std::to_string(WEXITSTATUS(status)) +
         child.last_words();
}

}  // namespace

LoadProbeLimits load_probe_limits() {
  LoadProbeLimits limits;
  if (const char* text = std::getenv("GRAPNEL_PROBE_TIMEOUT_S")) {
    char* end = nullptr;
    const double seconds = std::strtod(text, &end);
    if (end == text || *end != '\0' || !(seconds > 0) || seconds > 86'400) {
      throw Failure(FailureKind::kConfig, {"bad time limit", "environment variable GRAPNEL_PROBE_TIMEOUT_S",
                                           text, "seconds, more than 0", ""});
    }
    limits.plain = limits.torch =
        std::chrono::milliseconds(std::max<int64_t>(1, static_cast<int64_t>(seconds * 1000)));
  }
  return limits;
}

std::string probe_program() {
  if (const char* named = std::getenv("GRAPNEL_PROBE"); named != nullptr && named[0] != '\0') return named;
  return installed_program("grapnel-probe");
}

std::vector<std::string> probe_loads(const std::string& program, const std::vector<LoadProbe>& probes,
                                     const LoadProbeLimits& limits) {
  std::vector<std::string> reasons;
  for (size_t begin = 0; begin < probes.size(); begin += kSideBySide) {
    const size_t end = std::min(begin + kSideBySide, probes.size());
    std::vector<std::unique_ptr<ChildProcess>> children;
    for (size_t i = begin; i < end; ++i) children.push_back(start(program, probes[i], limits));
    ChildProcess::wait_for_all(children);
    for (size_t i = begin; i < end; ++i) {
      reasons.push_back(reason_of(probes[i], *children[i - begin], limit_of(probes[i], limits)));
    }
  }
  return reasons;
}

}  // namespace grapnel
