#include "conformance/check_arguments.hpp"

#include <cstdio>
#include <fstream>
#include <sstream>

#include "conformance/check_report.hpp"
#include "core/config_text.hpp"
#include "core/descriptor_check.hpp"
#include "core/failure.hpp"
#include "core/installed_program.hpp"

namespace grapnel::conformance {
namespace {

std::string text_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  if (!file.good())
    throw Failure(FailureKind::kConfig, {"cannot read the options", path, "", "a TOML file", ""});
  return text.str();
}

// --options, then --set over it. A hook's table as it stands in a config will do: what the host keeps for
// itself is passed over.
ConfigNode read_values(const CheckArguments& arguments) {
  ConfigNode values = ConfigNode::table();
  if (!arguments.options_file.empty())
    values = parse_toml(text_of(arguments.options_file), arguments.options_file);
  for (const std::string& line : arguments.set) {
    const size_t at = line.find('=');
    if (at == std::string::npos || at == 0)
      throw Failure(FailureKind::kConfig, {"--set needs KEY=VALUE", "--set", line, "interval=10", ""});
    const Source source{"--set " + line, 0};
    const std::string key = line.substr(0, at), text = line.substr(at + 1);
    try {
      values.set(key, parse_value(text, source));
    } catch (const Failure&) {
      values.set(key, ConfigNode::string(text, source));  // as with --set of a run: a bare word is a string
    }
  }
  const ConfigNode given = values;
  for (const auto& [key, value] : given.members()) {
    if (is_reserved_option(key)) values.erase(key);
  }
  return values;
}

}  // namespace

void add_check_arguments(CLI::App& app, CheckArguments& arguments) {
  app.add_option("FILE", arguments.file, "The plugin")->type_name("FILE.so");
  app.add_flag("--list", arguments.list, "Lists the cases, runs none");
  app.add_option("--only", arguments.only,
                 "Runs this case (and, unseen, those that it builds on); repeatable")
      ->type_name("CASE")
      ->allow_extra_args(false);
  app.add_flag("--json", arguments.json, "As JSON");
  app.add_option("--seed", arguments.seed, "Seed of everything that is drawn")->capture_default_str();
  app.add_option("--timeout", arguments.timeout_s,
                 "Limit of each case; 10, or 60 for one that links LibTorch")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.001, 86400.0));
  app.add_option("--options", arguments.options_file,
                 "Option values from this TOML file, instead of drawn ones")
      ->type_name("FILE.toml");
  app.add_option("--set", arguments.set, "One option's value; repeatable")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  app.add_option("--torch-version", arguments.torch_version,
                 "The host's LibTorch, to compare with the plugin's")
      ->type_name("VERSION");
}

int run_check(const CheckArguments& arguments, const std::string& program, const std::string& command) {
  if (arguments.list) {
    std::fputs((arguments.json ? list_json() : list_text()).c_str(), stdout);
    return 0;
  }
  if (arguments.file.empty())
    throw Failure(FailureKind::kConfig, {"no plugin is named", command, "", "FILE.so", "--help shows more"});
  CheckSettings settings;
  settings.file = arguments.file;
  settings.program = program;
  settings.torch_version = arguments.torch_version;
  settings.seed = arguments.seed;
  settings.only = arguments.only;
  if (arguments.timeout_s > 0)
    settings.limit =
        std::chrono::milliseconds(std::max<int64_t>(1, static_cast<int64_t>(arguments.timeout_s * 1000)));
  settings.given_values = read_values(arguments);
  const CheckReport report = check_conformance(settings);
  std::fputs((arguments.json ? report_json(report) : report_text(report, command)).c_str(), stdout);
  return report.is_conforming() ? 0 : 1;
}

std::string conformance_program() { return installed_program("grapnel-conformance"); }

}  // namespace grapnel::conformance
