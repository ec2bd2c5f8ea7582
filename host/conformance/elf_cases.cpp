// The cases that look at the file alone, and the one that asks the dynamic linker.
#include <algorithm>

#include "conformance/cases.hpp"
#include "conformance/plugin_under_test.hpp"
#include "core/elf_probe.hpp"

namespace grapnel::conformance {
namespace {

std::string joined(const std::vector<std::string>& names, size_t most) {
  std::string text;
  for (size_t i = 0; i < std::min(names.size(), most); ++i) text += (i ? ", " : "") + names[i];
  if (names.size() > most) text += " and " + std::to_string(names.size() - most) + " more";
  return text;
}

std::vector<std::string> torch_libraries(const ElfReport& elf) {
  std::vector<std::string> names;
  for (const std::string& name : elf.needed) {
    if (name.rfind("libtorch", 0) == 0 || name.rfind("libc10", 0) == 0) names.push_back(name);
  }
  return names;
}

}  // namespace

CaseResult elf_one_symbol(const CaseInput& input) {
  const ElfReport elf = probe_elf(input.file);
  std::vector<std::string> others = elf.exported;
  const auto entry = std::find(others.begin(), others.end(), GRAPNEL_ENTRY_SYMBOL);
  if (entry == others.end())
    return failed("it does not export " GRAPNEL_ENTRY_SYMBOL +
                  (others.empty() ? "" : ", but " + joined(others, 3)));
  others.erase(entry);
  if (!elf.entry_is_object) return failed(GRAPNEL_ENTRY_SYMBOL " is exported, but not as a data object");
  if (!elf.entry_is_const)
    return failed(GRAPNEL_ENTRY_SYMBOL " can be written when the file is loaded: expected a const object");
  if (!others.empty()) {
    return failed("it exports " + std::to_string(elf.exported.size()) +
                  " symbols, expected " GRAPNEL_ENTRY_SYMBOL " alone: also " + joined(others, 3) +
                  " (hidden visibility and the version script plugin.map hide them)");
  }
  return passed();
}

CaseResult elf_no_text_relocations(const CaseInput& input) {
  if (!probe_elf(input.file).has_text_relocations) return passed();
  return failed("it has text relocations (DT_TEXTREL): compile every object of it with -fPIC");
}

CaseResult elf_no_executable_stack(const CaseInput& input) {
  if (!probe_elf(input.file).has_executable_stack) return passed();
  return failed("it asks for an executable stack (PT_GNU_STACK): link it with -Wl,-z,noexecstack");
}

// The linker resolves everything before it runs the first initialiser: a process that ends there has passed.
CaseResult elf_needs_resolvable(const CaseInput& input) {
  const TracedCall call(input.trace, kBeingLoaded);
  const std::string message = loader_message(input.file);
  if (message.empty()) return passed();
  return failed(message + " (link it with -Wl,-z,defs to see this when it is built)");
}

CaseResult elf_torch(const CaseInput& input) {
  ElfExpectation expectation;
  const ElfReport elf = probe_elf(input.file, expectation);
  const std::string noted = elf.torch_version.empty() ? "none" : "LibTorch " + elf.torch_version;
  if (elf.has_note && elf.links_torch() && elf.torch_version.empty()) {
    return failed("it is linked against LibTorch (" + joined(torch_libraries(elf), 3) +
                  "), its note names none: include grapnel/torch.hpp before hook.hpp");
  }
  if (elf.has_note && !elf.links_torch() && !elf.torch_version.empty())
    return failed("its note names " + noted + ", but it is not linked against LibTorch");
  // The host's own words for a version that is not the host's.
  const std::string without = elf.rejection;
  expectation.torch_version = input.torch_version;
  const std::string with = probe_elf(input.file, expectation).rejection;
  if (with != without) return failed(with);
  return passed();
}

CaseResult note(const CaseInput& input) {
  const ElfReport elf = probe_elf(input.file);
  if (!elf.has_note) return failed(elf.rejection);
  const grapnel_plugin& plugin = load_descriptor(input);
  const auto version = [](uint32_t major, uint32_t minor) {
    return std::to_string(major) + "." + std::to_string(minor);
  };
  const auto differ = [](const std::string& what, const std::string& in_note,
                         const std::string& in_descriptor) {
    return failed("its note says " + what + " \"" + in_note + "\", its descriptor \"" + in_descriptor + "\"");
  };
  const std::string theirs = version(plugin.abi_major, plugin.abi_minor);
  if (version(elf.abi_major, elf.abi_minor) != theirs)
    return differ("ABI", version(elf.abi_major, elf.abi_minor), theirs);
  if (plugin.type != nullptr && elf.type != plugin.type) return differ("type", elf.type, plugin.type);
  if (plugin.torch_version != nullptr && elf.torch_version != plugin.torch_version)
    return differ("LibTorch", elf.torch_version, plugin.torch_version);
  return passed();
}

}  // namespace grapnel::conformance
