// What `grapnel hooks list` and `grapnel hooks describe` show, as text for people and as JSON for programs.
#pragma once

#include <string>

#include "core/plugin_catalog.hpp"
#include "core/plugin_loader.hpp"

namespace grapnel {

// One line a file: type, ABI, LibTorch, path, and why it is not used if so. Runs no plugin code.
std::string list_hooks_text(const PluginCatalog& catalog);
// {"folders": [...], "plugins": [{"type", "path", "abi", "torch_version", "usable", "rejection",
// "shadowed_by"}]}
std::string list_hooks_json(const PluginCatalog& catalog);

// Loads the plugin of that type. Failure(kConfig) if there is none or it will not load.
const LoadedPlugin& load_described_hook(const PluginCatalog& catalog, const std::string& type);
// Type, version, author, licence, summary; options with type, default, range and meaning; the points it uses.
std::string describe_hook_text(const LoadedPlugin& plugin);
// {"type", "version", "author", "license", "summary", "path", "abi", "torch_version", "default_priority",
//  "keeps_state", "points": [...], "options": [{"name", "type", "presence", "default", "limits", "summary"}]}
std::string describe_hook_json(const LoadedPlugin& plugin);

}  // namespace grapnel
