// Puts saved weights into a model by name.
#pragma once

#include <torch/torch.h>

#include <string>

#include "runner/checkpoint_file.hpp"

namespace grapnel::runner {

// Copies each tensor of `tensors` into the model's parameter or buffer of that name. `strict`: any difference in
// names or shapes is a Failure(kConfig) naming `path`; else it is a warning, and a Failure only if nothing fits.
// num_batches_tracked may always be missing.
void load_tensors(torch::nn::Module& model, const NamedTensors& tensors, bool strict, const std::string& path);

// The weights of a checkpoint or of a plain dict of tensors, strictly. Failure(kConfig).
void load_weights(torch::nn::Module& model, const std::string& path);

}  // namespace grapnel::runner
