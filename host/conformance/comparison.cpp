#include "conformance/comparison.hpp"

#include <algorithm>

namespace grapnel::conformance {
namespace {

struct Recording {
  std::vector<std::string> all;    // writes and statuses
  std::vector<std::string> calls;  // calls and statuses only
};

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = text.find('\n', begin);
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

Recording record(Trial& trial, const RunPlan& plan, const Trial::Prepare& prepare, const CreateHook& create) {
  std::vector<std::string> lines;
  InMemoryHost& host = trial.host_for(plan);
  host.recording = &lines;
  if (prepare) prepare(host);
  const CallResult created = create(host);
  if (created.ok()) {
    LegalRun(host, plan).run();
    host.destroy();
  }
  host.recording = nullptr;
  Recording recording;
  recording.all = split(recorded_text(lines, host.work_dir));
  const std::string gives = " gives ";
  std::copy_if(recording.all.begin(), recording.all.end(), std::back_inserter(recording.calls),
               [&](const std::string& line) { return line.find(gives) != std::string::npos; });
  if (!created.ok()) recording.calls.push_back("create refuses: " + created.message);
  if (!created.ok()) recording.all.push_back(recording.calls.back());
  return recording;
}

std::string first_difference(const std::vector<std::string>& one, const std::vector<std::string>& other) {
  const auto line = [](const std::vector<std::string>& lines, size_t i) {
    return i < lines.size() ? "\"" + lines[i] + "\"" : std::string("nothing more");
  };
  for (size_t i = 0; i < std::max(one.size(), other.size()); ++i) {
    if (line(one, i) != line(other, i))
      return "it does something else than on a host like this one: got " + line(other, i) + ", expected " +
             line(one, i);
  }
  return {};
}

}  // namespace

std::string compare_hosts(Trial& trial, size_t number, const Trial::Prepare& prepare,
                          const CreateHook& create, const CreateHook& create_on_changed) {
  const RunPlan plan = trial.plan(number);
  const Recording one = record(trial, plan, nullptr, create);
  const Recording again = record(trial, plan, nullptr, create);
  const Recording other = record(trial, plan, prepare, create_on_changed);
  if (one.all == again.all) return first_difference(one.all, other.all);
  if (one.calls == again.calls) return first_difference(one.calls, other.calls);
  return {};
}

}  // namespace grapnel::conformance
