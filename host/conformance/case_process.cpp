// The parent's side: grapnel-conformance --run-case as a child, one line of result on descriptor 3, the call
// trace on descriptor 4, stdout and stderr kept for a crash's last words.
#include "conformance/case_process.hpp"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>
#include <vector>

#include "conformance/case_protocol.hpp"
#include "core/child_process.hpp"
#include "core/failure.hpp"

extern char** environ;

namespace grapnel::conformance {
namespace {

[[noreturn]] void fail(const char* what, const std::string& where, int error) {
  throw Failure(FailureKind::kConfig, {what, where, std::strerror(error), "", ""});
}

std::vector<std::string> arguments_of(const ConformanceCase& which, const CaseInput& input) {
  return {kCaseFlag,     which.name,          std::to_string(input.seed),
          input.scratch, input.torch_version, input.given_values.to_json(),
          input.file};
}

// tcache would keep freed memory counted as in use; no_leak compares counts.
std::vector<std::string> environment() {
  std::vector<std::string> lines;
  for (char** line = environ; *line != nullptr; ++line) {
    if (std::strncmp(*line, "GLIBC_TUNABLES=", 15) != 0) lines.emplace_back(*line);
  }
  lines.emplace_back("GLIBC_TUNABLES=glibc.malloc.tcache_count=0");
  return lines;
}

std::string how_it_ended(const ChildProcess& child, const std::string& where,
                         std::chrono::milliseconds limit) {
  const std::string in = in_call(where);
  const int status = child.wait_status();
  if (child.timed_out()) return "it hangs" + in + ": not done after " + seconds_text(limit);
  if (WIFSIGNALED(status))
    return "it crashed with " + signal_name(WTERMSIG(status)) + in + child.last_words();
  return "it ended the process" + in + " with exit code " + std::to_string(WEXITSTATUS(status)) +
         child.last_words();
}

}  // namespace

ProcessEnd run_case_process(const std::string& program, const ConformanceCase& which, const CaseInput& input,
                            std::chrono::milliseconds limit) {
  const FileDescriptor trace_file(::memfd_create("grapnel_trace", MFD_CLOEXEC));
  if (trace_file.get() < 0 || ::ftruncate(trace_file.get(), CallTrace::kSize) != 0)
    fail("cannot prepare a case's process", "", errno);
  const CallTrace trace(trace_file.get());

  ChildSettings settings;
  settings.program = program;
  settings.arguments = arguments_of(which, input);
  settings.environment = environment();
  settings.limit = limit;
  settings.extra_fd = trace_file.get();
  settings.own_group = true;
  std::vector<std::unique_ptr<ChildProcess>> children;
  try {
    children.push_back(std::make_unique<ChildProcess>(settings));
  } catch (const std::system_error& error) {
    fail("cannot start the program that runs the cases", program, error.code().value());
  }
  ChildProcess::wait_for_all(children);
  const ChildProcess& child = *children.front();

  if (!trace.has_started() && !child.timed_out()) {
    throw Failure(FailureKind::kConfig,
                  {"the program that runs the cases could not start", program + child.last_words(), "", "",
                   "install Grapnel's host whole"});
  }
  ProcessEnd end;
  if (read_result(child.result_text(), end.result)) return end;
  end.ended_early = true;
  end.result = which.forgives_end ? passed() : failed(how_it_ended(child, trace.text(), limit));
  return end;
}

}  // namespace grapnel::conformance
