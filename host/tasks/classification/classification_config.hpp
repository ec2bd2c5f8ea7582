// The tables of a config that belong to the classification task, read and checked. No LibTorch in here.
#pragma once

#include <cstdint>

#include "core/section.hpp"
#include "runner/config_schema.hpp"
#include "runner/run_config.hpp"

namespace grapnel::classification {

struct SmallConvNetConfig {
  int64_t num_classes = 10;
  int64_t channels = 16;
};

// The table `model`. Failure(kConfig) for a wrong one.
SmallConvNetConfig read_small_conv_net_config(Section model);
// An evaluator's table, which has nothing to choose.
void read_accuracy(Section evaluator);

// What model, datasets and evaluators may hold, as their readers ask for it.
runner::TaskShapes classification_shapes();

// Reads model, datasets and evaluators without opening data. Failure(kConfig) for the first wrong one.
void check_classification_config(const runner::RunConfig& run);

}  // namespace grapnel::classification
