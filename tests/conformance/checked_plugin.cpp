#include "checked_plugin.hpp"

#include <simdjson.h>

#include <algorithm>
#include <filesystem>
#include <stdexcept>

#include "../cli/command.hpp"

namespace grapnel::test {
namespace {

CommandResult run_conformance(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), GRAPNEL_BUILD_DIR "/bin/grapnel-conformance");
  return run_command(arguments);
}

std::string text(const simdjson::dom::element& table, const char* key) {
  return std::string(table[key].get_string().value());
}

}  // namespace

std::vector<std::string> CheckedPlugin::with_result(const std::string& result) const {
  std::vector<std::string> names;
  for (const auto& each : cases) {
    if (each.result == result) names.push_back(each.name);
  }
  return names;
}

const std::string& CheckedPlugin::message_of(const std::string& name) const {
  const auto found =
      std::find_if(cases.begin(), cases.end(), [&](const CheckedCase& each) { return each.name == name; });
  if (found == cases.end()) throw std::out_of_range("the case " + name + " was not run");
  return found->message;
}

std::string CheckedPlugin::complaints() const {
  std::string lines;
  for (const auto& each : cases) {
    if (each.result == "fail" || each.result == "blocked")
      lines += each.name + " " + each.result + ": " + each.message + "\n";
  }
  return lines;
}

CheckedPlugin check_plugin(const std::string& file, const std::vector<std::string>& arguments) {
  std::vector<std::string> words = arguments;
  words.insert(words.end(), {"--json", file});
  const CommandResult run = run_conformance(words);
  CheckedPlugin plugin;
  plugin.exit_code = run.exit_code;
  try {
    simdjson::dom::parser parser;
    const simdjson::dom::element report = parser.parse(run.out).value();
    plugin.type = text(report, "type");
    const simdjson::dom::array cases = report["cases"].get_array();
    for (const simdjson::dom::element each : cases)
      plugin.cases.push_back({text(each, "name"), text(each, "result"), text(each, "message")});
  } catch (const simdjson::simdjson_error& error) {
    throw std::runtime_error("no report about " + file + ": " + error.what() + ", exit code " +
                             std::to_string(run.exit_code) + "\n" + run.out + run.err);
  }
  return plugin;
}

std::vector<std::string> listed_cases() {
  const CommandResult run = run_conformance({"--list", "--json"});
  std::vector<std::string> names;
  try {
    simdjson::dom::parser parser;
    const simdjson::dom::element list = parser.parse(run.out).value();
    const simdjson::dom::array cases = list["cases"].get_array();
    for (const simdjson::dom::element each : cases) names.push_back(text(each, "name"));
  } catch (const simdjson::simdjson_error& error) {
    throw std::runtime_error(std::string("no list of cases: ") + error.what() + "\n" + run.out + run.err);
  }
  return names;
}

std::vector<std::string> plugins_in(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".so") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace grapnel::test
