// The model's modules and tensors by name, in Python's state_dict order. Works for a module that no
// shared_ptr owns, which LibTorch's own named_modules() refuses.
#pragma once

#include <torch/torch.h>

#include <string>
#include <utility>
#include <vector>

#include "runner/checkpoint_file.hpp"

namespace grapnel::runner {

struct TreeModule {
  std::string name;  // "" for the model itself
  torch::nn::Module* module = nullptr;
};

// The model itself, then its children depth first, in registration order.
std::vector<TreeModule> module_tree(torch::nn::Module& model);

// Parameters, then buffers, module by module; handles on the model's own memory.
NamedTensors model_tensors(torch::nn::Module& model);

// True for batch, instance, group and layer normalisation: LibTorch's own modules, and any other module that
// keeps running statistics ("running_mean"), as fused ones do.
bool is_norm_layer(const torch::nn::Module& module);

}  // namespace grapnel::runner
