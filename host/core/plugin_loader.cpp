// The loader remembers what it has loaded, by real path, and leaks every handle: shared_library's destructor
// would unload the file.
#include "core/plugin_loader.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/dll/shared_library.hpp>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>

#include "core/descriptor_check.hpp"
#include "core/elf_probe.hpp"
#include "core/failure.hpp"
#include "core/load_probe.hpp"
#include "core/mapped_file.hpp"
#include "core/option_check.hpp"

namespace grapnel {
namespace {

// By real path. Never destroyed: instances of another thread's host may outlive main.
std::map<std::string, std::unique_ptr<LoadedPlugin>>& registry() {
  static auto* plugins = new std::map<std::string, std::unique_ptr<LoadedPlugin>>();
  return *plugins;
}

std::mutex& registry_mutex() {
  static auto* mutex = new std::mutex();
  return *mutex;
}

std::string real_path(const std::string& path) {
  std::error_code error;
  const auto real = std::filesystem::canonical(path, error);
  return error ? path : real.string();
}

[[noreturn]] void refuse(const LoadRequest& request, const std::string& reason, const std::string& hint) {
  const std::string& type = request.file->type;
  throw Failure(FailureKind::kConfig, {"cannot load " + (type.empty() ? "the plugin" : type) + " from " +
                                           request.file->path + ": " + reason,
                                       request.where, "", "", hint});
}

// For faults that the plugin's author has to repair.
[[noreturn]] void refuse_fault(const LoadRequest& request, const std::string& reason) {
  refuse(request, reason, check_hint(request.file->path));
}

// Digest of every request that names one, with the file kept open until it is mapped.
std::vector<std::unique_ptr<PinnedFile>> pin_files(const std::vector<LoadRequest>& requests) {
  std::vector<std::unique_ptr<PinnedFile>> pins(requests.size());
  for (size_t i = 0; i < requests.size(); ++i) {
    if (requests[i].sha256.empty()) continue;
    pins[i] = std::make_unique<PinnedFile>(requests[i].file->path);
    const std::string digest = pins[i]->sha256();
    if (digest != requests[i].sha256) {
      refuse(requests[i], "its SHA-256 is " + digest + ", the config expects " + requests[i].sha256,
             "if the file was changed on purpose, write the new digest into the config");
    }
  }
  return pins;
}

void probe_new_files(const std::vector<LoadRequest>& requests) {
  std::vector<LoadProbe> probes;
  std::vector<const LoadRequest*> asked_by;
  for (const auto& request : requests) {
    const std::string path = real_path(request.file->path);
    const bool asked =
        std::any_of(probes.begin(), probes.end(), [&](const auto& p) { return p.path == path; });
    if (asked || registry().count(path) != 0) continue;
    probes.push_back({path, probe_elf(path).links_torch()});
    asked_by.push_back(&request);
  }
  if (probes.empty()) return;
  const std::string program = probe_program();
  if (program.empty()) {
    spdlog::warn(
        "grapnel-probe was not found beside this program: plugins are loaded without being tried first (set "
        "GRAPNEL_PROBE to its path)");
    return;
  }
  const auto reasons = probe_loads(program, probes, load_probe_limits());
  for (size_t i = 0; i < reasons.size(); ++i) {
    if (!reasons[i].empty()) refuse_fault(*asked_by[i], reasons[i]);
  }
}

// Boost wraps the dynamic linker's sentence; only that is of use.
std::string linker_message(const std::string& text) {
  const std::string marker = "dlerror system message: ";
  const size_t begin = text.find(marker);
  if (begin == std::string::npos) return text;
  const size_t end = text.rfind("): ");
  return text.substr(begin + marker.size(), end == std::string::npos ? end : end - begin - marker.size());
}

// Handles of everything that was ever mapped: whatever is wrong with a file, it stays. Never destroyed, since
// shared_library's destructor would unload.
std::vector<std::unique_ptr<boost::dll::shared_library>>& kept_libraries() {
  static auto& libraries = *new std::vector<std::unique_ptr<boost::dll::shared_library>>();
  return libraries;
}

LoadedPlugin open_library(const LoadRequest& request, const std::string& path) {
  LoadedPlugin plugin;
  plugin.path = path;
  try {
    boost::dll::shared_library& library =
        *kept_libraries().emplace_back(std::make_unique<boost::dll::shared_library>());
    library.load(path, boost::dll::load_mode::rtld_now | boost::dll::load_mode::rtld_local);
    plugin.descriptor = &library.get<const grapnel_plugin>(GRAPNEL_ENTRY_SYMBOL);
  } catch (const std::exception& e) {
    refuse_fault(request, linker_message(e.what()));
  } catch (...) {
    refuse_fault(request, "it threw while it was loaded: an exception that is no std::exception");
  }
  return plugin;
}

void check_plugin(const LoadRequest& request, LoadedPlugin& plugin) {
  const grapnel_plugin& descriptor = *plugin.descriptor;
  const std::string problem = check_descriptor(descriptor);
  if (!problem.empty()) refuse_fault(request, problem);
  if (request.file->type != descriptor.type) {
    refuse_fault(request,
                 "its note names the type " + request.file->type + ", its descriptor " + descriptor.type);
  }
  if (request.file->torch_version != descriptor.torch_version) {
    refuse_fault(request, "its note names LibTorch \"" + request.file->torch_version +
                              "\", its descriptor \"" + descriptor.torch_version + "\"");
  }
  plugin.vtable = known_vtable(*descriptor.vtable);
  plugin.options = known_options(descriptor);
  const std::string bad_default = check_option_defaults(plugin.options);
  if (!bad_default.empty()) refuse_fault(request, bad_default);
}

}  // namespace

std::string check_hint(const std::string& path) { return "`grapnel hooks check " + path + "` tells more"; }

std::vector<const LoadedPlugin*> load_plugins(const std::vector<LoadRequest>& requests) {
  const std::lock_guard<std::mutex> lock(registry_mutex());
  const auto pins = pin_files(requests);
  probe_new_files(requests);
  std::vector<const LoadedPlugin*> plugins;
  for (size_t i = 0; i < requests.size(); ++i) {
    const std::string path = real_path(requests[i].file->path);
    if (registry().count(path) == 0) {
      auto plugin = std::make_unique<LoadedPlugin>(open_library(requests[i], path));
      check_plugin(requests[i], *plugin);
      registry().emplace(path, std::move(plugin));
    }
    const LoadedPlugin* plugin = registry().at(path).get();
    if (pins[i] && !pins[i]->is_mapped_at(plugin->descriptor)) {
      refuse(requests[i], "the file changed after its SHA-256 was checked",
             "start again when nothing writes to it any more");
    }
    plugins.push_back(plugin);
  }
  return plugins;
}

}  // namespace grapnel
