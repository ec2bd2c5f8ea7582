// grapnel hooks list, hooks describe.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "cli/session.hpp"
#include "cli/verbs.hpp"
#include "core/config_file.hpp"
#include "core/hooks_listing.hpp"
#include "core/logging.hpp"

namespace grapnel::cli {
namespace {

struct HooksArguments {
  std::string type, config, directory;
  bool json = false;
};

// --directory replaces the search path; --config adds its [plugins] folders to it.
PluginCatalog catalog_of(const HooksArguments& arguments) {
  set_up_logging({"WARNING"});
  if (!arguments.directory.empty()) return scan_plugins({arguments.directory});
  return find_plugins(arguments.config.empty() ? ConfigNode::table() : load_config(arguments.config));
}

int list(const HooksArguments& arguments) {
  const PluginCatalog catalog = catalog_of(arguments);
  std::fputs((arguments.json ? list_hooks_json(catalog) + "\n" : list_hooks_text(catalog)).c_str(), stdout);
  return 0;
}

int describe(const HooksArguments& arguments) {
  const LoadedPlugin& plugin = load_described_hook(catalog_of(arguments), arguments.type);
  std::fputs((arguments.json ? describe_hook_json(plugin) + "\n" : describe_hook_text(plugin)).c_str(), stdout);
  return 0;
}

}  // namespace

void add_hooks_verbs(CLI::App& app, Verb& verb) {
  CLI::App* hooks = app.add_subcommand("hooks", "Looks at hooks");
  hooks->require_subcommand(1);
  const auto add = [&](const char* name, const char* help, bool takes_type, int (*action)(const HooksArguments&)) {
    auto arguments = std::make_shared<HooksArguments>();
    CLI::App* sub = hooks->add_subcommand(name, help);
    if (takes_type) sub->add_option("TYPE", arguments->type, "A hook's type")->required();
    sub->add_option("--config", arguments->config, "Searches where this TOML file says")->type_name("CONFIG");
    sub->add_option("--directory", arguments->directory, "Searches this folder only")->type_name("DIR");
    sub->add_flag("--json", arguments->json, "As JSON");
    sub->callback([&verb, arguments, action] { verb = [arguments, action] { return action(*arguments); }; });
  };
  add("list", "The plugins that are found, and why some are not used", false, list);
  add("describe", "One hook's options and points", true, describe);
  add_hooks_check_verb(*hooks, verb);
  add_hooks_new_verb(*hooks, verb);
}

}  // namespace grapnel::cli
