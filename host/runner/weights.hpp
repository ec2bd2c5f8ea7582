// Puts saved weights into a model by name, whichever project's names they are.
#pragma once

#include <torch/torch.h>

#include <string>

#include "runner/checkpoint_file.hpp"

namespace grapnel::runner {

// Copies each tensor of `tensors` into the model's parameter or buffer of that name; a model that is a
// ForeignNames translates the names first. `strict`: any difference in names or shapes is a Failure(kConfig)
// naming `path`. Else what does not fit is left out (the model keeps its values there) and listed in one
// warning, as for a head with another number of classes; it is a Failure only if less fits than does not.
// num_batches_tracked may always be missing.
void load_tensors(torch::nn::Module& model, const NamedTensors& tensors, bool strict,
                  const std::string& path);

// The weights of a checkpoint or of a plain dict of tensors, strictly. Failure(kConfig).
void load_weights(torch::nn::Module& model, const std::string& path);

}  // namespace grapnel::runner
