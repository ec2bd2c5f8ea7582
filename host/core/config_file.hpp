// Reads config files: TOML through toml++, `_base_` inheritance merged as MMEngine does it, and overrides from
// the command line. What comes out knows for each value where it was written.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/config_node.hpp"

namespace grapnel {

// The whole config: `path` merged over its bases (relative to the file that names them), then each
// "KEY=VALUE" of `overrides` (dotted key, list indexes; the value as TOML, or else as a plain string).
// In a table, `_delete_ = true` drops what the base had there; lists replace. Two bases of one file must not
// set the same key. Failure(kConfig) for everything that is wrong with a file or an override.
ConfigNode load_config(const std::string& path, const std::vector<std::string>& overrides = {});

// One value written as TOML: "50", "[14, 26]", "\"auto\"", "{ a = 1 }". Failure(kConfig) if it is none.
ConfigNode parse_value(std::string_view toml_value, Source source = {});

// RFC 8259 JSON. Failure(kConfig) if it is none.
ConfigNode parse_json(std::string_view json, Source source = {});

// A path as written in a config, relative to the file that names it; absolute ones stay as they are.
std::string resolve_path(const ConfigNode& path);

}  // namespace grapnel
