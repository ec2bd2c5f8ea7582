// Checks one plugin file: runs the cases, each in its own process, in the order that they build on each
// other, and reports in the order of the list.
//
// Fair play, as far as it can be arranged: a case blames its own defect only. A case that builds on another
// which failed is "blocked" and names it; only the other counts as failed.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "conformance/conformance_case.hpp"

namespace grapnel::conformance {

struct CheckSettings {
  std::string file;
  std::string program;        // grapnel-conformance, for the cases' processes
  std::string torch_version;  // the host's LibTorch ("1.13.0"); "": not compared
  uint64_t seed = 0;
  std::vector<std::string> only;  // names; empty: all
  std::optional<std::chrono::milliseconds>
      limit;                                      // of each case; else 10 s, 60 s for one that links LibTorch
  ConfigNode given_values = ConfigNode::table();  // option values instead of generated ones
};

struct CaseReport {
  const ConformanceCase* which = nullptr;
  CaseResult result;
  double ms = 0;
};

struct CheckReport {
  std::string file;
  std::string type;  // from the note; "" without one
  uint64_t seed = 0;
  std::vector<CaseReport> cases;
  size_t count(Verdict verdict) const;
  bool is_conforming() const { return count(Verdict::kFail) == 0 && count(Verdict::kBlocked) == 0; }
};

// Failure(kConfig): the file cannot be opened, a name of `only` is no case (the nearest is named), or the
// program cannot be started.
CheckReport check_conformance(const CheckSettings& settings);

}  // namespace grapnel::conformance
