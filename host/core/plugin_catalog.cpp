// The catalogue of plugin files. Folders and files that others could have tampered with are refused: anybody
// who can write there runs code in the training process.
#include "core/plugin_catalog.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>

#include "core/config_file.hpp"
#include "core/elf_probe.hpp"
#include "core/failure.hpp"
#include "core/section.hpp"

namespace grapnel {
namespace fs = std::filesystem;
namespace {

// Why a folder or file cannot be trusted; "" if it can.
std::string distrust(const struct stat& status) {
  if ((status.st_mode & S_IWOTH) != 0) return "it can be written by everyone: chmod o-w it";
  if (status.st_uid != 0 && status.st_uid != ::geteuid()) {
    return "it belongs to user " + std::to_string(status.st_uid) +
           ", expected root or the user who runs this (" + std::to_string(::geteuid()) + "): chown it";
  }
  return {};
}

// Why the folder cannot be searched; "" if it can.
std::string folder_problem(const std::string& folder) {
  struct stat status {};
  if (::stat(folder.c_str(), &status) != 0)
    return std::string(std::strerror(errno)) + ": create it or correct its path";
  if (!S_ISDIR(status.st_mode)) return "it is not a folder";
  if (::access(folder.c_str(), R_OK | X_OK) != 0) return std::strerror(errno);
  return distrust(status);
}

std::string without_trailing_slash(const fs::path& path) {
  std::string text = path.lexically_normal().string();
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  return text;
}

void add_folder(std::vector<std::string>& folders, const std::string& folder) {
  const auto same = [&](const std::string& other) {
    std::error_code error;
    return other == folder || fs::equivalent(other, folder, error);
  };
  if (std::none_of(folders.begin(), folders.end(), same)) folders.push_back(folder);
}

void read_section(Section section) {
  section.strings_or("directories", {});
  section.boolean_or("time_hooks", true);  // read by times_hooks()
  section.finish();
}

void add_configured(const ConfigNode& config, std::vector<std::string>& folders) {
  const ConfigNode* plugins = config.find("plugins");
  if (plugins == nullptr) return;
  read_section(Section(*plugins, "plugins"));
  const ConfigNode* directories = plugins->find("directories");
  if (directories == nullptr) return;
  for (size_t i = 0; i < directories->items().size(); ++i) {
    const ConfigNode& item = directories->items()[i];
    const std::string folder = without_trailing_slash(resolve_path(item));
    const std::string problem = folder_problem(folder);
    if (!problem.empty()) {
      throw Failure(FailureKind::kConfig,
                    {"the plugin folder cannot be used: " + problem,
                     item.source().text() + ", plugins.directories." + std::to_string(i), folder,
                     "a readable folder of root or the user, not writable by everyone", ""});
    }
    add_folder(folders, folder);
  }
}

void add_from_environment(std::vector<std::string>& folders) {
  const char* text = std::getenv("GRAPNEL_PLUGIN_PATH");
  std::string rest = text ? text : "";
  while (!rest.empty()) {
    const size_t colon = rest.find(':');
    const std::string folder = rest.substr(0, colon);
    rest = colon == std::string::npos ? "" : rest.substr(colon + 1);
    if (!folder.empty()) add_folder(folders, without_trailing_slash(folder));
  }
}

PluginFile read_file(const std::string& path, const ElfExpectation& expectation) {
  PluginFile file;
  file.path = path;
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    file.rejection = std::string("cannot be read: ") + std::strerror(errno);
    return file;
  }
  ElfReport report = probe_elf(path, expectation);
  file.type = report.type;
  file.abi_major = report.abi_major;
  file.abi_minor = report.abi_minor;
  file.torch_version = report.torch_version;
  file.rejection = distrust(status);
  if (file.rejection.empty()) file.rejection = report.rejection;
  return file;
}

std::vector<std::string> shared_objects(const std::string& folder) {
  std::vector<std::string> paths;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::error_code ignored;
    if (it->path().extension() == ".so" && !it->is_directory(ignored)) paths.push_back(it->path().string());
  }
  if (error) {
    throw Failure(FailureKind::kConfig, {"cannot read the plugin folder", folder, error.message(), "", ""});
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::string stem(const std::string& path) { return fs::path(path).stem().string(); }

// A rejected file may be the named type: its note says so, or, if there is none, its file name.
bool may_be(const PluginFile& file, const std::string& type) {
  return file.type.empty() ? stem(file.path) == type : file.type == type;
}

}  // namespace

TableShape PluginCatalog::config_shape() {
  TableShape shape;
  read_section(Section(ConfigNode::table(), "plugins", shape));
  describe(shape,
           {{"directories", "Folders with plugins, relative to this file; searched before the usual ones"},
            {"time_hooks", "Whether each call of a hook is timed"}});
  return shape;
}

std::vector<std::string> PluginCatalog::search_path(const ConfigNode& config,
                                                    const std::string& installation_folder) {
  std::vector<std::string> folders;
  add_configured(config, folders);
  add_from_environment(folders);
  if (!installation_folder.empty()) add_folder(folders, without_trailing_slash(installation_folder));
  return folders;
}

PluginCatalog PluginCatalog::scan(const std::vector<std::string>& folders,
                                  const std::string& host_torch_version) {
  ElfExpectation expectation;
  expectation.torch_version = host_torch_version;
  PluginCatalog catalog;
  std::map<std::string, std::string> first_by_type;
  for (const auto& folder : folders) {
    const std::string problem = folder_problem(folder);
    if (!problem.empty()) {
      catalog.warnings_.push_back("the plugin folder " + folder + " is not searched: " + problem);
      continue;
    }
    catalog.folders_.push_back(folder);
    std::map<std::string, std::string> here;
    for (const auto& path : shared_objects(folder)) {
      PluginFile file = read_file(path, expectation);
      if (file.rejection.empty()) {
        const auto [twin, is_new] = here.emplace(file.type, path);
        if (!is_new) {
          throw Failure(FailureKind::kConfig, {"two plugins of one type in one folder", folder,
                                               twin->second + " and " + path + ", both " + file.type,
                                               "one file a type", "remove one of them"});
        }
        const auto [winner, is_first] = first_by_type.emplace(file.type, path);
        if (!is_first) file.shadowed_by = winner->second;
      }
      catalog.files_.push_back(std::move(file));
    }
  }
  return catalog;
}

const PluginFile* PluginCatalog::find(const std::string& type) const {
  const auto found = std::find_if(files_.begin(), files_.end(), [&](const PluginFile& file) {
    return file.type == type && file.rejection.empty() && file.shadowed_by.empty();
  });
  return found == files_.end() ? nullptr : &*found;
}

std::string PluginCatalog::describe_missing(const std::string& type) const {
  std::string found, rejected, culprit;
  std::vector<std::string> types;
  for (const auto& file : files_) {
    if (!file.rejection.empty()) {
      const std::string line = file.path + ": " + file.rejection;
      (may_be(file, type) ? culprit : rejected) += "; " + line;
    } else if (file.shadowed_by.empty()) {
      found += (found.empty() ? "" : ", ") + file.type;
      types.push_back(file.type);
    }
  }
  if (!culprit.empty()) return culprit.substr(2);
  std::string text = "found " + (found.empty() ? std::string("no plugin") : found);
  std::string searched;
  for (const auto& folder : folders_) searched += (searched.empty() ? "" : ", ") + folder;
  text += " in " + (searched.empty() ? std::string("no folder") : searched);
  if (!rejected.empty()) text += "; rejected " + rejected.substr(2);
  const std::string near = nearest_name(type, types);
  text += near.empty() ? "; name its folder in plugins.directories or GRAPNEL_PLUGIN_PATH"
                       : "; did you mean " + near + "?";
  return text;
}

std::vector<std::string> PluginCatalog::warnings(const std::vector<std::string>& named_types) const {
  std::vector<std::string> lines = warnings_;
  for (const auto& file : files_) {
    const bool named = std::any_of(named_types.begin(), named_types.end(), [&](const std::string& type) {
      return may_be(file, type) && !find(type);
    });
    if (!file.rejection.empty() && !named) lines.push_back("ignored " + file.path + ": " + file.rejection);
    if (!file.shadowed_by.empty()) {
      lines.push_back(file.type + " is taken from " + file.shadowed_by + ", not from " + file.path +
                      ": the earlier folder wins");
    }
  }
  return lines;
}

}  // namespace grapnel
