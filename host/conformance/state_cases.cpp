// What a hook remembers over a resume, and what it does with bytes that are not what it wrote.
#include <malloc.h>
#include <sys/resource.h>

#include <new>

#include "conformance/cases.hpp"
#include "conformance/process_counts.hpp"
#include "conformance/state_sample.hpp"

namespace grapnel::conformance {
namespace {

constexpr size_t kHugeBytes = size_t{200} << 20;  // more than this for a small state is too much
constexpr size_t kMostGrowth = size_t{1} << 30;   // and this is not given

bool an_allocation_failed = false;

// Bounds the address space, so that a size that a damaged state claims cannot take the machine with it, and
// tells whether much was asked for.
class AllocationWatch {
 public:
  AllocationWatch() {
    ::mallopt(M_ARENA_MAX, 1);  // each arena reserves much that nobody asked for
    start_ = peak_address_space();
    const rlimit limit{start_ + kMostGrowth, start_ + kMostGrowth};
    // Sanitizers reserve terabytes of address space, of which they could then use none.
    if (start_ < (size_t{1} << 40)) ::setrlimit(RLIMIT_AS, &limit);
    std::set_new_handler([] {
      an_allocation_failed = true;
      throw std::bad_alloc();
    });
  }
  std::string problem() const {
    const size_t grown = peak_address_space() - start_;
    if (an_allocation_failed) return "it asked for more than " + std::to_string(kMostGrowth >> 20) + " MiB";
    if (grown > kHugeBytes) return "it asked for " + std::to_string(grown >> 20) + " MiB";
    return {};
  }

