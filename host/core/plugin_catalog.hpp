// What plugin files there are. The catalogue reads ELF notes only: listing a folder runs no foreign code.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/config_node.hpp"
#include "core/table_shape.hpp"

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
  // missing, not a folder, writable by everyone or another user's is a Failure(kConfig).
  static std::vector<std::string> search_path(const ConfigNode& config,
                                              const std::string& installation_folder);

  // The keys of [plugins].
  static TableShape config_shape();

  // Reads every *.so in the folders. A plugin built against another LibTorch than `host_torch_version`
  // ("1.13.0"; empty: not compared) is rejected. So is a file that everyone can write, or that belongs to
  // neither root nor the user; such a folder is not searched. The same type twice in one folder is a
  // Failure(kConfig).
  static PluginCatalog scan(const std::vector<std::string>& folders,
                            const std::string& host_torch_version = "");

  const std::vector<PluginFile>& files() const { return files_; }
  const std::vector<std::string>& folders() const { return folders_; }
  // The usable file of that type; null if there is none.
  const PluginFile* find(const std::string& type) const;
  // Failure(kConfig) text for a type that is not there: what was found, what was rejected and why.
  std::string describe_missing(const std::string& type) const;
  // What a run that names `named_types` should be told: folders not searched, broken files, shadowed ones.
  // A broken file that stands in the way of a named type is left out: it becomes the error.
  std::vector<std::string> warnings(const std::vector<std::string>& named_types) const;

 private:
  std::vector<PluginFile> files_;
  std::vector<std::string> folders_;
  std::vector<std::string> warnings_;
};

}  // namespace grapnel
