// The tables of a config that belong to the detection task. No LibTorch in here.
#pragma once

#include "runner/config_schema.hpp"
#include "runner/run_config.hpp"

namespace grapnel::detection {

// What model, datasets and evaluators may hold, as their readers ask for it.
runner::TaskShapes detection_shapes();

// Reads model, datasets and evaluators without opening data. Failure(kConfig) for the first wrong one.
void check_detection_config(const runner::RunConfig& run);

}  // namespace grapnel::detection
