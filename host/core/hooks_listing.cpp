// Listings are made from the catalogue and from the tables of a loaded plugin; no instance is created.
#include "core/hooks_listing.hpp"

#include <algorithm>

#include "core/failure.hpp"
#include "core/option_check.hpp"
#include "core/point_table.hpp"

namespace grapnel {
namespace {

std::string version(uint32_t major, uint32_t minor) {
  return std::to_string(major) + "." + std::to_string(minor);
}

std::string padded(std::string text, size_t width) {
  text.resize(std::max(width, text.size()), ' ');
  return text;
}

std::string file_name(const std::string& path) { return path.substr(path.find_last_of('/') + 1); }

std::vector<std::string> used_points(const LoadedPlugin& plugin) {
  std::vector<std::string> names;
  for (const auto& point : kPoints) {
    if (plugin.vtable.*point.slot != nullptr) names.emplace_back(point.name);
  }
  return names;
}

std::string presence_text(const grapnel_option& option) {
  if (option.presence == GRAPNEL_OPTION_REQUIRED) return "required";
  if (option.presence == GRAPNEL_OPTION_OPTIONAL) return "unset";
  return option.default_text;
}

std::string state_text(const PluginFile& file) {
  if (!file.rejection.empty()) return "rejected: " + file.rejection;
  if (!file.shadowed_by.empty()) return "not used: " + file.shadowed_by + " comes first";
  return {};
}

}  // namespace

std::string list_hooks_text(const PluginCatalog& catalog) {
  size_t width = 4;
  for (const auto& file : catalog.files()) {
    width = std::max(width, file.type.empty() ? file_name(file.path).size() : file.type.size());
  }
  std::string text = padded("type", width) + "  abi   libtorch  file\n";
  for (const auto& file : catalog.files()) {
    const std::string abi = file.type.empty() ? "-" : version(file.abi_major, file.abi_minor);
    const std::string state = state_text(file);
    text += padded(file.type.empty() ? file_name(file.path) : file.type, width) + "  " + padded(abi, 4) +
            "  " + padded(file.torch_version.empty() ? "-" : file.torch_version, 8) + "  " + file.path +
            (state.empty() ? "" : "  (" + state + ")") + "\n";
  }
  if (catalog.files().empty()) text = "no plugins\n";
  text += "searched:";
  for (const auto& folder : catalog.folders()) text += " " + folder;
  return text + "\n";
}

std::string list_hooks_json(const PluginCatalog& catalog) {
  std::vector<ConfigNode> folders, plugins;
  for (const auto& folder : catalog.folders()) folders.push_back(ConfigNode::string(folder));
  for (const auto& file : catalog.files()) {
    ConfigNode entry = ConfigNode::table();
    entry.set("type", ConfigNode::string(file.type));
    entry.set("path", ConfigNode::string(file.path));
    entry.set("abi", ConfigNode::string(file.type.empty() ? "" : version(file.abi_major, file.abi_minor)));
    entry.set("torch_version", ConfigNode::string(file.torch_version));
    entry.set("usable", ConfigNode::boolean(file.rejection.empty() && file.shadowed_by.empty()));
    entry.set("rejection", ConfigNode::string(file.rejection));
    entry.set("shadowed_by", ConfigNode::string(file.shadowed_by));
    plugins.push_back(std::move(entry));
  }
  ConfigNode all = ConfigNode::table();
  all.set("folders", ConfigNode::list(std::move(folders)));
  all.set("plugins", ConfigNode::list(std::move(plugins)));
  return all.to_json();
}

const LoadedPlugin& load_described_hook(const PluginCatalog& catalog, const std::string& type) {
  const PluginFile* file = catalog.find(type);
  if (file == nullptr) {
    throw Failure(FailureKind::kConfig,
                  {"no usable plugin for the hook " + type, "", "", "", catalog.describe_missing(type)});
  }
  return *load_plugins({LoadRequest{file, "", ""}}).front();
}

std::string describe_hook_text(const LoadedPlugin& plugin) {
  const grapnel_plugin& d = *plugin.descriptor;
  std::string text = std::string(d.type) + " " + d.version + "\n  " + d.summary + "\n\n";
  const auto line = [&text](const char* name, const std::string& value) {
    if (!value.empty()) text += padded(name, 10) + value + "\n";
  };
  line("author", d.author);
  line("licence", d.license);
  line("file", plugin.path);
  line("abi", version(d.abi_major, d.abi_minor));
  line("libtorch", d.torch_version);
  line("priority", std::to_string(d.default_priority));
  line("state", plugin.vtable.save_state ? "kept in checkpoints" : "none");
  std::string points;
  for (const auto& name : used_points(plugin)) points += (points.empty() ? "" : ", ") + name;
  line("points", points.empty() ? "none" : points);

  if (plugin.options.empty()) return text + "\nno options\n";
  size_t name_width = 6, type_width = 4, default_width = 7, limits_width = 5;
  for (const auto& option : plugin.options) {
    name_width = std::max(name_width, std::string(option.name).size());
    type_width = std::max(type_width, std::string(option_kind_name(option.kind)).size());
    default_width = std::max(default_width, presence_text(option).size());
    limits_width = std::max(limits_width, option_limits(option).size());
  }
  const auto row = [&](const std::string& name, const std::string& type, const std::string& fallback,
                       const std::string& limits, const std::string& meaning) {
    text += padded(name, name_width) + "  " + padded(type, type_width) + "  " +
            padded(fallback, default_width) + "  " + padded(limits, limits_width) + "  " + meaning + "\n";
  };
  text += "\n";
  row("option", "type", "default", "range", "meaning");
  for (const auto& option : plugin.options) {
    row(option.name, option_kind_name(option.kind), presence_text(option), option_limits(option),
        option.summary);
  }
  return text;
}

std::string describe_hook_json(const LoadedPlugin& plugin) {
  const grapnel_plugin& d = *plugin.descriptor;
  ConfigNode all = ConfigNode::table();
  all.set("type", ConfigNode::string(d.type));
  all.set("version", ConfigNode::string(d.version));
  all.set("author", ConfigNode::string(d.author));
  all.set("license", ConfigNode::string(d.license));
  all.set("summary", ConfigNode::string(d.summary));
  all.set("path", ConfigNode::string(plugin.path));
  all.set("abi", ConfigNode::string(version(d.abi_major, d.abi_minor)));
  all.set("torch_version", ConfigNode::string(d.torch_version));
  all.set("default_priority", ConfigNode::integer(d.default_priority));
  all.set("keeps_state", ConfigNode::boolean(plugin.vtable.save_state != nullptr));
  std::vector<ConfigNode> points, options;
  for (const auto& name : used_points(plugin)) points.push_back(ConfigNode::string(name));
  for (const auto& option : plugin.options) {
    ConfigNode entry = ConfigNode::table();
    entry.set("name", ConfigNode::string(option.name));
    entry.set("type", ConfigNode::string(option_kind_name(option.kind)));
    const char* presences[] = {"default", "required", "optional"};
    entry.set("presence", ConfigNode::string(presences[option.presence]));
    entry.set("default", ConfigNode::string(option.default_text ? option.default_text : ""));
    entry.set("limits", ConfigNode::string(option_limits(option)));
    entry.set("summary", ConfigNode::string(option.summary));
    options.push_back(std::move(entry));
  }
  all.set("points", ConfigNode::list(std::move(points)));
  all.set("options", ConfigNode::list(std::move(options)));
  return all.to_json();
}

}  // namespace grapnel
