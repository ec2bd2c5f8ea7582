#include "services/model_index.hpp"

#include "runner/module_tree.hpp"

namespace grapnel::services {
namespace {

// "torch::nn::BatchNorm2dImpl" is BatchNorm2d to people.
std::string type_name(const torch::nn::Module& module) {
  std::string name = module.name();
  const size_t arguments = name.find('<');
  if (arguments != std::string::npos) name.resize(arguments);
  const size_t colon = name.rfind(':');
  if (colon != std::string::npos) name.erase(0, colon + 1);
  if (name.size() > 4 && name.compare(name.size() - 4, 4, "Impl") == 0) name.resize(name.size() - 4);
  return name;
}

}  // namespace

ModelIndex::ModelIndex(runner::Task& task) : task_(task) {
  for (const runner::TreeModule& each : runner::module_tree(task.model())) {
    const uint64_t index = modules_.size();
    const std::string prefix = each.name.empty() ? "" : each.name + ".";
    const std::string type = type_name(*each.module);
    modules_.push_back({each.name, type, runner::is_norm_layer(*each.module), type == "SyncBatchNorm"});
    for (const auto& item : each.module->named_parameters(false)) {
      if (item.value().defined()) parameters_.push_back({prefix + item.key(), item.value(), index});
    }
    for (const auto& item : each.module->named_buffers(false)) {
      if (item.value().defined()) buffers_.push_back({prefix + item.key(), item.value(), index});
    }
  }
}

std::vector<runner::ModuleAttribute> ModelIndex::attributes(uint64_t module_index) const {
  const std::string& module = modules_.at(module_index).name;
  std::vector<runner::ModuleAttribute> found;
  for (runner::ModuleAttribute& attribute : task_.attributes()) {
    if (attribute.module == module) found.push_back(std::move(attribute));
  }
  return found;
}

}  // namespace grapnel::services
