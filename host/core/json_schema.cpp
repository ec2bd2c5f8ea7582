// Each table is printed twice: what it may hold, which is true of parts too, and what it must hold to be
// whole, which is asked of list items (inheritance replaces lists) and of files that inherit nothing.
#include "core/json_schema.hpp"

#include <algorithm>

namespace grapnel {
namespace {

using shape::keywords;
using Form = KeyShape::Form;

ConfigNode word(const std::string& text) { return ConfigNode::string(text); }
ConfigNode always() { return ConfigNode::boolean(true); }
ConfigNode reference(const std::string& name) { return keywords({{"$ref", word("#/definitions/" + name)}}); }
ConfigNode is_of_type(const char* type) { return keywords({{"type", word(type)}}); }
ConfigNode has_key(const std::string& key) { return keywords({{"required", shape::words({key})}}); }
ConfigNode lacks_key(const std::string& key) { return keywords({{"not", has_key(key)}}); }
ConfigNode hidden() { return ConfigNode::table({{"hidden", always()}}); }

bool is_empty(const ConfigNode& schema) {
  return schema.kind() == ConfigNode::Kind::kNone ||
         (schema.kind() == ConfigNode::Kind::kTable && schema.members().empty());
}

void add_keywords(ConfigNode& schema, const ConfigNode& more) {
  if (more.kind() != ConfigNode::Kind::kTable) return;
  for (const auto& [keyword, content] : more.members()) schema.set(keyword, content);
}

// A value that must satisfy all of `schemas`, of which the empty ones say nothing.
ConfigNode all_of(std::vector<ConfigNode> schemas) {
  schemas.erase(std::remove_if(schemas.begin(), schemas.end(), is_empty), schemas.end());
  if (schemas.empty()) return ConfigNode::table();
  return schemas.size() == 1 ? schemas.front() : keywords({{"allOf", ConfigNode::list(std::move(schemas))}});
}

// What editors complete from, without checking anything: the last alternative always holds.
ConfigNode completed_from(std::vector<ConfigNode> schemas) {
  schemas.push_back(always());
  return ConfigNode::list(std::move(schemas));
}

// A value that satisfies one of `schemas`. Lists are compared item by item, so that an error is found at its
// item.
ConfigNode any_of(std::vector<ConfigNode> schemas) {
  if (schemas.size() == 1) return schemas.front();
  const auto is_list = [](const ConfigNode& schema) {
    const ConfigNode* type = schema.find("type");
    return type != nullptr && type->to_json() == "\"array\"" && schema.find("minItems") == nullptr &&
           schema.find("maxItems") == nullptr && schema.find("items") != nullptr;
  };
  if (!std::all_of(schemas.begin(), schemas.end(), is_list)) {
    return keywords({{"anyOf", ConfigNode::list(std::move(schemas))}});
  }
  std::vector<ConfigNode> items;
  for (const ConfigNode& schema : schemas) items.push_back(*schema.find("items"));
  ConfigNode list = schemas.front();
  list.set("items", keywords({{"anyOf", ConfigNode::list(std::move(items))}}));
  return list;
}

ConfigNode any_condition(const TableVariants& variants) {
  std::vector<ConfigNode> conditions;
  for (const auto& variant : variants.all) conditions.push_back(variant.condition);
  return keywords({{"anyOf", ConfigNode::list(std::move(conditions))}});
}

const TableVariant& variant_named(const TableVariants& variants, const std::string& name) {
  return *std::find_if(variants.all.begin(), variants.all.end(),
                       [&](const TableVariant& variant) { return variant.name == name; });
}

}  // namespace

ConfigNode JsonSchema::of_file(const TableShape& root, const std::string& title,
                               const std::string& description) {
  ConfigNode schema = keywords({{"$schema", word("http://json-schema.org/draft-07/schema#")},
                                {"title", word(title)},
                                {"description", word(description)}});
  add_keywords(schema, of_table(root));
  ConfigNode definitions = ConfigNode::table();
  for (const auto& [name, definition] : definitions_.members()) {
    const size_t end = name.size() - std::min<size_t>(name.size(), 5);
    const bool is_item = name.compare(end, std::string::npos, ".item") == 0;
    if (!is_item || listed_.count(name.substr(0, end))) definitions.set(name, definition);
  }
  // `_delete_` drops what a base has under a table's key; the file itself stands under none.
  const_cast<ConfigNode*>(schema.find("properties"))->erase("_delete_");
  schema.set("if", lacks_key("_base_"));
  schema.set("then", complete(root));
  schema.set("definitions", std::move(definitions));
  return schema;
}

ConfigNode JsonSchema::of_key(const KeyShape& key) {
  ConfigNode schema = ConfigNode::table();
  if (key.fate == KeyShape::Fate::kRefused) {
    return keywords(
        {{"description", word("Refused: " + key.note)}, {"not", ConfigNode::table()}, {"x-taplo", hidden()}});
  }
  if (key.fate == KeyShape::Fate::kIgnored) {
    return keywords({{"description", word("Ignored" + (key.note.empty() ? "" : ": " + key.note))},
                     {"deprecated", always()},
                     {"x-taplo", hidden()}});
  }
  if (!key.note.empty()) schema.set("description", word(key.note));
  add_keywords(schema, key.table || key.variants ? of_form(key) : key.value);
  if (key.fallback.kind() != ConfigNode::Kind::kNone) schema.set("default", key.fallback);
  return schema;
}

ConfigNode JsonSchema::of_form(const KeyShape& key) {
  const ConfigNode table = key.table ? of_table(*key.table) : refer_to(*key.variants);
  // Beside a $ref nothing else counts, not even a description.
  if (key.form == Form::kTable) return key.table ? table : keywords({{"allOf", ConfigNode::list({table})}});
  if (key.form == Form::kTableOrFalse) {
    return keywords({{"anyOf", completed_from({keywords({{"const", ConfigNode::boolean(false)}}), table})},
                     {"if", is_of_type("boolean")},
                     {"then", keywords({{"const", ConfigNode::boolean(false)}})},
                     {"else", table}});
  }
  ConfigNode list = is_of_type("array");
  list.set("items", refer_to_items(*key.variants));
  if (key.form == Form::kList) return list;
  return keywords({{"anyOf", completed_from({list, table})},
                   {"if", is_of_type("array")},
                   {"then", list},
                   {"else", table}});
}

ConfigNode JsonSchema::of_table(const TableShape& table) {
  ConfigNode properties = ConfigNode::table(), dependencies = ConfigNode::table();
  for (const auto& key : table.keys) {
    properties.set(key.key, of_key(key));
    if (key.older_name.empty()) continue;
    KeyShape older = key;
    older.note = "The same as " + key.key;
    ConfigNode schema = of_key(older);
    schema.set("x-taplo", hidden());
    properties.set(key.older_name, std::move(schema));
    dependencies.set(key.older_name, lacks_key(key.key));
  }
  properties.set("_delete_",
                 keywords({{"description", word("Drops what the bases have under this table's key")},
                           {"type", word("boolean")},
                           {"x-taplo", hidden()}}));
  ConfigNode schema = is_of_type("object");
  schema.set("properties", std::move(properties));
  schema.set("additionalProperties",
             table.any_other_key ? of_key(*table.any_other_key) : ConfigNode::boolean(false));
  if (!dependencies.members().empty()) schema.set("dependencies", std::move(dependencies));
  add_keywords(schema, table.rule);
  return schema;
}

ConfigNode JsonSchema::refer_to(const TableVariants& variants) {
  define(variants);
  return reference(variants.name);
}

ConfigNode JsonSchema::refer_to_items(const TableVariants& variants) {
  define(variants);
  listed_.insert(variants.name);
  return reference(variants.name + ".item");
}

// The table NAME (part of one, its variant known or not), the list item NAME.item (a whole one), each variant
// NAME.VARIANT, and NAME.any for a part that does not say which it is: what one of the variants allows.
void JsonSchema::define(const TableVariants& variants) {
  if (definitions_.find(variants.name) != nullptr) return;
  definitions_.set(variants.name, {});
  definitions_.set(variants.name + ".item", {});
  definitions_.set(variants.name + ".any", {});
  std::vector<ConfigNode> names, references, parts, items;
  for (const auto& variant : variants.all) {
    const std::string name = variants.name + "." + variant.name;
    definitions_.set(name, of_table(variant.shape));
    names.push_back(word(variant.name));
    references.push_back(reference(name));
    parts.push_back(keywords({{"if", variant.condition}, {"then", reference(name)}}));
    items.push_back(
        keywords({{"if", variant.condition}, {"then", all_of({reference(name), complete(variant.shape)})}}));
  }
  ConfigNode type = ConfigNode::table();
  if (!variants.note.empty()) type.set("description", word(variants.note));
  if (names.empty()) {
    type.set("not", ConfigNode::table());
  } else {
    const ConfigNode known = keywords({{"enum", ConfigNode::list(std::move(names))}});
    add_keywords(type, is_empty(variants.other_types)
                           ? known
                           : keywords({{"anyOf", ConfigNode::list({known, variants.other_types})}}));
  }
  ConfigNode table = is_of_type("object");
  table.set("properties", ConfigNode::table({{"type", type}}));
  if (variants.all.empty()) {
    for (const char* part : {"", ".item", ".any"}) definitions_.set(variants.name + part, table);
    return;
  }
  table.set("anyOf", completed_from(std::move(references)));
  table.set("if", any_condition(variants));

  ConfigNode item = table;
  item.set("required", shape::words({"type"}));
  item.set("then", keywords({{"allOf", ConfigNode::list(std::move(items))}}));
  table.set("then", keywords({{"allOf", ConfigNode::list(std::move(parts))}}));
  table.set("else", keywords({{"if", has_key("type")}, {"else", reference(variants.name + ".any")}}));
  definitions_.set(variants.name, std::move(table));
  definitions_.set(variants.name + ".item", std::move(item));
  definitions_.set(variants.name + ".any", of_any_variant(variants));
}

ConfigNode JsonSchema::of_any_variant(const TableVariants& variants) const {
  std::vector<std::pair<std::string, std::vector<ConfigNode>>> seen;
  for (const auto& variant : variants.all) {
    const ConfigNode* definition = definitions_.find(variants.name + "." + variant.name);
    for (const auto& [key, schema] : definition->find("properties")->members()) {
      auto at = seen.begin();
      while (at != seen.end() && at->first != key) ++at;
      if (at == seen.end()) at = seen.insert(seen.end(), {key, {}});
      const std::string text = schema.to_json();
      const bool known = std::any_of(at->second.begin(), at->second.end(),
                                     [&](const ConfigNode& other) { return other.to_json() == text; });
      if (!known) at->second.push_back(schema);
    }
  }
  ConfigNode properties = ConfigNode::table();
  for (auto& [key, schemas] : seen) {
    if (key != "type") properties.set(key, any_of(std::move(schemas)));
  }
  return keywords({{"type", word("object")},
                   {"properties", std::move(properties)},
                   {"additionalProperties", ConfigNode::boolean(false)}});
}

ConfigNode JsonSchema::complete(const KeyShape& key) const {
  if (key.fate != KeyShape::Fate::kTaken || key.form == Form::kList) return {};
  if (key.table) return complete(*key.table);
  if (!key.variants) return {};
  const ConfigNode table = complete(key, *key.variants);
  if (key.form == Form::kTable || is_empty(table)) return table;
  return keywords({{"if", is_of_type("object")}, {"then", table}});
}

ConfigNode JsonSchema::complete(const TableShape& table) const {
  std::vector<std::string> required;
  std::vector<ConfigNode> rules;
  ConfigNode properties = ConfigNode::table();
  for (const auto& key : table.keys) {
    if (key.required && key.older_name.empty()) required.push_back(key.key);
    if (key.required && !key.older_name.empty()) {
      rules.push_back(keywords({{"anyOf", ConfigNode::list({has_key(key.key), has_key(key.older_name)})}}));
    }
    ConfigNode inner = complete(key);
    if (!is_empty(inner)) properties.set(key.key, std::move(inner));
  }
  ConfigNode schema = ConfigNode::table();
  if (!required.empty()) schema.set("required", shape::words(required));
  if (!properties.members().empty()) schema.set("properties", std::move(properties));
  if (table.any_other_key) {
    const ConfigNode others = complete(*table.any_other_key);
    if (!is_empty(others)) {
      schema.set("additionalProperties", others);
      ConfigNode all = schema.find("properties") ? *schema.find("properties") : ConfigNode::table();
      for (const auto& key : table.keys) {
        if (all.find(key.key) == nullptr) all.set(key.key, always());
      }
      schema.set("properties", std::move(all));
    }
  }
  rules.insert(rules.begin(), std::move(schema));
  return all_of(std::move(rules));
}

ConfigNode JsonSchema::complete(const KeyShape& key, const TableVariants& variants) const {
  if (variants.all.empty()) return {};
  std::vector<ConfigNode> cases;
  for (const auto& variant : variants.all) {
    const ConfigNode whole = complete(variant.shape);
    if (!is_empty(whole)) cases.push_back(keywords({{"if", variant.condition}, {"then", whole}}));
  }
  ConfigNode schema = keywords({{"if", any_condition(variants)}});
  if (key.unsaid == KeyShape::Unsaid::kRefused) schema.set("else", has_key("type"));
  if (key.unsaid == KeyShape::Unsaid::kUsual) {
    const ConfigNode usual = all_of({reference(variants.name + "." + key.usual_variant),
                                     complete(variant_named(variants, key.usual_variant).shape)});
    schema.set("else", keywords({{"if", has_key("type")}, {"else", usual}}));
  }
  if (!cases.empty()) schema.set("then", keywords({{"allOf", ConfigNode::list(std::move(cases))}}));
  return schema;
}

}  // namespace grapnel
