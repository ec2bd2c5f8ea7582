// Which hooks a config names. `[default_hooks]` and `[[custom_hooks]]` become one list, in MMEngine's
// registration order: the six defaults first, then the custom ones as written.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/config_node.hpp"

namespace grapnel {

struct HookConfig {
  std::string type;
  std::optional<int> priority;  // empty: the plugin's own default
  bool disable_on_error = false;
  std::string state_key;  // empty: made from the type
  std::string sha256;     // 64 hex digits, or empty
  ConfigNode options;     // the table without the reserved keys
  std::string path;       // "custom_hooks.0"
  Source source;
};

// Reads `default_hooks` and `custom_hooks` of the whole config. MMEngine's six (runtime_info, timer,
// sampler_seed, logger, param_scheduler, checkpoint) are there unless replaced by a table or removed by
// `NAME = false`; other names under default_hooks add a hook. Failure(kConfig) for wrong reserved keys.
std::vector<HookConfig> read_hook_configs(const ConfigNode& config);

// plugins.time_hooks: whether each call of a hook is timed; true when left out.
bool times_hooks(const ConfigNode& config);

// The six's names and types, in order.
std::vector<std::pair<std::string, std::string>> default_hook_types();

// MMEngine's names of priorities, the earliest first.
std::vector<std::string> priority_names();

// 0..100 or MMEngine's names ("VERY_HIGH"); Failure(kConfig) otherwise.
int parse_priority(const ConfigNode& value, const std::string& path);

}  // namespace grapnel
