// Which parameters share optimiser settings: optim_wrapper.paramwise_cfg over the task's groups.
#include <unordered_set>
#include <utility>

#include "runner/module_tree.hpp"
#include "runner/optimizer.hpp"

namespace grapnel::runner {

std::vector<ParameterGroup> paramwise_groups(torch::nn::Module& model, std::vector<ParameterGroup> groups,
                                             const OptimizerConfig& config) {
  std::vector<ParameterGroup> result;
  if (!config.norm_decay_mult && !config.bias_decay_mult) {
    for (auto& group : groups) {
      if (!group.parameters.empty()) result.push_back(std::move(group));
    }
    return result;
  }
  std::unordered_set<const void*> norm_parameters;
  for (const TreeModule& each : module_tree(model)) {
    if (!is_norm_layer(*each.module)) continue;
    for (const auto& tensor : each.module->parameters(false))
      norm_parameters.insert(tensor.unsafeGetTensorImpl());
  }
  const auto is_bias = [](const std::string& name) {
    const size_t dot = name.rfind('.');
    return name.substr(dot == std::string::npos ? 0 : dot + 1) == "bias";
  };
  for (auto& group : groups) {
    // Norm layers first, then biases, then the rest: three groups at most, in this order.
    ParameterGroup parts[3];
    const char* const endings[3] = {".norm", ".bias", ""};
    const double multipliers[3] = {config.norm_decay_mult.value_or(1.0), config.bias_decay_mult.value_or(1.0),
                                   1.0};
    for (auto& parameter : group.parameters) {
      const bool norm = norm_parameters.count(parameter.second.unsafeGetTensorImpl()) > 0;
      const int part = norm ? 0 : is_bias(parameter.first) ? 1 : 2;
      parts[part].parameters.push_back(std::move(parameter));
    }
    for (int part = 0; part < 3; ++part) {
      if (parts[part].parameters.empty()) continue;
      parts[part].name = group.name + endings[part];
      parts[part].lr_mult = group.lr_mult;
      parts[part].weight_decay = config.weight_decay * multipliers[part];
      result.push_back(std::move(parts[part]));
    }
  }
  return result;
}

}  // namespace grapnel::runner
