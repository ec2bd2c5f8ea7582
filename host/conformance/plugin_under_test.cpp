#include "conformance/plugin_under_test.hpp"

#include <dlfcn.h>

#include "core/descriptor_check.hpp"

namespace grapnel::conformance {

std::string loader_message(const std::string& file) {
  if (::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL) != nullptr) return {};  // never closed: abi.md
  const char* text = ::dlerror();
  std::string message = text != nullptr ? text : "no reason given";
  const std::string prefix = file + ": ";
  if (message.rfind(prefix, 0) == 0) message.erase(0, prefix.size());
  return message;
}

const grapnel_plugin& load_descriptor(const CaseInput& input) {
  const TracedCall call(input.trace, kBeingLoaded);
  void* library = ::dlopen(input.file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw CaseEnded{blocked_by("elf_needs_resolvable")};
  const auto* plugin = static_cast<const grapnel_plugin*>(::dlsym(library, GRAPNEL_ENTRY_SYMBOL));
  if (plugin == nullptr) throw CaseEnded{blocked_by("elf_one_symbol")};
  return *plugin;
}

PluginUnderTest load_plugin(const CaseInput& input) {
  PluginUnderTest plugin;
  plugin.descriptor = &load_descriptor(input);
  plugin.vtable = known_vtable(*plugin.descriptor->vtable);
  plugin.options = known_options(*plugin.descriptor);
  plugin.trace = input.trace;
  return plugin;
}

}  // namespace grapnel::conformance
