#include "conformance/conformance_check.hpp"

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>

#include "conformance/case_process.hpp"
#include "core/elf_probe.hpp"
#include "core/failure.hpp"
#include "core/section.hpp"

namespace grapnel::conformance {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
constexpr const char* kSee = "see ";

class ScratchFolder {
 public:
  ScratchFolder() {
    std::string name = (fs::temp_directory_path() / "grapnel_conformance_XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr)
      throw Failure(FailureKind::kConfig,
                    {"cannot make a folder for the cases", name, std::strerror(errno), "", ""});
    path_ = name;
  }
  ~ScratchFolder() {
    std::error_code ignored;  // a plugin's leftovers that cannot be removed are no result
    fs::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  std::string made(const std::string& name) const {
    const fs::path folder = path_ / name;
    fs::create_directory(folder);
    return folder.string();
  }

 private:
  fs::path path_;
};

void require_known(const std::vector<std::string>& only) {
  std::vector<std::string> names;
  for (const ConformanceCase& each : all_cases()) names.emplace_back(each.name);
  for (const std::string& name : only) {
    if (find_case(name) != nullptr) continue;
    const std::string near = nearest_name(name, names);
    throw Failure(FailureKind::kConfig,
                  {"there is no such case", "--only", "\"" + name + "\"", "a name of --list",
                   near.empty() ? "" : "did you mean \"" + near + "\"?"});
  }
}

std::string whole_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The first line in which the two recordings differ.
CaseResult compare_recordings(const std::string& first, const std::string& second) {
  if (first == second) return passed();
  const size_t at = static_cast<size_t>(
      std::mismatch(first.begin(),
                    first.begin() + static_cast<std::ptrdiff_t>(std::min(first.size(), second.size())),
                    second.begin())
          .first -
      first.begin());
  const size_t begin = at == 0 ? 0 : first.rfind('\n', at - 1) + 1;
  const auto line = [begin](const std::string& text) {
    return begin < text.size() ? text.substr(begin, text.find('\n', begin) - begin)
                               : std::string("nothing more");
  };
  const auto number = 1 + std::count(first.begin(), first.begin() + static_cast<std::ptrdiff_t>(begin), '\n');
  return failed("two processes with one seed differ at record " + std::to_string(number) + ": one has \"" +
                line(first) + "\", the other \"" + line(second) + "\"");
}

class Check {
 public:
  explicit Check(const CheckSettings& settings) : settings_(settings) {
    std::error_code error;
    file_ = fs::canonical(settings.file, error).string();
    if (error || ::access(file_.c_str(), R_OK) != 0) {
      throw Failure(FailureKind::kConfig,
                    {"cannot read the plugin", settings.file, error ? error.message() : std::strerror(errno),
                     "a shared object", ""});
    }
    elf_ = probe_elf(file_);
    limit_ = settings.limit.value_or(std::chrono::milliseconds(elf_.links_torch() ? 60'000 : 10'000));
  }

  CheckReport run() {
    CheckReport report;
    report.file = settings_.file;
    report.type = elf_.type;
    report.seed = settings_.seed;
    refuse_bad_values();
    for (const ConformanceCase& each : all_cases()) {
      if (!is_asked_for(each.name)) continue;
      report.cases.push_back(evaluate(each));
      report.cases.back().result = with_reason(report.cases.back().result);
    }
    return report;
  }

 private:
  void refuse_bad_values() {
    if (settings_.given_values.members().empty()) return;
    const CaseResult& result = evaluate(given_values_case()).result;
    if (result.verdict == Verdict::kFail)
      throw Failure(FailureKind::kConfig, {result.message, "", "", "", ""});
  }

  // Each case once, those that it needs before it.
  const CaseReport& evaluate(const ConformanceCase& which) {
    const auto known = done_.find(which.name);
    if (known != done_.end()) return known->second;
    CaseReport report;
    report.which = &which;
    report.result = reason_not_to_run(which);
    if (report.result.verdict == Verdict::kPass) report = try_out(which);
    return done_.emplace(which.name, std::move(report)).first->second;
  }

  CaseResult reason_not_to_run(const ConformanceCase& which) {
    if (!elf_.is_readable) {
      const ConformanceCase& first = all_cases().front();
      if (&which == &first) return failed("it is no shared object that can be loaded: " + elf_.rejection);
      return blocked_by(first.name);
    }
    for (const char* name : which.needs) {
      const CaseResult& result = evaluate(*find_case(name)).result;
      if (result.verdict == Verdict::kFail) return blocked_by(name);
      if (result.verdict == Verdict::kBlocked) return result;
      if (result.verdict == Verdict::kNotApplicable)
        return result.message.rfind(kSee, 0) == 0 ? result : not_applicable(kSee + std::string(name));
    }
    return passed();
  }

  // Where another case has the reason and is not reported itself, its words are needed here.
  CaseResult with_reason(CaseResult result) const {
    std::string name = result.message;
    if (result.verdict == Verdict::kNotApplicable && name.rfind(kSee, 0) == 0) {
      name.erase(0, std::string(kSee).size());
    } else if (result.verdict != Verdict::kBlocked) {
      return result;
    }
    const auto reason = done_.find(name);
    if (is_asked_for(name) || reason == done_.end()) return result;
    result.message += " (" + reason->second.result.message + ")";
    return result;
  }

  bool is_asked_for(const std::string& name) const {
    const auto& only = settings_.only;
    return only.empty() || std::find(only.begin(), only.end(), name) != only.end();
  }

  ProcessEnd run_once(const ConformanceCase& which, const std::string& scratch) {
    CaseInput input;
    input.file = file_;
    input.torch_version = settings_.torch_version;
    input.seed = settings_.seed;
    input.scratch = scratch;
    input.given_values = settings_.given_values;
    return run_case_process(settings_.program, which, input, limit_);
  }

  CaseReport try_out(const ConformanceCase& which) {
    const auto begin = Clock::now();
    const ScratchFolder folder;
    const std::string first = folder.made("1");
    ProcessEnd end = run_once(which, first);
    if (which.compares_two_runs && end.result.verdict == Verdict::kPass) {
      const std::string second = folder.made("2");
      end = run_once(which, second);
      if (end.result.verdict == Verdict::kPass)
        end.result = compare_recordings(whole_file(first + "/recording"), whole_file(second + "/recording"));
    }
    if (end.ended_early && end.result.verdict == Verdict::kFail) {
      for (const char* name : which.yields_to) {
        const CaseResult& other = evaluate(*find_case(name)).result;
        if (other.verdict == Verdict::kFail) end.result = blocked_by(name);
        if (other.verdict == Verdict::kFail) break;
      }
    }
    const std::chrono::duration<double, std::milli> took = Clock::now() - begin;
    return {&which, end.result, took.count()};
  }

  const CheckSettings& settings_;
  std::string file_;
  ElfReport elf_;
  std::chrono::milliseconds limit_{};
  std::map<std::string, CaseReport> done_;
};

}  // namespace

size_t CheckReport::count(Verdict verdict) const {
  return static_cast<size_t>(std::count_if(cases.begin(), cases.end(), [verdict](const CaseReport& each) {
    return each.result.verdict == verdict;
  }));
}

CheckReport check_conformance(const CheckSettings& settings) {
  require_known(settings.only);
  return Check(settings).run();
}

}  // namespace grapnel::conformance
