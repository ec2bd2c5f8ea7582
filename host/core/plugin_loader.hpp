// Loads plugins through Boost.DLL and checks what they say about themselves. A plugin is mapped once a
// process and never unloaded: a library with live thread-locals or registered types takes the program with it
// when it goes.
#pragma once

#include <grapnel/plugin.h>

#include <string>
#include <vector>

#include "core/plugin_catalog.hpp"

namespace grapnel {

// A loaded plugin; lives until the process ends.
struct LoadedPlugin {
  std::string path;
  const grapnel_plugin* descriptor = nullptr;
  grapnel_hook_vtable vtable{};         // as this host knows it: absent slots are null
  std::vector<grapnel_option> options;  // as this host knows them
};

struct LoadRequest {
  const PluginFile* file = nullptr;  // usable, from the catalogue
  std::string sha256;                // 64 hex digits, or empty: any content
  std::string where;                 // "demo.toml:12, custom_hooks.0", for messages
};

// Loads all files, in order: checks the digests, probes every file that this process has not loaded yet in a
// process of its own (all side by side), loads, checks descriptor and option defaults.
// Failure(kConfig) names the first file that will not do and the one reason.
std::vector<const LoadedPlugin*> load_plugins(const std::vector<LoadRequest>& requests);

// Where the author of the plugin at `path` finds out what is wrong with it; for the hint of a Failure.
std::string check_hint(const std::string& path);

}  // namespace grapnel
