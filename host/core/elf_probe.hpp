// Reads a plugin's ELF file without running any of it: is it a shared object for this machine, what does it
// need and export, and what does its Grapnel note say. Every offset is checked against the file's size,
// because `dlopen` of a truncated file kills the process with SIGBUS.
#pragma once

#include <grapnel/plugin.h>

#include <cstdint>
#include <string>
#include <vector>

namespace grapnel {

// What this host can load.
struct ElfExpectation {
  uint32_t abi_major = GRAPNEL_ABI_MAJOR;
  uint32_t abi_minor = GRAPNEL_ABI_MINOR;
  std::string torch_version;  // "1.13.0"; empty: LibTorch versions are not compared
};

struct ElfReport {
  std::string rejection;  // why the file cannot be used; empty: nothing speaks against it
  bool has_note = false;  // the next four come from the note
  std::string type;
  uint32_t abi_major = 0;
  uint32_t abi_minor = 0;
  std::string torch_version;
  std::vector<std::string> needed;     // DT_NEEDED, in the file's order
  std::vector<std::string> exported;   // defined dynamic symbols that others can bind to
  std::vector<std::string> undefined;  // what must come from elsewhere
  bool is_readable = false;            // the tables were read to their end, whatever speaks against the file
  bool has_text_relocations = false;   // its code must be changed when it is loaded
  bool has_executable_stack = true;    // so for a file that does not say otherwise
  bool entry_is_object = false;        // GRAPNEL_ENTRY_SYMBOL is exported as data
  bool entry_is_const = false;         // and lies where nothing can be written once the file is loaded

  // True if the file is linked against LibTorch, whatever its note says.
  bool links_torch() const;
};

// Never throws for what is in the file: a file that cannot be read is rejected with the reason.
ElfReport probe_elf(const std::string& path, const ElfExpectation& expectation = {});
// The same over a file's bytes.
ElfReport probe_elf_bytes(const std::vector<uint8_t>& file, const ElfExpectation& expectation = {});

}  // namespace grapnel
