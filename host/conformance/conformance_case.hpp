// What a conformance case is: a name, the sentence that it proves, what it builds on, and the code that runs
// in a process of its own. The list of all cases is in case_list.cpp; their code is grouped by subject in the
// *_cases.cpp files.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "conformance/call_trace.hpp"
#include "core/config_node.hpp"

namespace grapnel::conformance {

enum class Verdict { kPass, kFail, kNotApplicable, kBlocked };

const char* verdict_name(Verdict verdict);  // "pass", "fail", "not_applicable", "blocked"

struct CaseResult {
  Verdict verdict = Verdict::kPass;
  std::string message;  // kFail: what, where, got, expected; kBlocked: the case that has the reason
};

CaseResult passed();
CaseResult failed(std::string message);
CaseResult not_applicable(std::string message);
CaseResult blocked_by(std::string case_name);

// Ends a case from within a function that it calls.
struct CaseEnded {
  CaseResult result;
};

// What a case is run with.
struct CaseInput {
  std::string file;           // absolute path of the plugin
  std::string torch_version;  // the host's LibTorch; "": not compared
  uint64_t seed = 0;
  std::string scratch;      // an empty folder of the case's own; removed afterwards
  ConfigNode given_values;  // table of option values that the user fixed; may be empty
  CallTrace* trace = nullptr;
};

struct ConformanceCase {
  const char* name;
  const char* sentence;
  CaseResult (*run)(const CaseInput& input);
  // Cases that must not have failed; else this one is blocked by them.
  std::vector<const char*> needs = {};
  // When this case crashes, hangs or ends its process and one of these has failed, that one has the reason.
  std::vector<const char*> yields_to = {};
  // Its process ending early is another case's subject.
  bool forgives_end = false;
  // Run twice; the files CaseInput::scratch/recording of both must be the same.
  bool compares_two_runs = false;
};

const std::vector<ConformanceCase>& all_cases();
const ConformanceCase* find_case(const std::string& name);  // null: no such case
// Run before the others when the user gave option values; not in the list.
const ConformanceCase& given_values_case();

}  // namespace grapnel::conformance
