// grapnel config schema.
#include <cstdio>
#include <memory>
#include <string>

#include "cli/session.hpp"
#include "cli/verbs.hpp"
#include "core/config_file.hpp"
#include "core/hook_shapes.hpp"
#include "core/logging.hpp"
#include "runner/config_schema.hpp"
#include "tasks/classification/classification_config.hpp"
#include "tasks/detection/detection_config.hpp"

namespace grapnel::cli {
namespace {

struct SchemaArguments {
  std::string config, directory;
};

// --directory replaces the search path; --config adds its [plugins] folders to it.
int print_schema(const SchemaArguments& arguments) {
  set_up_logging({"WARNING"});
  const ConfigNode config = arguments.config.empty() ? ConfigNode::table() : load_config(arguments.config);
  const PluginCatalog catalog =
      arguments.directory.empty() ? find_plugins(config) : scan_plugins({arguments.directory});
  const ConfigNode schema = runner::config_schema(
      {detection::detection_shapes(), classification::classification_shapes()}, load_all_plugins(catalog));
  std::printf("%s\n", schema.to_json().c_str());
  return 0;
}

}  // namespace

void add_config_schema_verb(CLI::App& config, Verb& verb) {
  auto arguments = std::make_shared<SchemaArguments>();
  CLI::App* sub = config.add_subcommand("schema", "Prints a JSON Schema of configs, for editors");
  sub->add_option("--config", arguments->config, "Searches hooks where this TOML file says")
      ->type_name("CONFIG");
  sub->add_option("--directory", arguments->directory, "Searches hooks in this folder only")
      ->type_name("DIR");
  sub->callback([&verb, arguments] { verb = [arguments] { return print_schema(*arguments); }; });
}

}  // namespace grapnel::cli
