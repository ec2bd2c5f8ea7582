// The plugin in a case's process: loaded, its tables as this host knows them.
#pragma once

#include <grapnel/plugin.h>

#include <string>
#include <vector>

#include "conformance/conformance_case.hpp"

namespace grapnel::conformance {

struct PluginUnderTest {
  const grapnel_plugin* descriptor = nullptr;
  grapnel_hook_vtable vtable{};         // absent slots are null
  std::vector<grapnel_option> options;  // as many rows as the plugin has
  CallTrace* trace = nullptr;

  bool keeps_state() const { return vtable.save_state != nullptr && vtable.load_state != nullptr; }
};

// The exported descriptor, not looked at. Throws CaseEnded (blocked) if the file cannot be loaded or exports
// none: elf_needs_resolvable and elf_one_symbol say so.
const grapnel_plugin& load_descriptor(const CaseInput& input);

// Loads and takes the tables; for cases that need "options".
PluginUnderTest load_plugin(const CaseInput& input);

// What the loader says; "" when the file could be loaded.
std::string loader_message(const std::string& file);

}  // namespace grapnel::conformance
