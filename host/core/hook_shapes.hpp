// What a config may say about hooks, as shapes: one table a hook type, made from its plugin's option table
// and the keys that belong to the host.
#pragma once

#include <memory>
#include <vector>

#include "core/plugin_loader.hpp"
#include "core/table_shape.hpp"

namespace grapnel {

// A hook's table without its `type`.
TableShape hook_shape(const LoadedPlugin& plugin);

// All of them, ordered by type.
std::shared_ptr<const TableVariants> hook_variants(std::vector<const LoadedPlugin*> plugins);

// `default_hooks` and `custom_hooks`, as read_hook_configs reads them.
KeyShape default_hooks_shape(const std::shared_ptr<const TableVariants>& hooks);
KeyShape custom_hooks_shape(const std::shared_ptr<const TableVariants>& hooks);

// The usable plugins of a catalogue, each tried and loaded on its own. Every other file, and one that cannot
// be loaded, is left out with a warning that says why.
std::vector<const LoadedPlugin*> load_all_plugins(const PluginCatalog& catalog);

}  // namespace grapnel
