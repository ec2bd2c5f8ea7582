#include "conformance/check_report.hpp"

#include <algorithm>
#include <filesystem>

namespace grapnel::conformance {
namespace {

std::string padded(std::string cell, size_t width) {
  cell.resize(std::max(width, cell.size()), ' ');
  return cell;
}

const char* shown(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPass:
      return "pass";
    case Verdict::kFail:
      return "FAIL";
    case Verdict::kNotApplicable:
      return "not applicable";
    case Verdict::kBlocked:
      return "blocked";
  }
  return "";
}

size_t longest_name() {
  size_t width = 0;
  for (const ConformanceCase& each : all_cases()) width = std::max(width, std::string(each.name).size());
  return width;
}

std::string case_line(const CaseReport& each, size_t name_width) {
  std::string line = padded(shown(each.result.verdict), 14) + "  ";
  if (each.result.message.empty()) return line + each.which->name;
  line += padded(each.which->name, name_width) + "  ";
  return line + (each.result.verdict == Verdict::kBlocked ? "could not be tried: see " : "") +
         each.result.message;
}

// As the user would type it.
std::string quoted(const std::string& word) {
  if (word.find_first_of(" \t\"'$\\*?&;()<>|") == std::string::npos) return word;
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

}  // namespace

std::string report_text(const CheckReport& report, const std::string& command) {
  std::string text = std::filesystem::path(report.file).filename().string();
  if (!report.type.empty()) text += ": " + report.type;
  text += ", seed " + std::to_string(report.seed) + "\n";
  const size_t width = longest_name();
  const ConformanceCase* first_failed = nullptr;
  for (const CaseReport& each : report.cases) {
    text += case_line(each, width) + "\n";
    if (each.result.verdict != Verdict::kFail) continue;
    text += padded("", 16 + width + 2) + "expected: " + each.which->sentence + "\n";
    if (first_failed == nullptr) first_failed = each.which;
  }
  const size_t count = report.cases.size();
  text += std::to_string(count) + (count == 1 ? " case: " : " cases: ") +
          std::to_string(report.count(Verdict::kPass)) +
          " passed, " + std::to_string(report.count(Verdict::kFail)) + " failed, " +
          std::to_string(report.count(Verdict::kNotApplicable)) + " not applicable, " +
          std::to_string(report.count(Verdict::kBlocked)) + " blocked\n";
  if (first_failed != nullptr) {
    text += "Repeat one case: " + command + " --only " + first_failed->name + " --seed " +
            std::to_string(report.seed) + " " + quoted(report.file) + "\n";
  }
  return text;
}

std::string report_json(const CheckReport& report) {
  std::vector<ConfigNode> cases;
  for (const CaseReport& each : report.cases) {
    cases.push_back(ConfigNode::table({{"name", ConfigNode::string(each.which->name)},
                                       {"sentence", ConfigNode::string(each.which->sentence)},
                                       {"result", ConfigNode::string(verdict_name(each.result.verdict))},
                                       {"message", ConfigNode::string(each.result.message)},
                                       {"ms", ConfigNode::number(each.ms)}}));
  }
  const auto count = [&report](Verdict verdict) {
    return ConfigNode::integer(static_cast<int64_t>(report.count(verdict)));
  };
  // A seed above 2^63 would not fit the config's integers: as text, like every 64-bit number in JSON should
  // be.
  const ConfigNode seed = report.seed <= static_cast<uint64_t>(INT64_MAX)
                              ? ConfigNode::integer(static_cast<int64_t>(report.seed))
                              : ConfigNode::string(std::to_string(report.seed));
  return ConfigNode::table({{"file", ConfigNode::string(report.file)},
                            {"type", ConfigNode::string(report.type)},
                            {"seed", seed},
                            {"cases", ConfigNode::list(std::move(cases))},
                            {"passed", count(Verdict::kPass)},
                            {"failed", count(Verdict::kFail)},
                            {"not_applicable", count(Verdict::kNotApplicable)},
                            {"blocked", count(Verdict::kBlocked)}})
             .to_json() +
         "\n";
}

std::string list_text() {
  std::string text;
  const size_t width = longest_name();
  for (const ConformanceCase& each : all_cases())
    text += padded(each.name, width) + "  " + each.sentence + "\n";
  return text;
}

std::string list_json() {
  std::vector<ConfigNode> cases;
  for (const ConformanceCase& each : all_cases()) {
    cases.push_back(ConfigNode::table(
        {{"name", ConfigNode::string(each.name)}, {"sentence", ConfigNode::string(each.sentence)}}));
  }
  return ConfigNode::table({{"cases", ConfigNode::list(std::move(cases))}}).to_json() + "\n";
}

}  // namespace grapnel::conformance
