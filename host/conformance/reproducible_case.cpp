// One process's half of the comparison: what the hook does to the run, written down. The parent runs it
// twice.
#include <fstream>

#include "conformance/cases.hpp"
#include "conformance/trial.hpp"

namespace grapnel::conformance {

CaseResult reproducible(const CaseInput& input) {
  Trial trial(input);
  std::ofstream file(input.scratch + "/recording");
  for (size_t n = 0; n < kPlanKinds + 3; ++n) {
    std::vector<std::string> lines;
    const auto record = [&lines](InMemoryHost& host) { host.recording = &lines; };
    const auto hosts = trial.live(trial.plan(n), trial.options(n % 4), true, record);
    file << "run " << n << ": " << trial.plan(n).text() << "\n";
    for (InMemoryHost* host : hosts) host->recording = nullptr;
    file << recorded_text(lines, input.scratch);
  }
  file.close();
  if (!file) throw CaseEnded{failed("the case cannot write its recording")};
  return passed();
}

}  // namespace grapnel::conformance
