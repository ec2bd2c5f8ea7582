// How one config is laid over another: MMEngine's inheritance, and the single keys that the command line
// sets.
#pragma once

#include <string>

#include "core/config_node.hpp"

namespace grapnel {

// Lays the table `over` on the table `base`, as MMEngine's Config does: tables merge key by key, all else,
// lists included, replaces. `_delete_ = true` in a table drops what the base had under that key; `_delete_`
// itself never stays. Failure(kConfig) for a table over something else without `_delete_`, and for a
// `_delete_` that is no boolean or stands at the top of `over`.
void merge_over(ConfigNode& base, const ConfigNode& over);

// Sets one key of `config` as "KEY=VALUE" says: a dotted key (parts with a dot in quotes), numbers for list
// items; the value as TOML, or else as a plain string (but text that begins like a TOML list, table or string
// must be one). Tables on the way are made, as MMEngine does: the reader of the config refuses names that
// mean nothing. A table laid on a table merges. Failure(kConfig) for no list index or one out of range, a way
// through a plain value, text that is not UTF-8, `_base_`.
void apply_override(ConfigNode& config, const std::string& text);

}  // namespace grapnel
