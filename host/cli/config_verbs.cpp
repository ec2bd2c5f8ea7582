// grapnel config check, config show.
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "cli/session.hpp"
#include "cli/verbs.hpp"
#include "core/config_file.hpp"
#include "core/logging.hpp"
#include "runner/run_config.hpp"

namespace grapnel::cli {
namespace {

struct ConfigArguments {
  std::string config;
  std::vector<std::string> overrides;
};

// Everything that can be known without opening data or making an instance of a hook.
int check(const ConfigArguments& arguments) {
  set_up_logging({"WARNING"});
  const ConfigNode config = load_config(arguments.config, arguments.overrides);
  const auto run = runner::read_run_config(config);
  const auto hooks = read_hook_configs(config);
  const auto catalog = find_plugins(config);
  check_hooks(catalog, hooks);
  make_task(run.model);
  check_task_config(run);
  std::printf("%s is right: %zu hooks\n", arguments.config.c_str(), hooks.size());
  return 0;
}

int show(const ConfigArguments& arguments) {
  std::fputs(load_config(arguments.config, arguments.overrides).to_toml().c_str(), stdout);
  return 0;
}

}  // namespace

void add_config_verbs(CLI::App& app, Verb& verb) {
  CLI::App* config = app.add_subcommand("config", "Looks at configs");
  config->require_subcommand(1);
  const auto add = [&](const char* name, const char* help, int (*action)(const ConfigArguments&)) {
    auto arguments = std::make_shared<ConfigArguments>();
    CLI::App* sub = config->add_subcommand(name, help);
    sub->add_option("CONFIG", arguments->config, "TOML file")->required();
    sub->add_option("--set", arguments->overrides, "Overrides one key")->type_name("KEY=VALUE")->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    sub->callback([&verb, arguments, action] { verb = [arguments, action] { return action(*arguments); }; });
  };
  add("check", "Checks a config whole, each hook's options included", check);
  add("show", "Prints the resolved config", show);
  add_config_schema_verb(*config, verb);
}

}  // namespace grapnel::cli
