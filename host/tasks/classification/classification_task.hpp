// Image classification with a small convolutional net: seconds an epoch on two cores, the fast way to try a
// hook, and the proof that nothing in the runner knows about detection.
#pragma once

#include <memory>
#include <string>

#include "core/config_node.hpp"
#include "runner/task.hpp"

namespace grapnel::classification {

// `model`: type = "SmallConvNet", num_classes (default 10), channels (width of the first layer, default 16).
// Batches are "inputs" [B, 1, H, W] float32 in [0, 1] and "labels" [B] int64. Failure(kConfig) for a wrong
// table.
std::unique_ptr<runner::Task> make_classification_task(const ConfigNode& model, const std::string& path);

}  // namespace grapnel::classification
