#include "conformance/conformance_case.hpp"

#include <cstring>
#include <algorithm>
#include <iterator>
#include <utility>

#include "conformance/case_protocol.hpp"

namespace grapnel::conformance {
namespace {

constexpr const char* kVerdicts[] = {"pass", "fail", "not_applicable", "blocked"};

}  // namespace

const char* verdict_name(Verdict verdict) { return kVerdicts[static_cast<size_t>(verdict)]; }

CaseResult passed() { return {}; }
CaseResult failed(std::string message) { return {Verdict::kFail, std::move(message)}; }
CaseResult not_applicable(std::string message) { return {Verdict::kNotApplicable, std::move(message)}; }
CaseResult blocked_by(std::string case_name) { return {Verdict::kBlocked, std::move(case_name)}; }

const ConformanceCase* find_case(const std::string& name) {
  for (const ConformanceCase& each : all_cases()) {
    if (name == each.name) return &each;
  }
  return name == given_values_case().name ? &given_values_case() : nullptr;
}

std::string result_line(const CaseResult& result) {
  std::string line = verdict_name(result.verdict);
  if (!result.message.empty()) line += " " + result.message;
  for (char& c : line) {
    if (c == '\n' || c == '\r' || c == '\0') c = ' ';
  }
  return line + "\n";
}

bool read_result(const std::string& text, CaseResult& result) {
  const size_t end = text.find('\n');
  if (end == std::string::npos) return false;
  const std::string line = text.substr(0, end);
  const size_t word_end = std::min(line.find(' '), line.size());
  for (size_t i = 0; i < std::size(kVerdicts); ++i) {
    if (line.compare(0, word_end, kVerdicts[i]) != 0) continue;
    result = {static_cast<Verdict>(i), word_end < line.size() ? line.substr(word_end + 1) : ""};
    return true;
  }
  return false;
}

}  // namespace grapnel::conformance
