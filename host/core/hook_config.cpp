// From `default_hooks` and `custom_hooks` to one list of hooks, with the keys that belong to the host taken
// out of each table.
#include "core/hook_config.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include "core/descriptor_check.hpp"
#include "core/failure.hpp"
#include "core/section.hpp"

namespace grapnel {
namespace {

using Kind = ConfigNode::Kind;

struct DefaultHook {
  const char* name;
  const char* type;
};

// mmengine/runner/runner.py, register_default_hooks, in its order.
constexpr std::array<DefaultHook, 6> kDefaultHooks = {{{"runtime_info", "RuntimeInfoHook"},
                                                       {"timer", "IterTimerHook"},
                                                       {"sampler_seed", "DistSamplerSeedHook"},
                                                       {"logger", "LoggerHook"},
                                                       {"param_scheduler", "ParamSchedulerHook"},
                                                       {"checkpoint", "CheckpointHook"}}};

// mmengine/hooks/hook.py and runner/priority.py.
constexpr std::array<std::pair<const char*, int>, 9> kPriorities = {{{"HIGHEST", 0},
                                                                     {"VERY_HIGH", 10},
                                                                     {"HIGH", 30},
                                                                     {"ABOVE_NORMAL", 40},
                                                                     {"NORMAL", 50},
                                                                     {"BELOW_NORMAL", 60},
                                                                     {"LOW", 70},
                                                                     {"VERY_LOW", 90},
                                                                     {"LOWEST", 100}}};

[[noreturn]] void fail(const ConfigNode& node, const std::string& path, std::string what,
                       std::string expected, std::string hint = "") {
  throw Failure(FailureKind::kConfig, {std::move(what), node.source().text() + ", " + path,
                                       node.to_json() + " (" + ConfigNode::kind_name(node.kind()) + ")",
                                       std::move(expected), std::move(hint)});
}

const char* default_type(const std::string& name) {
  for (const auto& hook : kDefaultHooks) {
    if (name == hook.name) return hook.type;
  }
  return nullptr;
}

std::string read_type(const ConfigNode& table, const std::string& path, const char* fallback) {
  const ConfigNode* type = table.find("type");
  if (type == nullptr) {
    if (fallback != nullptr) return fallback;
    throw Failure(FailureKind::kConfig,
                  {"the hook has no type", table.source().text() + ", " + path + ".type", "",
                   "the name of a hook type", ""});
  }
  if (type->kind() != Kind::kString || type->as_string().empty()) {
    fail(*type, path + ".type", "the hook's type is wrong", "the name of a hook type");
  }
  return type->as_string();
}

std::string read_sha256(const ConfigNode& node, const std::string& path) {
  std::string text = node.kind() == Kind::kString ? node.as_string() : "";
  const bool hex =
      std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isxdigit(c) != 0; });
  if (text.size() != 64 || !hex) fail(node, path, "the digest is wrong", "64 hexadecimal digits");
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

HookConfig read_hook(const ConfigNode& table, const std::string& path, const char* fallback_type) {
  if (table.kind() != Kind::kTable)
    fail(table, path, "a hook is described by a table", "a table with a type");
  HookConfig hook;
  hook.type = read_type(table, path, fallback_type);
  hook.path = path;
  hook.source = table.source();
  hook.options = ConfigNode::table({}, table.source());
  for (const auto& [key, value] : table.members()) {
    const std::string at = path + "." + key;
    if (key == "type") continue;
    if (key == "priority") {
      hook.priority = parse_priority(value, at);
    } else if (key == "on_error") {
      const std::string text = value.kind() == Kind::kString ? value.as_string() : "";
      if (text != "stop" && text != "disable")
        fail(value, at, "on_error is wrong", "\"stop\" or \"disable\"");
      hook.disable_on_error = text == "disable";
    } else if (key == "state_key") {
      if (value.kind() != Kind::kString || value.as_string().empty()) {
        fail(value, at, "the state key is wrong", "a string that is not empty");
      }
      hook.state_key = value.as_string();
    } else if (key == "sha256") {
      hook.sha256 = read_sha256(value, at);
    } else {
      hook.options.set(key, value);
    }
  }
  return hook;
}

void read_default_hook(const std::string& name, const ConfigNode* node, std::vector<HookConfig>& hooks) {
  const std::string path = "default_hooks." + name;
  const char* type = default_type(name);
  if (node == nullptr) {
    hooks.push_back(read_hook(ConfigNode::table({}, {"built-in default", 0}), path, type));
  } else if (node->kind() == Kind::kBool && !node->as_bool()) {
    return;
  } else if (node->kind() == Kind::kTable) {
    hooks.push_back(read_hook(*node, path, type));
  } else {
    fail(*node, path, "a default hook is a table, or false to remove it", "a table or false");
  }
}

}  // namespace

std::vector<std::pair<std::string, std::string>> default_hook_types() {
  std::vector<std::pair<std::string, std::string>> hooks;
  for (const auto& hook : kDefaultHooks) hooks.emplace_back(hook.name, hook.type);
  return hooks;
}

std::vector<std::string> priority_names() {
  std::vector<std::string> names;
  for (const auto& [name, number] : kPriorities) names.emplace_back(name);
  return names;
}

int parse_priority(const ConfigNode& value, const std::string& path) {
  for (const auto& [name, number] : kPriorities) {
    if (value.kind() == Kind::kString && value.as_string() == name) return number;
  }
  const std::vector<std::string> names = priority_names();
  if (value.kind() == Kind::kInt && value.as_int() >= 0 && value.as_int() <= 100) {
    return static_cast<int>(value.as_int());
  }
  const std::string near = value.kind() == Kind::kString ? nearest_name(value.as_string(), names) : "";
  std::string expected = "an integer from 0 to 100, or ";
  for (const auto& name : names)
    expected += (name == names.front() ? "" : name == names.back() ? " or " : ", ") + name;
  fail(value, path, "the priority is wrong", expected, near.empty() ? "" : "did you mean \"" + near + "\"?");
}

bool times_hooks(const ConfigNode& config) {
  const ConfigNode* plugins = config.find("plugins");
  return plugins == nullptr || Section(*plugins, "plugins").boolean_or("time_hooks", true);
}

std::vector<HookConfig> read_hook_configs(const ConfigNode& config) {
  std::vector<HookConfig> hooks;
  const ConfigNode* defaults = config.find("default_hooks");
  if (defaults != nullptr && defaults->kind() != Kind::kTable) {
    fail(*defaults, "default_hooks", "the default hooks are wrong", "a table of hooks");
  }
  for (const auto& hook : kDefaultHooks) {
    read_default_hook(hook.name, defaults ? defaults->find(hook.name) : nullptr, hooks);
  }
  if (defaults != nullptr) {
    for (const auto& [name, node] : defaults->members()) {
      if (default_type(name) == nullptr) read_default_hook(name, &node, hooks);
    }
  }
  const ConfigNode* custom = config.find("custom_hooks");
  if (custom == nullptr) return hooks;
  if (custom->kind() != Kind::kList) {
    fail(*custom, "custom_hooks", "the custom hooks are wrong", "a list of tables, [[custom_hooks]]");
  }
  for (size_t i = 0; i < custom->items().size(); ++i) {
    hooks.push_back(read_hook(custom->items()[i], "custom_hooks." + std::to_string(i), nullptr));
  }
  return hooks;
}

}  // namespace grapnel
