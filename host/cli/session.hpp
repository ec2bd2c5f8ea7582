// Everything one run is made of, built in the order in which it depends on each other and taken down in
// reverse: config, task, services, hooks, runner.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/hook_host.hpp"
#include "core/service_table.hpp"
#include "runner/collectives.hpp"
#include "runner/runner.hpp"
#include "runner/task.hpp"
#include "services/service_tables.hpp"

namespace grapnel::cli {

// The task that `model.type` names. Failure(kConfig) for an unknown one.
std::unique_ptr<runner::Task> make_task(const ConfigNode& model);

// Checks what the model's task reads: model, datasets and evaluators, without opening data. Failure(kConfig).
void check_task_config(const runner::RunConfig& run);

// The folder with this installation's own plugins: <prefix>/<lib>/grapnel/plugins, or <build>/plugins for a
// program that was not installed.
std::string installed_plugin_folder();

// The plugins that a config can name, searched where it says; those of `folders`.
PluginCatalog find_plugins(const ConfigNode& config);
PluginCatalog scan_plugins(const std::vector<std::string>& folders);

class Session {
 public:
  // Which loops the verb runs: the others' data are not opened.
  enum class Loops { kTrain, kVal, kTest };

  // Builds and checks everything: a Failure here means that nothing ran.
  Session(runner::RunConfig config, Loops loops);
  ~Session();

  runner::Runner& runner() { return *runner_; }
  HookHost& hooks() { return *hooks_; }

 private:
  std::unique_ptr<runner::Collectives> collectives_;
  std::unique_ptr<runner::Task> task_;
  ServiceTable services_;
  services::ServiceContext context_;
  std::unique_ptr<HookHost> hooks_;
  std::unique_ptr<runner::Runner> runner_;
};

}  // namespace grapnel::cli
