// Weights alone, written for other programs: torch.save's zip format with a dict {"model": tensors by name},
// which Megvii's tools and torch.load(weights_only=True) open, or safetensors.
#pragma once

#include <torch/torch.h>

#include <optional>
#include <string>

#include "runner/checkpoint_file.hpp"

namespace grapnel::runner {

// Which of the two by the name's ending: .pth, .pt or .safetensors. Failure(kConfig) for another one.
void check_export_path(const std::string& path);

// Puts the file in place whole, or not at all. Floating-point tensors become `dtype` first, if one is given.
// Failure(kRun) naming path and reason; Failure(kConfig) for another ending.
void export_weights(const std::string& path, const NamedTensors& tensors,
                    std::optional<c10::ScalarType> dtype);

}  // namespace grapnel::runner
