#include "conformance/trial.hpp"

#include <cstdint>
#include <filesystem>

#include "conformance/option_draws.hpp"
#include "core/failure.hpp"

namespace grapnel::conformance {
namespace {

constexpr size_t kMostDraws = 40;  // before the tool gives up

CallResult as_result(const Failure& failure) {
  CallResult result;
  result.status = GRAPNEL_STATUS_INVALID_ARGUMENT;
  result.message = failure.what();
  return result;
}

}  // namespace

Trial::Trial(const CaseInput& input) : input_(input), plugin_(load_plugin(input)) {}

bool Trial::has_required_options() const {
  for (const grapnel_option& option : plugin_.options) {
    if (option.presence == GRAPNEL_OPTION_REQUIRED) return true;
  }
  return false;
}

ConfigNode Trial::draw(size_t n) const {
  CounterRng rng(input_.seed, 100, static_cast<int64_t>(n), CounterRng::Purpose::kTest);
  if (n == 0) return draw_required_options(plugin_.options, input_.given_values, rng);
  if (n <= 2) return extreme_options(plugin_.options, input_.given_values, /*greatest=*/n == 2);
  return draw_options(plugin_.options, input_.given_values, rng);
}

CallResult Trial::create(InMemoryHost& host, const ConfigNode& values, const std::string& key) const {
  try {
    return host.create(*plugin_.descriptor, read_option_table(plugin_.options, values), key);
  } catch (const Failure& failure) {
    return as_result(failure);  // what the user gave is not what the table allows
  }
}

CallResult Trial::try_options(const ConfigNode& values) {
  InMemoryHost& host = host_for(plan(0));
  const CallResult result = create(host, values);
  host.destroy();
  return result;
}

const ConfigNode& Trial::options(size_t n) {
  if (accepted_.empty()) {
    CallResult first;
    for (size_t attempt = 0; attempt < kMostDraws && accepted_.empty(); ++attempt) {
      ConfigNode values = draw(attempt);
      const CallResult result = try_options(values);
      if (attempt == 0) first = result;
      if (result.ok()) accepted_.push_back(std::move(values));
      if (!has_required_options() && attempt == 0) break;
    }
    if (accepted_.empty() && first.threw) throw CaseEnded{blocked_by("no_exception_out")};
    if (accepted_.empty()) {
      throw CaseEnded{not_applicable("create refused every set of options that was tried: " + first.message +
                                     " (--set KEY=VALUE gives values)")};
    }
  }
  // The k-th accepted one is looked for among eight draws of its own; else the first does again.
  while (accepted_.size() <= n) {
    ConfigNode found = accepted_.front();
    for (size_t attempt = 0; attempt < 8; ++attempt) {
      ConfigNode values = draw(kMostDraws + accepted_.size() * 8 + attempt);
      if (!try_options(values).ok()) continue;
      found = std::move(values);
      break;
    }
    accepted_.push_back(std::move(found));
  }
  return accepted_[n];
}

std::unique_ptr<InMemoryHost> Trial::make_host(const RunPlan& plan, const std::string& folder) {
  auto host = std::make_unique<InMemoryHost>();
  host->work_dir = input_.scratch + "/" + folder;
  host->trace = input_.trace;
  host->stream.most_bytes_a_read = SIZE_MAX;
  furnish(*host, plan);
  std::filesystem::create_directories(host->log_dir);
  return host;
}

InMemoryHost& Trial::host_for(const RunPlan& plan) {
  return host_in("run_" + std::to_string(hosts_++), plan);
}

InMemoryHost& Trial::host_in(const std::string& folder, const RunPlan& plan) {
  return *make_host(plan, folder).release();
}

std::vector<InMemoryHost*> Trial::live(const RunPlan& plan, const ConfigNode& values, bool resumes,
                                       const Prepare& prepare) {
  std::vector<InMemoryHost*> hosts;
  RunCheckpoint checkpoint;
  for (int part = 0; part < (resumes ? 2 : 1); ++part) {
    InMemoryHost& host = host_in("run", plan);
    hosts.push_back(&host);
    if (prepare) prepare(host);
    if (!create(host, values).ok()) continue;
    LegalRun run(host, plan);
    if (part == 1) run.resume_from(checkpoint);
    RunOutcome outcome = run.run();
    checkpoint = std::move(outcome.checkpoint);
    host.destroy();
    if (!checkpoint.is_there) break;
  }
  return hosts;
}

std::string recorded_text(const std::vector<std::string>& lines, const std::string& work_dir) {
  std::string text;
  for (const std::string& line : lines) {
    std::string shown = line;
    for (size_t at = shown.find(work_dir); at != std::string::npos; at = shown.find(work_dir, at))
      shown.replace(at, work_dir.size(), "WORK_DIR");
    text += shown + "\n";
  }
  return text;
}

}  // namespace grapnel::conformance
