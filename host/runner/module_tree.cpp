#include "runner/module_tree.hpp"

namespace grapnel::runner {
namespace {

void add_subtree(torch::nn::Module& module, const std::string& name, std::vector<TreeModule>& tree) {
  tree.push_back({name, &module});
  for (const auto& child : module.named_children()) {
    add_subtree(*child.value(), name.empty() ? child.key() : name + "." + child.key(), tree);
  }
}

}  // namespace

std::vector<TreeModule> module_tree(torch::nn::Module& model) {
  std::vector<TreeModule> tree;
  add_subtree(model, "", tree);
  return tree;
}

NamedTensors model_tensors(torch::nn::Module& model) {
  NamedTensors tensors;
  for (const TreeModule& each : module_tree(model)) {
    const std::string prefix = each.name.empty() ? "" : each.name + ".";
    for (const auto& item : each.module->named_parameters(false)) {
      if (item.value().defined()) tensors.emplace_back(prefix + item.key(), item.value());
    }
    for (const auto& item : each.module->named_buffers(false)) {
      if (item.value().defined()) tensors.emplace_back(prefix + item.key(), item.value());
    }
  }
  return tensors;
}

bool is_norm_layer(const torch::nn::Module& module) {
  using namespace torch::nn;
  return module.named_buffers(false).contains("running_mean") ||
         dynamic_cast<const BatchNorm1dImpl*>(&module) != nullptr ||
         dynamic_cast<const BatchNorm2dImpl*>(&module) != nullptr ||
         dynamic_cast<const BatchNorm3dImpl*>(&module) != nullptr ||
         dynamic_cast<const InstanceNorm1dImpl*>(&module) != nullptr ||
         dynamic_cast<const InstanceNorm2dImpl*>(&module) != nullptr ||
         dynamic_cast<const InstanceNorm3dImpl*>(&module) != nullptr ||
         dynamic_cast<const GroupNormImpl*>(&module) != nullptr ||
         dynamic_cast<const LayerNormImpl*>(&module) != nullptr;
}

}  // namespace grapnel::runner
