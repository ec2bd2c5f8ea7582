#include "core/table_shape.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace grapnel {

KeyShape* TableShape::find(const std::string& key) {
  const auto found =
      std::find_if(keys.begin(), keys.end(), [&](const KeyShape& shape) { return shape.key == key; });
  return found == keys.end() ? nullptr : &*found;
}

KeyShape& TableShape::at(const std::string& key) {
  if (KeyShape* found = find(key)) return *found;
  keys.emplace_back();
  keys.back().key = key;
  return keys.back();
}

KeyShape& TableShape::known(const std::string& dotted_key) {
  const size_t dot = dotted_key.find('.');
  KeyShape* found = find(dotted_key.substr(0, dot));
  if (found == nullptr || (dot != std::string::npos && !found->table)) {
    throw std::logic_error("no reader of the config asks for the key " + dotted_key);
  }
  return dot == std::string::npos ? *found : found->table->known(dotted_key.substr(dot + 1));
}

void TableVariants::add(const std::string& variant_name, TableShape shape) {
  const ConfigNode is_named = shape::keywords({{"const", ConfigNode::string(variant_name)}});
  ConfigNode condition = shape::keywords({{"type", ConfigNode::string("object")},
                                          {"required", shape::words({"type"})},
                                          {"properties", ConfigNode::table({{"type", is_named}})}});
  KeyShape& type = shape.at("type");
  type.value = is_named;
  type.fallback = {};
  type.required = false;  // the condition holds only where it is written
  all.push_back({variant_name, std::move(condition), std::move(shape)});
}

void describe(TableShape& shape, const std::vector<std::pair<std::string, std::string>>& notes) {
  for (const auto& [key, note] : notes) shape.known(key).note = note;
}

namespace shape {
namespace {

ConfigNode typed(const char* type) { return keywords({{"type", ConfigNode::string(type)}}); }

}  // namespace

ConfigNode words(const std::vector<std::string>& words) {
  std::vector<ConfigNode> items;
  for (const auto& word : words) items.push_back(ConfigNode::string(word));
  return ConfigNode::list(std::move(items));
}

ConfigNode keywords(std::vector<ConfigNode::Member> members) { return ConfigNode::table(std::move(members)); }

ConfigNode integer(IntRange range) {
  ConfigNode schema = typed("integer");
  if (range.min != IntRange{}.min) schema.set("minimum", ConfigNode::integer(range.min));
  if (range.max != IntRange{}.max) schema.set("maximum", ConfigNode::integer(range.max));
  return schema;
}

ConfigNode number(FloatRange range) {
  ConfigNode schema = typed("number");
  if (std::isfinite(range.min)) {
    schema.set(range.min_open ? "exclusiveMinimum" : "minimum", ConfigNode::number(range.min));
  }
  if (std::isfinite(range.max)) {
    schema.set(range.max_open ? "exclusiveMaximum" : "maximum", ConfigNode::number(range.max));
  }
  return schema;
}

ConfigNode boolean() { return typed("boolean"); }

ConfigNode text(bool may_be_empty) {
  ConfigNode schema = typed("string");
  if (!may_be_empty) schema.set("minLength", ConfigNode::integer(1));
  return schema;
}

ConfigNode choice(const std::vector<std::string>& choices) { return keywords({{"enum", words(choices)}}); }

ConfigNode list(ConfigNode item, size_t count) {
  ConfigNode schema = typed("array");
  schema.set("items", std::move(item));
  if (count == 0) return schema;
  schema.set("minItems", ConfigNode::integer(static_cast<int64_t>(count)));
  schema.set("maxItems", ConfigNode::integer(static_cast<int64_t>(count)));
  return schema;
}

// A keyword of JSON Schema binds values of its own kind only, so that those of several kinds go side by side.
ConfigNode either(const std::vector<ConfigNode>& values) {
  std::vector<ConfigNode> types;
  ConfigNode schema = keywords({{"type", {}}});
  for (const auto& value : values) {
    for (const auto& [keyword, content] : value.members()) {
      if (keyword == "type") {
        types.push_back(content);
      } else {
        schema.set(keyword, content);
      }
    }
  }
  schema.set("type", ConfigNode::list(std::move(types)));
  return schema;
}

}  // namespace shape

}  // namespace grapnel
