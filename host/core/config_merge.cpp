#include "core/config_merge.hpp"

#include <utility>
#include <vector>

#include <simdjson.h>

#include "core/config_text.hpp"
#include "core/failure.hpp"

namespace grapnel {
namespace {

using Kind = ConfigNode::Kind;

constexpr size_t kMostKeyParts = 256;

[[noreturn]] void fail(std::string what, std::string where, std::string got, std::string expected,
                       std::string hint = "") {
  throw Failure(FailureKind::kConfig,
                {std::move(what), std::move(where), std::move(got), std::move(expected), std::move(hint)});
}

std::string joined(const std::string& path, const std::string& key) {
  return path.empty() ? key : path + "." + key;
}

bool says_delete(const ConfigNode& table, const std::string& path) {
  const ConfigNode* flag = table.find("_delete_");
  if (!flag) return false;
  if (flag->kind() != Kind::kBool) {
    fail("a config value is wrong", flag->source().text() + ", " + joined(path, "_delete_"), flag->to_json(),
         "true or false");
  }
  return flag->as_bool();
}

// The value without any `_delete_`: where there is nothing below, there is nothing to drop.
ConfigNode cleaned(const ConfigNode& value, const std::string& path) {
  if (value.kind() == Kind::kList) {
    std::vector<ConfigNode> items;
    for (const auto& item : value.items())
      items.push_back(cleaned(item, joined(path, std::to_string(items.size()))));
    return ConfigNode::list(std::move(items), value.source());
  }
  if (value.kind() != Kind::kTable) return value;
  says_delete(value, path);
  std::vector<ConfigNode::Member> members;
  for (const auto& [key, member] : value.members()) {
    if (key != "_delete_") members.emplace_back(key, cleaned(member, joined(path, key)));
  }
  return ConfigNode::table(std::move(members), value.source());
}

void merge_tables(ConfigNode& base, const ConfigNode& over, const std::string& path);

// What `value` makes of `below` at one place.
void lay(ConfigNode& below, const ConfigNode& value, const std::string& path) {
  if (value.kind() != Kind::kTable || says_delete(value, path)) {
    below = cleaned(value, path);
  } else if (below.kind() == Kind::kTable) {
    merge_tables(below, value, path);
  } else {
    fail("a table cannot inherit from something else", value.source().text() + ", " + path, "a table",
         std::string(ConfigNode::kind_name(below.kind())) + ", as in " + below.source().text(),
         "_delete_ = true in the table drops what was there");
  }
}

void merge_tables(ConfigNode& base, const ConfigNode& over, const std::string& path) {
  for (const auto& [key, value] : over.members()) {
    if (key == "_delete_") continue;
    const std::string place = joined(path, key);
    if (ConfigNode* below = base.find_mutable(key)) {
      lay(*below, value, place);
    } else {
      base.set(key, cleaned(value, place));
    }
  }
}

[[noreturn]] void fail_override(const std::string& where, std::string got, std::string expected) {
  fail("an override is wrong", where, std::move(got), std::move(expected));
}

// Splits a.0."b.c" at the dots outside of quotes.
std::vector<std::string> key_parts(const std::string& key, const std::string& where) {
  std::vector<std::string> parts(1);
  bool quoted = false;
  for (size_t i = 0; i < key.size(); ++i) {
    if (key[i] == '.') {
      if (parts.back().empty() && !quoted) fail_override(where, "an empty part of the key", "KEY=VALUE");
      parts.emplace_back();
      quoted = false;
    } else if ((key[i] == '"' || key[i] == '\'') && parts.back().empty() && !quoted) {
      const size_t end = key.find(key[i], i + 1);
      if (end == std::string::npos || (end + 1 < key.size() && key[end + 1] != '.')) {
        fail_override(where, "a quote that does not end with its part of the key", "KEY=VALUE");
      }
      parts.back() = key.substr(i + 1, end - i - 1);
      quoted = true;
      i = end;
    } else {
      parts.back() += key[i];
    }
  }
  if (parts.back().empty() && !quoted) fail_override(where, "an empty part of the key", "KEY=VALUE");
  if (parts.size() > kMostKeyParts) {
    fail_override(where.substr(0, 60) + "...", std::to_string(parts.size()) + " parts in the key",
                  "at most " + std::to_string(kMostKeyParts));
  }
  if (parts[0] == "_base_")
    fail_override(where, "_base_", "a key of the config: files inherit, overrides do not");
  return parts;
}

// The '=' after the key, which may hold others in quotes.
size_t find_equals(const std::string& text) {
  char quote = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (quote) {
      if (text[i] == quote) quote = 0;
    } else if (text[i] == '"' || text[i] == '\'') {
      quote = text[i];
    } else if (text[i] == '=') {
      return i;
    }
  }
  return std::string::npos;
}

ConfigNode override_value(const std::string& text, const Source& source) {
  try {
    return parse_value(text, source);
  } catch (const Failure&) {
    if (!text.empty() && std::string("[{\"'").find(text[0]) != std::string::npos) throw;
    return ConfigNode::string(text, source);
  }
}

ConfigNode& list_item(ConfigNode& list, const std::string& key, const std::string& path,
                      const std::string& where) {
  const size_t size = list.items().size();
  const bool digits =
      key.size() < 10 && key.find_first_not_of("0123456789") == std::string::npos && !key.empty();
  const size_t index = digits ? std::stoul(key) : size;
  if (index >= size) {
    fail_override(where, "\"" + key + "\" as index of " + path,
                  size == 0 ? "nothing: the list is empty" : "0 to " + std::to_string(size - 1));
  }
  return list.mutable_items()[index];
}

}  // namespace

void merge_over(ConfigNode& base, const ConfigNode& over) {
  if (const ConfigNode* flag = over.find("_delete_")) {
    fail("_delete_ does not go at the top of a config", flag->source().text() + ", _delete_", "",
         "it inside a table");
  }
  merge_tables(base, over, "");
}

void apply_override(ConfigNode& config, const std::string& text) {
  const std::string where = "--set " + text;
  if (!simdjson::validate_utf8(text)) fail("an override is not UTF-8", "--set", "", "");
  const size_t equals = find_equals(text);
  if (equals == std::string::npos || equals == 0) fail_override(where, "", "KEY=VALUE");
  const auto parts = key_parts(text.substr(0, equals), where);
  const Source source{where, 0};
  const ConfigNode value = override_value(text.substr(equals + 1), source);

  ConfigNode* at = &config;
  std::string walked;
  for (size_t i = 0; i < parts.size(); ++i) {
    const bool last = i + 1 == parts.size();
    const std::string place = joined(walked, parts[i]);
    if (at->kind() == Kind::kList) {
      at = &list_item(*at, parts[i], walked, where);
    } else if (at->kind() == Kind::kTable) {
      if (!at->find(parts[i]))
        at->set(parts[i], last ? cleaned(value, place) : ConfigNode::table({}, source));
      at = at->find_mutable(parts[i]);
    } else {
      fail_override(
          where, walked + " of kind " + ConfigNode::kind_name(at->kind()) + " (" + at->source().text() + ")",
          "a table or a list");
    }
    if (last) lay(*at, value, place);
    walked = place;
  }
}

}  // namespace grapnel
