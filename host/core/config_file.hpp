// Reads config files: TOML with `_base_` inheritance merged as MMEngine does it, and overrides from the
// command line. What comes out knows for each value where it was written.
#pragma once

#include <string>
#include <vector>

#include "core/config_node.hpp"
#include "core/config_text.hpp"

namespace grapnel {

// The whole config: `path` laid over its bases (a path or a list of paths, relative to the file that names
// them), then each "KEY=VALUE" of `overrides`, in order; config_merge.hpp says how. Two bases of one file
// must not set the same top-level key. Failure(kConfig) for everything that is wrong with a file or an
// override: a missing or unreadable one, a folder, more than 16 MiB, a syntax error (file:line:column), files
// that inherit in a circle.
ConfigNode load_config(const std::string& path, const std::vector<std::string>& overrides = {});

// A path as written in a config (the node must be a string), relative to the file that names it; from an
// override or a default relative to the current folder. Absolute ones stay as they are. `work_dir` and
// `data_root` are relative to the current folder by definition and need no resolving.
std::string resolve_path(const ConfigNode& path);

}  // namespace grapnel
