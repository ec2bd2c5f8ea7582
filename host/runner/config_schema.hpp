// The JSON Schema of a whole config: what the runner reads, what the tasks read, and each hook's options.
// No LibTorch in here.
#pragma once

#include <string>
#include <vector>

#include "core/plugin_loader.hpp"
#include "core/table_shape.hpp"

namespace grapnel::runner {

// What a task reads of the config: the variants of `model`, of a dataloader's `dataset`, and of an evaluator.
struct TaskShapes {
  std::vector<TableVariant> models;
  std::vector<TableVariant> datasets;
  std::vector<TableVariant> evaluators;  // the first is meant where none is named
  std::string usual_dataset;             // is meant where none is named; empty: one must be
};

// The schema as a table, to be printed with to_json().
ConfigNode config_schema(const std::vector<TaskShapes>& tasks,
                         const std::vector<const LoadedPlugin*>& plugins);

}  // namespace grapnel::runner
