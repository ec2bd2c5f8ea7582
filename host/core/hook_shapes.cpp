#include "core/hook_shapes.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "core/config_text.hpp"
#include "core/failure.hpp"
#include "core/hook_config.hpp"

namespace grapnel {
namespace {

// Ranges are doubles in the table; a whole bound of an integer is printed as one.
void add_bound(ConfigNode& schema, const char* keyword, double bound, bool is_integer) {
  if (!std::isfinite(bound)) return;
  const bool is_whole = bound == std::floor(bound) && std::abs(bound) < 9e15;
  schema.set(keyword, is_integer && is_whole ? ConfigNode::integer(static_cast<int64_t>(bound))
                                             : ConfigNode::number(bound));
}

ConfigNode number_schema(const grapnel_option& option, bool is_integer) {
  ConfigNode schema = is_integer ? shape::integer() : shape::number();
  add_bound(schema, "minimum", option.min, is_integer);
  add_bound(schema, "maximum", option.max, is_integer);
  return schema;
}

ConfigNode text_schema(const grapnel_option& option) {
  if (option.choice_count == 0) return shape::text();
  return shape::choice({option.choices, option.choices + option.choice_count});
}

ConfigNode list_schema(const grapnel_option& option, ConfigNode item) {
  ConfigNode schema = shape::list(std::move(item));
  if (option.min_items > 0)
    schema.set("minItems", ConfigNode::integer(static_cast<int64_t>(option.min_items)));
  if (option.max_items > 0)
    schema.set("maxItems", ConfigNode::integer(static_cast<int64_t>(option.max_items)));
  return schema;
}

ConfigNode value_schema(const grapnel_option& option) {
  switch (option.kind) {
    case GRAPNEL_KIND_BOOL:
      return shape::boolean();
    case GRAPNEL_KIND_INT:
      return number_schema(option, true);
    case GRAPNEL_KIND_FLOAT:
      return number_schema(option, false);
    case GRAPNEL_KIND_STRING:
      return text_schema(option);
    case GRAPNEL_KIND_BOOL_LIST:
      return list_schema(option, shape::boolean());
    case GRAPNEL_KIND_INT_LIST:
      return list_schema(option, number_schema(option, true));
    case GRAPNEL_KIND_FLOAT_LIST:
      return list_schema(option, number_schema(option, false));
    case GRAPNEL_KIND_STRING_LIST:
      return list_schema(option, text_schema(option));
    default:
      return {};  // a tree: any value
  }
}

ConfigNode priority_schema() {
  return shape::keywords(
      {{"anyOf", ConfigNode::list({shape::integer({0, 100}), shape::choice(priority_names())})}});
}

// Last, so that they replace an option of the same name: the host reads it, the hook never sees it.
void add_reserved_keys(TableShape& shape, const grapnel_plugin& plugin) {
  KeyShape& type = shape.at("type");
  type.note = std::string(plugin.summary) + " (" + plugin.type + " " + plugin.version + ")";
  const auto add = [&](const char* key, const char* note, ConfigNode value, ConfigNode fallback) {
    KeyShape& reserved = shape.at(key);
    reserved = {};
    reserved.key = key;
    reserved.note = note;
    reserved.value = std::move(value);
    reserved.fallback = std::move(fallback);
  };
  add("priority", "When the hook runs at a point: lower is earlier. 0 to 100, or one of MMEngine's names",
      priority_schema(), ConfigNode::integer(plugin.default_priority));
  add("on_error", "What becomes of the run when the hook fails: it stops, or goes on without the hook",
      shape::choice({"stop", "disable"}), ConfigNode::string("stop"));
  add("state_key", "Names the hook's state in a checkpoint: tells several hooks of one type apart",
      shape::text(false), {});
  add("sha256", "SHA-256 of the plugin's file, in hexadecimal: any other file is refused",
      shape::keywords(
          {{"type", ConfigNode::string("string")}, {"pattern", ConfigNode::string("^[0-9a-fA-F]{64}$")}}),
      {});
}

}  // namespace

TableShape hook_shape(const LoadedPlugin& plugin) {
  TableShape shape;
  shape.at("type");
  for (const grapnel_option& option : plugin.options) {
    KeyShape& key = shape.at(option.name);
    key.note = option.summary;
    key.required = option.presence == GRAPNEL_OPTION_REQUIRED;
    key.value = value_schema(option);
    if (option.presence == GRAPNEL_OPTION_DEFAULTED) key.fallback = parse_value(option.default_text);
  }
  add_reserved_keys(shape, *plugin.descriptor);
  return shape;
}

std::shared_ptr<const TableVariants> hook_variants(std::vector<const LoadedPlugin*> plugins) {
  std::sort(plugins.begin(), plugins.end(), [](const LoadedPlugin* a, const LoadedPlugin* b) {
    return std::string(a->descriptor->type) < b->descriptor->type;
  });
  auto variants = std::make_shared<TableVariants>();
  variants->name = "hook";
  variants->note = "Which hook: the type of a plugin that was found";
  for (const LoadedPlugin* plugin : plugins) variants->add(plugin->descriptor->type, hook_shape(*plugin));
  return variants;
}

KeyShape default_hooks_shape(const std::shared_ptr<const TableVariants>& hooks) {
  const auto slot = [&hooks](const std::string& name, const std::string& type) {
    const bool found = std::any_of(hooks->all.begin(), hooks->all.end(),
                                   [&](const TableVariant& variant) { return variant.name == type; });
    KeyShape key;
    key.key = name;
    key.note =
        type.empty() ? "One more hook; false: none" : type + ", unless this says otherwise; false: none";
    key.variants = hooks;
    key.form = KeyShape::Form::kTableOrFalse;
    if (!found) return key;
    key.unsaid = KeyShape::Unsaid::kUsual;
    key.usual_variant = type;
    return key;
  };
  KeyShape shape;
  shape.key = "default_hooks";
  shape.note =
      "The six hooks that every run has: a table replaces one, false removes it; other names add one";
  shape.table = std::make_shared<TableShape>();
  for (const auto& [name, type] : default_hook_types()) shape.table->keys.push_back(slot(name, type));
  shape.table->any_other_key = std::make_shared<KeyShape>(slot("", ""));
  return shape;
}

KeyShape custom_hooks_shape(const std::shared_ptr<const TableVariants>& hooks) {
  KeyShape shape;
  shape.key = "custom_hooks";
  shape.note = "Further hooks, in the order of their priority, then as written";
  shape.variants = hooks;
  shape.form = KeyShape::Form::kList;
  return shape;
}

std::vector<const LoadedPlugin*> load_all_plugins(const PluginCatalog& catalog) {
  for (const std::string& line : catalog.warnings({})) spdlog::warn("{}", line);
  std::vector<const LoadedPlugin*> plugins;
  for (const PluginFile& file : catalog.files()) {
    if (!file.rejection.empty() || !file.shadowed_by.empty()) continue;
    try {
      plugins.push_back(load_plugins({LoadRequest{&file, "", ""}}).front());
    } catch (const Failure& failure) {
      spdlog::warn("left out: {}", failure.what());
    }
  }
  return plugins;
}

}  // namespace grapnel