 private:
  size_t start_;
};

std::string shown(const CallResult& result) {
  return result.message.empty() ? "status " + std::to_string(result.status) + " without a message"
                                : "\"" + result.message + "\"";
}

// Each state is refused with a message or taken, and nothing else happens.
CaseResult survive(Trial& trial, const char* which,
                   const std::function<std::vector<SavedState>(const SavedState&)>& spoil) {
  const auto samples = need_state_samples(trial);
  const AllocationWatch allocations;
  for (const StateSample& sample : samples) {
    for (const SavedState& state : spoil(sample.state())) {
      const std::string size = std::to_string(state.bytes.size()) + " of " +
                               std::to_string(sample.state().bytes.size()) + " bytes";
      trial.input().trace->describe(std::string("with a ") + which + " state of " + size);
      const Resumed resumed = resume_with(trial, sample, state);
      if (!resumed.loaded.ok() && !resumed.loaded.threw && resumed.loaded.message.empty())
        return failed(std::string("load_state refused a ") + which + " state (" + size +
                      ") without a message");
      const std::string problem = allocations.problem();
      if (!problem.empty()) return failed(problem + " for a " + which + " state of " + size);
    }
  }
  return passed();
}

}  // namespace

// The state is compared with what save_state writes right after load_state, and, since it was taken at
// before_save_checkpoint and may say so, with what it writes when that point has been called again.
CaseResult state_round_trip(const CaseInput& input) {
  Trial trial(input);
  for (const StateSample& sample : need_state_samples(trial)) {
    if (sample.saved().threw) continue;
    if (!sample.saved().ok()) return failed("save_state failed: " + shown(sample.saved()));
    const Resumed resumed = load_only(trial, sample, sample.state(), SIZE_MAX);
    if (resumed.loaded.threw || !resumed.was_loaded) continue;
    if (!resumed.loaded.ok())
      return failed("load_state refused what save_state wrote: " + shown(resumed.loaded));
    InMemoryHost& host = *resumed.host;
    SavedState again;
    CallResult saved = host.save_state(again);
    std::string difference = saved.ok() ? state_difference(sample.state(), again) : "";
    if (!difference.empty()) {
      host.checkpoint.path = sample.checkpoint.path;
      host.checkpoint.is_resume = true;
      host.call("after_load_checkpoint");
      host.state.epoch = sample.checkpoint.epoch;
      host.state.iter = sample.checkpoint.iter;
      host.call("before_train");
      host.call("before_save_checkpoint");
      saved = host.save_state(again);
      if (saved.ok() && state_difference(sample.state(), again).empty()) difference.clear();
    }
    if (saved.threw) continue;
    if (!saved.ok()) return failed("save_state failed after load_state: " + shown(saved));
    if (!difference.empty()) return failed("what was loaded is not what is saved again: " + difference);
    host.destroy();
  }
  return passed();
}

CaseResult state_small_reads(const CaseInput& input) {
  Trial trial(input);
  for (const StateSample& sample : need_state_samples(trial)) {
    const Resumed at_once = load_only(trial, sample, sample.state(), SIZE_MAX);
    SavedState expected;
    if (!at_once.loaded.ok() || !at_once.host->save_state(expected).ok()) continue;
    at_once.host->destroy();
    for (const size_t most : {size_t{1}, size_t{3}}) {
      const Resumed resumed = load_only(trial, sample, sample.state(), most);
      const std::string reads = most == 1 ? "one byte a read" : std::to_string(most) + " bytes a read";
      if (resumed.loaded.threw || !resumed.was_loaded) continue;
      if (!resumed.loaded.ok())
        return failed("load_state refused its own state from a stream that gives " + reads + ": " +
                      shown(resumed.loaded));
      SavedState again;
      if (!resumed.host->save_state(again).ok()) continue;
      const std::string difference = state_difference(expected, again);
      if (!difference.empty())
        return failed("a state read from a stream that gives " + reads +
                      " is not what was written: " + difference);
      resumed.host->destroy();
    }
  }
  return passed();
}

CaseResult state_truncated(const CaseInput& input) {
  Trial trial(input);
  return survive(trial, "truncated", [&](const SavedState& state) { return cut_states(state, input.seed); });
}

CaseResult state_corrupted(const CaseInput& input) {
  Trial trial(input);
  return survive(trial, "corrupted",
                 [&](const SavedState& state) { return changed_states(state, input.seed); });
}

CaseResult state_other_version(const CaseInput& input) {
  Trial trial(input);
  for (const StateSample& sample : need_state_samples(trial)) {
    for (const char* version : {"0.0.1", "999.0.0", "", "no version at all"}) {
      SavedState state = sample.state();
      state.plugin_version = version;
      input.trace->describe("with a state of version \"" + state.plugin_version + "\"");
      const Resumed resumed = resume_with(trial, sample, state);
      if (!resumed.loaded.ok() && !resumed.loaded.threw && resumed.loaded.message.empty())
        return failed(std::string("load_state refused the state of version \"") + version +
                      "\" without a message");
    }
  }
  return passed();
}

CaseResult state_failing_stream(const CaseInput& input) {
  Trial trial(input);
  const std::string token = StateStream().failure;
  const auto problem = [&token](const char* call, int number, const CallResult& result) -> std::string {
    if (result.threw) return {};
    const std::string what = "call " + std::to_string(number + 1) + " of its stream failed: ";
    if (result.ok()) return std::string(call) + " returned OK although " + what + "\"" + token + "\"";
    if (result.message.find(token) == std::string::npos)
      return std::string(call) + " lost the stream's message when " + what + "got " + shown(result) +
             ", expected \"" + token + "\" in it";
    return {};
  };
  std::string found;
  for (const StateSample& sample : need_state_samples(trial)) {
    InMemoryHost& host = trial.host_for(sample.plan);
    if (!trial.create(host, sample.options).ok()) continue;
    LegalRun run(host, sample.plan);
    run.at_save = [&] {
      const int calls = host.stream.calls;
      for (int call = 0; call < calls && found.empty(); ++call) {
        SavedState state;
        host.stream.fail_at = call;
        found = problem("save_state", call, host.save_state(state));
      }
      host.stream.fail_at = -1;
    };
    run.run();
    host.destroy();
    for (int call = 0; found.empty(); ++call) {
      StateStream stream;
      stream.most_bytes_a_read = SIZE_MAX;
      stream.fail_at = call;
      const Resumed resumed = resume_with(trial, sample, sample.state(), stream);
      if (!resumed.was_loaded || resumed.host->stream.calls <= call) break;
      found = problem("load_state", call, resumed.loaded);
    }
    if (!found.empty()) return failed(found);
  }
  return passed();
}

}  // namespace grapnel::conformance
