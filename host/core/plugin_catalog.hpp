// What plugin files there are. The catalogue reads ELF notes only: listing a folder runs no foreign code.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/config_node.hpp"

namespace grapnel {

// One *.so of a searched folder.
struct PluginFile {
  std::string path;
  std::string type;           // from the note; empty when it was rejected before the note was read
  uint32_t abi_major = 0;
  uint32_t abi_minor = 0;
  std::string torch_version;  // "" if the plugin uses none
  std::string rejection;      // why it cannot be used; empty: it looks usable
  std::string shadowed_by;    // path of the file of the same type in an earlier folder; empty: not shadowed
};

class PluginCatalog {
 public:
  // Folders in the order searched: [plugins].directories (relative ones are relative to the config file),
  // GRAPNEL_PLUGIN_PATH (colon-separated), the installation's own folder. A configured folder that is
  // missing, not a folder, or writable by everyone is a Failure(kConfig).
  static std::vector<std::string> search_path(const ConfigNode& config, const std::string& installation_folder);

  // Reads every *.so in the folders. The same type twice in one folder is a Failure(kConfig).
  static PluginCatalog scan(const std::vector<std::string>& folders);

  const std::vector<PluginFile>& files() const { return files_; }
  const std::vector<std::string>& folders() const { return folders_; }
  // The usable file of that type; null if there is none.
  const PluginFile* find(const std::string& type) const;
  // Failure(kConfig) text for a type that is not there: what was found, what was rejected and why.
  std::string describe_missing(const std::string& type) const;

 private:
  std::vector<PluginFile> files_;
  std::vector<std::string> folders_;
};

}  // namespace grapnel
