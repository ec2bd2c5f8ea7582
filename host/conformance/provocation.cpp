#include "conformance/provocation.hpp"

#include <algorithm>

#include "conformance/state_sample.hpp"

namespace grapnel::conformance {
namespace {

constexpr size_t kMostFailingCalls = 24;

// False as soon as the look says that enough was seen.
bool look_at_all(const std::vector<InMemoryHost*>& hosts, const LookAtHost& look) {
  for (const InMemoryHost* host : hosts) {
    if (!look(*host)) return false;
  }
  return true;
}

}  // namespace

const std::vector<std::string>& service_ids() {
  static const std::vector<std::string> ids = {
      GRAPNEL_SERVICE_LOG,         GRAPNEL_SERVICE_RUNNER,      GRAPNEL_SERVICE_VALUES,
      GRAPNEL_SERVICE_MODEL,       GRAPNEL_SERVICE_OPTIMIZER,   GRAPNEL_SERVICE_DATA,
      GRAPNEL_SERVICE_COLLECTIVES, GRAPNEL_SERVICE_MESSAGE_HUB, GRAPNEL_SERVICE_CHECKPOINT};
  return ids;
}

void for_each_provocation(Trial& trial, const Trial::Prepare& prepare, const LookAtHost& look) {
  std::set<std::string> functions;
  int calls = 0;
  for (size_t n = 0; n < kPlanKinds + 3; ++n) {
    const auto hosts = trial.live(trial.plan(n), trial.options(n % 4), true, prepare);
    for (const InMemoryHost* host : hosts) {
      functions.insert(host->watch.fallible_functions.begin(), host->watch.fallible_functions.end());
      calls = std::max(calls, host->watch.fallible_calls);
    }
    if (!look_at_all(hosts, look)) return;
  }
  for (const std::string& function : functions) {
    for (const size_t n : {size_t{0}, size_t{1}, size_t{4}, size_t{6}}) {
      const auto failing = [&](InMemoryHost& host) {
        if (prepare) prepare(host);
        host.treatment.failing_function = function;
      };
      if (!look_at_all(trial.live(trial.plan(n), trial.options(n % 4), true, failing), look)) return;
    }
  }
  for (int call = 0; call < std::min<int>(calls, kMostFailingCalls); ++call) {
    const auto failing = [&](InMemoryHost& host) {
      if (prepare) prepare(host);
      host.treatment.failing_call = call;
    };
    if (!look_at_all(trial.live(trial.plan(0), trial.options(0), true, failing), look)) return;
  }
}

void for_each_bad_state(Trial& trial, const LookAtHost& look) {
  if (!trial.plugin().keeps_state()) return;
  for (const StateSample& sample : take_state_samples(trial)) {
    for (const SavedState& state : cut_states(sample.state(), trial.input().seed)) {
      if (!look(*resume_with(trial, sample, state).host)) return;
    }
    const auto changed = changed_states(sample.state(), trial.input().seed);
    for (size_t i = 0; i < changed.size(); i += 5) {
      if (!look(*resume_with(trial, sample, changed[i]).host)) return;
    }
    for (int call = 0; call < 40; ++call) {
      StateStream stream;
      stream.most_bytes_a_read = SIZE_MAX;
      stream.fail_at = call;
      const Resumed resumed = resume_with(trial, sample, sample.state(), stream);
      if (!look(*resumed.host)) return;
      if (resumed.host->stream.calls <= call) break;
    }
  }
  const auto failing_saves = [](InMemoryHost& host) { host.stream.fail_at = 0; };
  look_at_all(trial.live(trial.plan(6), trial.options(0), false, failing_saves), look);
}

void for_each_missing_service(Trial& trial, const LookAtHost& look) {
  std::vector<std::set<std::string>> absences;
  for (const std::string& id : service_ids()) absences.push_back({id});
  absences.push_back({service_ids().begin(), service_ids().end()});
  for (const auto& absent : absences) {
    trial.input().trace->describe("without " + (absent.size() == 1 ? *absent.begin() : "any service"));
    for (const size_t n : {size_t{0}, size_t{1}, size_t{4}, size_t{5}, size_t{6}, size_t{7}}) {
      const auto without = [&](InMemoryHost& host) { host.missing_services = absent; };
      if (!look_at_all(trial.live(trial.plan(n), trial.options(n % 3), true, without), look)) return;
    }
  }
  trial.input().trace->describe("");
}

}  // namespace grapnel::conformance
