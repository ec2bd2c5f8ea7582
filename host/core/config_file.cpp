#include "core/config_file.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <simdjson.h>
#define TOML_EXCEPTIONS 1
#include <toml++/toml.h>

#include "core/failure.hpp"
#include "core/section.hpp"

namespace grapnel {
namespace {

namespace fs = std::filesystem;
using Kind = ConfigNode::Kind;

constexpr std::uintmax_t kLargestConfig = 16 << 20;

[[noreturn]] void fail(std::string what, std::string where, std::string got = "", std::string expected = "",
                       std::string hint = "") {
  throw Failure(FailureKind::kConfig, {std::move(what), std::move(where), std::move(got), std::move(expected),
                                       std::move(hint)});
}

ConfigNode convert(const toml::node& node, const std::string& file) {
  const Source source{file, static_cast<int>(node.source().begin.line)};
  switch (node.type()) {
    case toml::node_type::boolean: return ConfigNode::boolean(**node.as_boolean(), source);
    case toml::node_type::integer: return ConfigNode::integer(**node.as_integer(), source);
    case toml::node_type::floating_point: return ConfigNode::number(**node.as_floating_point(), source);
    case toml::node_type::string: return ConfigNode::string(**node.as_string(), source);
    case toml::node_type::array: {
      std::vector<ConfigNode> items;
      for (const auto& item : *node.as_array()) items.push_back(convert(item, file));
      return ConfigNode::list(std::move(items), source);
    }
    case toml::node_type::table: {
      // toml++ sorts keys; the order written is told by where each value stands.
      std::vector<std::pair<toml::source_position, ConfigNode::Member>> placed;
      for (const auto& [key, value] : *node.as_table()) {
        placed.emplace_back(value.source().begin, ConfigNode::Member(std::string(key.str()), convert(value, file)));
      }
      std::stable_sort(placed.begin(), placed.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
      std::vector<ConfigNode::Member> members;
      for (auto& entry : placed) members.push_back(std::move(entry.second));
      return ConfigNode::table(std::move(members), source);
    }
    default: fail("dates and times are not used in a config", source.text(), "", "a number, a string or a list");
  }
}

ConfigNode parse_document(std::string_view text, const std::string& file) {
  try {
    const toml::table table = toml::parse(text, std::string_view(file));
    return convert(table, file);
  } catch (const toml::parse_error& error) {
    const auto at = error.source().begin;
    fail("not valid TOML", file + ":" + std::to_string(at.line) + ":" + std::to_string(at.column),
         std::string(error.description()));
  }
}

std::string read_text(const std::string& path, const std::string& named_by) {
  const std::string hint = named_by.empty() ? "" : "named by _base_ in " + named_by;
  std::error_code error;
  const auto status = fs::status(path, error);
  if (!fs::exists(status)) fail("no such config file", path, "", "", hint);
  if (!fs::is_regular_file(status)) fail("not a config file", path, fs::is_directory(status) ? "a folder" : "no file",
                                         "a TOML file", hint);
  if (fs::file_size(path, error) > kLargestConfig) fail("a config file this large is a mistake", path, "", "at most 16 MiB");
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) fail("cannot read the config file", path, "", "", hint);
  return text.str();
}

// MMEngine's merge: tables merge key by key, everything else replaces.
void merge_into(ConfigNode& base, const ConfigNode& over) {
  for (const auto& [key, value] : over.members()) {
    if (key == "_delete_") continue;
    ConfigNode* below = base.find_mutable(key);
    const ConfigNode* drop = value.find("_delete_");
    const bool replaces = drop && drop->kind() == Kind::kBool && drop->as_bool();
    if (below && below->kind() == Kind::kTable && value.kind() == Kind::kTable && !replaces) {
      merge_into(*below, value);
    } else if (value.kind() == Kind::kTable) {
      ConfigNode clean = ConfigNode::table({}, value.source());
      merge_into(clean, value);
      base.set(key, std::move(clean));
    } else {
      base.set(key, value);
    }
  }
}

ConfigNode load_with_bases(const std::string& path, std::vector<std::string>& chain) {
  const std::string canonical = fs::weakly_canonical(path).string();
  if (std::count(chain.begin(), chain.end(), canonical)) {
    std::string ring;
    for (const auto& file : chain) ring += file + " -> ";
    fail("configs inherit from each other in a circle", ring + canonical);
  }
  ConfigNode own = parse_document(read_text(path, chain.empty() ? "" : chain.back()), path);
  chain.push_back(canonical);

  std::vector<ConfigNode> names;
  if (const ConfigNode* base = own.find("_base_")) {
    if (base->kind() == Kind::kList) names = base->items();
    else names.push_back(*base);
  }
  ConfigNode merged = ConfigNode::table({}, own.source());
  for (const auto& name : names) {
    if (name.kind() != Kind::kString) {
      fail("a config value is wrong", name.source().text() + ", _base_", name.to_json(), "a path or a list of paths");
    }
    const ConfigNode base = load_with_bases(resolve_path(name), chain);
    for (const auto& [key, value] : base.members()) {
      if (merged.find(key)) {
        fail("two bases set the same key", name.source().text() + ", _base_", "\"" + key + "\" again in " +
             value.source().text(), "each key in one base only");
      }
    }
    merge_into(merged, base);
  }
  own.erase("_base_");
  merge_into(merged, own);
  chain.pop_back();
  return merged;
}

void apply_override(ConfigNode& config, const std::string& text) {
  const size_t equals = text.find('=');
  const std::string where = "--set " + text;
  if (equals == std::string::npos || equals == 0) fail("an override is wrong", where, "", "KEY=VALUE");
  const std::string value_text = text.substr(equals + 1);
  const Source source{where, 0};
  ConfigNode value;
  try {
    value = parse_value(value_text, source);
  } catch (const Failure&) {
    value = ConfigNode::string(value_text, source);  // an unquoted word is a string
  }

  std::vector<std::string> keys;
  std::istringstream split(text.substr(0, equals));
  for (std::string key; std::getline(split, key, '.');) keys.push_back(key);
  ConfigNode* at = &config;
  std::string walked;
  for (size_t i = 0; i < keys.size(); ++i) {
    const std::string& key = keys[i];
    const bool last = i + 1 == keys.size();
    if (key.empty()) fail("an override is wrong", where, "an empty key", "KEY=VALUE");
    if (at->kind() == Kind::kList) {
      const bool digits = key.find_first_not_of("0123456789") == std::string::npos && key.size() < 9;
      const size_t index = digits ? std::stoul(key) : SIZE_MAX;
      if (index >= at->items().size()) {
        fail("an override is wrong", where, "index \"" + key + "\" of " + walked,
             "0 to " + std::to_string(static_cast<int64_t>(at->items().size()) - 1));
      }
      at = &at->mutable_items()[index];
      if (last) *at = value;
    } else if (at->kind() == Kind::kTable) {
      if (last) {
        at->set(key, value);
      } else {
        if (!at->find(key)) at->set(key, ConfigNode::table({}, source));
        at = at->find_mutable(key);
      }
    } else {
      fail("an override is wrong", where, walked + " is a " + ConfigNode::kind_name(at->kind()), "a table or a list");
    }
    walked += (walked.empty() ? "" : ".") + key;
  }
}

ConfigNode convert_json(simdjson::dom::element element, const Source& source) {
  using Type = simdjson::dom::element_type;
  switch (element.type()) {
    case Type::BOOL: return ConfigNode::boolean(bool(element), source);
    case Type::INT64: return ConfigNode::integer(int64_t(element), source);
    case Type::UINT64: return ConfigNode::number(double(uint64_t(element)), source);
    case Type::DOUBLE: return ConfigNode::number(double(element), source);
    case Type::STRING: return ConfigNode::string(std::string(std::string_view(element)), source);
    case Type::ARRAY: {
      std::vector<ConfigNode> items;
      for (auto item : simdjson::dom::array(element)) items.push_back(convert_json(item, source));
      return ConfigNode::list(std::move(items), source);
    }
    case Type::OBJECT: {
      std::vector<ConfigNode::Member> members;
      for (auto field : simdjson::dom::object(element)) {
        members.emplace_back(std::string(field.key), convert_json(field.value, source));
      }
      return ConfigNode::table(std::move(members), source);
    }
    default: return {};
  }
}

}  // namespace

ConfigNode parse_value(std::string_view toml_value, Source source) {
  if (toml_value.find('\n') != std::string_view::npos) fail("not one TOML value", source.text(), std::string(toml_value));
  const ConfigNode document = parse_document("value = " + std::string(toml_value), source.text());
  if (document.members().size() != 1) fail("not one TOML value", source.text(), std::string(toml_value));
  return document.members()[0].second;
}

ConfigNode parse_json(std::string_view json, Source source) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  const auto error = parser.parse(simdjson::padded_string(json)).get(root);
  if (error) fail("not valid JSON", source.text(), simdjson::error_message(error));
  return convert_json(root, source);
}

ConfigNode load_config(const std::string& path, const std::vector<std::string>& overrides) {
  std::vector<std::string> chain;
  ConfigNode config = load_with_bases(path, chain);
  for (const auto& text : overrides) apply_override(config, text);
  return config;
}

std::string resolve_path(const ConfigNode& path) {
  const fs::path written(path.as_string());
  if (written.is_absolute() || path.source().line == 0) return written.string();
  return (fs::path(path.source().file).parent_path() / written).lexically_normal().string();
}

}  // namespace grapnel
