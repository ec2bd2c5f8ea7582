#include "cli/session.hpp"

#include <torch/version.h>

#include <filesystem>
#include <utility>

#include "core/hook_config.hpp"
#include "tasks/classification/classification_config.hpp"
#include "tasks/classification/classification_task.hpp"
#include "tasks/detection/detection_config.hpp"
#include "tasks/detection/detection_task.hpp"

namespace grapnel::cli {

std::unique_ptr<runner::Task> make_task(const ConfigNode& model) {
  const ConfigNode* type = model.find("type");
  if (type == nullptr || type->kind() != ConfigNode::Kind::kString) {
    throw Failure(FailureKind::kConfig, {"the model has no type", model.source().text() + ", model.type", "",
                                         "\"YOLOX\" or \"SmallConvNet\"", ""});
  }
  const std::string& name = type->as_string();
  if (name == "YOLOX") return std::make_unique<detection::DetectionTask>(model, "model");
  if (name == "SmallConvNet") return classification::make_classification_task(model, "model");
  throw Failure(FailureKind::kConfig, {"unknown model type", type->source().text() + ", model.type",
                                       "\"" + name + "\"", "\"YOLOX\" or \"SmallConvNet\"", ""});
}

void check_task_config(const runner::RunConfig& run) {
  if (run.model.find("type")->as_string() == "YOLOX") {
    detection::check_detection_config(run);
  } else {
    classification::check_classification_config(run);
  }
}

std::string installed_plugin_folder() {
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return {};
  const auto here = program.parent_path();
  const auto installed = (here / GRAPNEL_PLUGINS_FROM_BIN).lexically_normal();
  // Installed first: a prefix such as a home folder may hold a folder plugins that is not Grapnel's.
  const auto built = here.parent_path() / "plugins";
  if (std::filesystem::is_directory(installed, error)) return installed.string();
  return (std::filesystem::is_directory(built, error) ? built : installed).string();
}

PluginCatalog scan_plugins(const std::vector<std::string>& folders) { return PluginCatalog::scan(folders, TORCH_VERSION); }

PluginCatalog find_plugins(const ConfigNode& config) {
  return scan_plugins(PluginCatalog::search_path(config, installed_plugin_folder()));
}

Session::Session(runner::RunConfig config, Loops loops) {
  if (loops != Loops::kTrain) {
    config.train.reset();
    config.train_dataloader.reset();
  }
  if (loops == Loops::kVal) config.test = false;
  if (loops == Loops::kTest) config.val = false;
  if (loops == Loops::kTrain) config.test = false;
  const ConfigNode whole = config.whole;
  const auto hook_configs = read_hook_configs(whole);
  const auto catalog = find_plugins(whole);

  collectives_ = runner::make_single_process_collectives();
  task_ = make_task(config.model);
  services::add_services(services_);
  hooks_ = std::make_unique<HookHost>(services_, context_.plain(), times_hooks(whole));
  runner_ = std::make_unique<runner::Runner>(std::move(config), *task_, *hooks_, *collectives_);
  context_.serve(*runner_);
  hooks_->load(catalog, hook_configs);
}

// Hooks may still ask services while they are destroyed: they go before the runner.
Session::~Session() { hooks_->destroy(); }

}  // namespace grapnel::cli
