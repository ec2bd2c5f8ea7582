// Every point in every legal order, and what calls leave behind: messages, exceptions, output.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <set>

#include "conformance/cases.hpp"
#include "conformance/provocation.hpp"
#include "conformance/trial.hpp"

namespace grapnel::conformance {
namespace {

constexpr size_t kRuns = 24;

// A failure of the run's own calls that says nothing; states have cases of their own.
std::string silent_failure(const RunOutcome& outcome, const RunPlan& plan) {
  for (const auto& [name, result] : outcome.failures) {
    if (result.threw || !result.message.empty() || name == "load_state") continue;
    return name + " returned status " + std::to_string(result.status) + " without a message (" + plan.text() +
           ")";
  }
  return {};
}

}  // namespace

CaseResult points(const CaseInput& input) {
  Trial trial(input);
  for (size_t n = 0; n < kRuns; ++n) {
    const RunPlan plan = trial.plan(n);
    const ConfigNode values = trial.options(n % 6);
    input.trace->describe(plan.text());
    RunCheckpoint checkpoint;
    const bool resumes = n % 3 == 0;
    for (int part = 0; part < (resumes ? 2 : 1); ++part) {
      InMemoryHost& host = trial.host_for(plan);
      trial.create(host, values);
      if (n % 4 == 1) trial.create(host, trial.options((n + 1) % 6), "another instance");
      LegalRun run(host, plan);
      if (part == 1) run.resume_from(checkpoint);
      RunOutcome outcome = run.run();
      const std::string silence = silent_failure(outcome, plan);
      if (!silence.empty()) return failed(silence);
      checkpoint = std::move(outcome.checkpoint);
      host.destroy();
      if (!checkpoint.is_there) break;
    }
  }
  return passed();
}

CaseResult error_text(const CaseInput& input) {
  Trial trial(input);
  for (const uint64_t capacity : {uint64_t{4096}, uint64_t{0}, uint64_t{1}, uint64_t{8}, uint64_t{16}}) {
    input.trace->describe("room of " + std::to_string(capacity) + " bytes for a message");
    std::string found;
    for_each_provocation(
        trial,
        [&](InMemoryHost& host) {
          host.treatment.error_capacity = capacity;
          host.treatment.checks_error_buffers = true;
        },
        [&](const InMemoryHost& host) {
          const ServiceWatch& watch = host.watch;
          if (!watch.buffer_problems.empty()) found = watch.buffer_problems.front();
          if (!watch.silences.empty()) found = watch.silences.front() + ": it failed without a message";
          return found.empty();
        });
    if (!found.empty()) return failed(found + " (capacity " + std::to_string(capacity) + ")");
  }
  return passed();
}

CaseResult no_exception_out(const CaseInput& input) {
  Trial trial(input);
  std::string found;
  const auto look = [&](const InMemoryHost& host) {
    if (!host.watch.thrown.empty()) found = host.watch.thrown.front();
    return found.empty();
  };
  // create first, with whatever options: it may throw before it accepts any.
  for (size_t n = 0; n < 12 && found.empty(); ++n) {
    InMemoryHost& host = trial.host_for(trial.plan(n));
    trial.create(host, trial.draw(n));
    host.destroy();
    look(host);
  }
  if (found.empty()) for_each_provocation(trial, nullptr, look);
  if (found.empty()) for_each_bad_state(trial, look);
  if (found.empty()) for_each_missing_service(trial, look);
  if (found.empty()) return passed();
  return failed("an exception left " + found);
}

namespace {

// stdout and stderr of this process in a file, so that who wrote can be told.
class OutputFile {
 public:
  explicit OutputFile(const std::string& scratch) : path_(scratch + "/output") {
    fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    ::dup2(fd_, STDOUT_FILENO);
    ::dup2(fd_, STDERR_FILENO);
  }
  // What was written, buffers of the C library's streams too; "" if nothing.
  std::string text() const {
    std::fflush(nullptr);
    struct stat status {};
    if (::fstat(fd_, &status) != 0 || status.st_size == 0) return {};
    char bytes[160];
    const ssize_t got = ::pread(fd_, bytes, sizeof bytes, 0);
    std::string text(bytes, got > 0 ? static_cast<size_t>(got) : 0);
    return text.substr(0, text.find('\n'));
  }

 private:
  std::string path_;
  int fd_;
};

}  // namespace

CaseResult no_output(const CaseInput& input) {
  const OutputFile output(input.scratch);
  Trial trial(input);
  std::string where = kBeingLoaded, text = output.text();
  const auto watch = [&](InMemoryHost& host) {
    host.on_call_end = [&](const char* call) {
      if (!text.empty()) return;
      text = output.text();
      where = call;
    };
  };
  const auto go_on = [&](const InMemoryHost&) { return text.empty(); };
  if (text.empty()) for_each_provocation(trial, watch, go_on);
  if (text.empty()) return passed();
  return failed("it wrote to stdout or stderr" + in_call(where) + ": \"" + text +
                "\" (the log service is for that)");
}

}  // namespace grapnel::conformance
