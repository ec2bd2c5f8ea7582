// What the readers of the config say, for schema_agreement.py to hold against the JSON Schema.
//
//   config_verdicts schema DIR:DIR...  prints the schema with the plugins of the folders
//   config_verdicts resolve FILE       prints a config with its bases as JSON
//   config_verdicts check DIR:DIR...   one JSON document a line in, one line out: "ok", or why it is refused
#include <spdlog/spdlog.h>

#include <cstdio>
#include <exception>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "../../plugins/ParamSchedulerHook/schedule_config.hpp"
#include "core/config_file.hpp"
#include "core/config_text.hpp"
#include "core/failure.hpp"
#include "core/hook_config.hpp"
#include "core/hook_host.hpp"
#include "core/hook_shapes.hpp"
#include "core/logging.hpp"
#include "runner/config_schema.hpp"
#include "runner/run_config.hpp"
#include "tasks/classification/classification_config.hpp"
#include "tasks/detection/detection_config.hpp"

namespace grapnel {
namespace {

// As `grapnel config check`, and what ParamSchedulerHook reads when the run begins.
void check(const ConfigNode& config, const PluginCatalog& catalog) {
  const runner::RunConfig run = runner::read_run_config(config);
  PluginCatalog::search_path(config, "");
  check_hooks(catalog, read_hook_configs(config));
  const ConfigNode* type = run.model.find("type");
  const std::string model = type && type->kind() == ConfigNode::Kind::kString ? type->as_string() : "";
  if (model == "YOLOX") {
    detection::check_detection_config(run);
  } else {
    classification::check_classification_config(run);
  }
  if (const ConfigNode* schedulers = config.find("param_scheduler")) {
    schedules::read_schedules(json::parse(schedulers->to_json()), "param_scheduler");
  }
}

std::string verdict(const std::string& document, const PluginCatalog& catalog) {
  try {
    check(parse_json(document, Source{"document", 1}), catalog);
    return "ok";
  } catch (const std::exception& failure) {
    std::string text = failure.what();
    for (char& c : text) c = c == '\n' ? ' ' : c;
    return text;
  }
}

int run(const std::string& verb, const std::string& argument) {
  if (verb == "resolve") {
    std::printf("%s\n", load_config(argument).to_json().c_str());
    return 0;
  }
  std::vector<std::string> folders;
  std::istringstream listed(argument);
  for (std::string folder; std::getline(listed, folder, ':');) folders.push_back(folder);
  set_up_logging({"WARNING"});
  if (verb == "check") spdlog::set_level(spdlog::level::off);
  const PluginCatalog catalog = PluginCatalog::scan(folders);
  if (verb == "schema") {
    const ConfigNode schema = runner::config_schema(
        {detection::detection_shapes(), classification::classification_shapes()}, load_all_plugins(catalog));
    std::printf("%s\n", schema.to_json().c_str());
    return 0;
  }
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << verdict(line, catalog) << '\n';
  }
  return 0;
}

}  // namespace
}  // namespace grapnel

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: config_verdicts schema DIR:DIR... | resolve FILE | check DIR:DIR...\n");
    return 2;
  }
  try {
    return grapnel::run(argv[1], argv[2]);
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "config_verdicts: %s\n", failure.what());
    return 1;
  }
}
