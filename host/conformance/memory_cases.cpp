// Memory: what is only lent, and what is never given back.
#include <algorithm>
#include <chrono>
#include <thread>

#include "conformance/cases.hpp"
#include "conformance/process_counts.hpp"
#include "conformance/trial.hpp"

namespace grapnel::conformance {
namespace {

constexpr int kWindow = 50;                  // rounds between two counts
constexpr size_t kLeastLeak = 16 * kWindow;  // bytes: one small allocation a round

struct Counts {
  size_t bytes = 0, threads = 0, descriptors = 0;
};

Counts count() { return {bytes_in_use(), thread_count(), descriptor_count()}; }

// create, a run, state, a resumed run, destroy; the host goes with it.
void live_once(Trial& trial, const RunPlan& plan, const ConfigNode& values) {
  RunCheckpoint checkpoint;
  for (int part = 0; part < 2; ++part) {
    const auto host = trial.make_host(plan, "round");
    if (!trial.create(*host, values).ok()) return;
    LegalRun run(*host, plan);
    if (part == 1) run.resume_from(checkpoint);
    checkpoint = run.run().checkpoint;
    host->destroy();
    if (!checkpoint.is_there) return;
  }
}

std::string grown(const char* what, size_t first, size_t second, size_t third) {
  return std::to_string(first) + " " + what + " after " + std::to_string(kWindow) + " rounds, " +
         std::to_string(second) + " after " + std::to_string(2 * kWindow) + ", " + std::to_string(third) +
         " after " + std::to_string(3 * kWindow);
}

}  // namespace

CaseResult borrowed_memory(const CaseInput& input) {
  Trial trial(input);
  trial.options(2);
  PageLender lender;
  for (const size_t n : {size_t{0}, size_t{1}, size_t{2}, size_t{4}, size_t{5}, size_t{6}, size_t{7}}) {
    const auto lend = [&lender](InMemoryHost& host) { host.treatment.lender = &lender; };
    trial.live(trial.plan(n), trial.options(n % 3), true, lend);
  }
  return passed();
}

CaseResult no_leak(const CaseInput& input) {
  Trial trial(input);
  const ConfigNode values = trial.options(0);
  RunPlan plan = trial.plan(0);
  plan.max_epochs = 1;
  Counts counts[3];
  for (int round = 1; round <= 3 * kWindow; ++round) {
    live_once(trial, plan, values);
    if (round % kWindow == 0) counts[round / kWindow - 1] = count();
  }
  for (int i = 0; i < 40 && counts[2].threads > counts[0].threads; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    counts[2].threads = thread_count();
  }
  const auto& [first, second, third] = counts;
  if (third.threads > first.threads)
    return failed("threads are left over: " + grown("threads", first.threads, second.threads, third.threads));
  if (second.descriptors > first.descriptors && third.descriptors > second.descriptors)
    return failed("file descriptors are left open: " +
                  grown("open files", first.descriptors, second.descriptors, third.descriptors));
  if (second.bytes >= first.bytes + kLeastLeak && third.bytes >= second.bytes + kLeastLeak) {
    const size_t a_round = std::min(second.bytes - first.bytes, third.bytes - second.bytes) / kWindow;
    return failed("about " + std::to_string(a_round) + " bytes a round are not given back: " +
                  grown("bytes in use", first.bytes, second.bytes, third.bytes));
  }
  return passed();
}

}  // namespace grapnel::conformance
