#include "core/config_text.hpp"

#include <algorithm>
#include <unordered_set>
#include <utility>
#include <vector>

#include <simdjson.h>
#define TOML_EXCEPTIONS 1
// toml++ 3.3 asserts what text like "x = ,[" breaks before it reports the syntax error: compiled header-only
// with assertions, a typing error would abort. Debian's library is built without them.
#define TOML_ASSERT(condition) static_assert(true)
#include <toml++/toml.h>

#include "core/failure.hpp"

namespace grapnel {
namespace {

constexpr int kDeepest = 256;

[[noreturn]] void fail(std::string what, std::string where, std::string got, std::string expected,
                       std::string hint = "") {
  throw Failure(FailureKind::kConfig,
                {std::move(what), std::move(where), std::move(got), std::move(expected), std::move(hint)});
}

[[noreturn]] void fail_too_deep(const std::string& where) {
  fail("the config is nested too deeply", where, "", "at most " + std::to_string(kDeepest) + " levels");
}

// toml++ limits how deep values nest, not how many parts a dotted key has, and it frees its tree recursively:
// a key of 100,000 parts would overflow the stack.
void refuse_long_keys(std::string_view text, const std::string& file) {
  int line = 1, parts = 0;
  bool in_part = false, in_comment = false;
  for (const char c : text) {
    if (c == '\n') {
      ++line;
      parts = 0;
      in_part = in_comment = false;
    } else if (in_comment || c == '#') {
      in_comment = true;
    } else if (c == '.') {
      if (in_part && ++parts > kDeepest) fail_too_deep(file + ":" + std::to_string(line));
      in_part = false;
    } else if (c == '=' || c == ',' || c == '[' || c == ']' || c == '{' || c == '}') {
      parts = 0;
    } else if (c != ' ' && c != '\t') {
      in_part = true;
    }
  }
}

// Where converted values say they come from: each its own line of a document, or all one given place.
struct Origin {
  Source source;
  bool own_lines;
  Source of(const toml::node& node) const {
    return own_lines ? Source{source.file, static_cast<int>(node.source().begin.line)} : source;
  }
};

ConfigNode convert(const toml::node& node, const Origin& origin, int depth) {
  Source source = origin.of(node);
  if (depth > kDeepest) fail_too_deep(source.text());
  switch (node.type()) {
    case toml::node_type::boolean:
      return ConfigNode::boolean(**node.as_boolean(), std::move(source));
    case toml::node_type::integer:
      return ConfigNode::integer(**node.as_integer(), std::move(source));
    case toml::node_type::floating_point:
      return ConfigNode::number(**node.as_floating_point(), std::move(source));
    case toml::node_type::string:
      return ConfigNode::string(**node.as_string(), std::move(source));
    case toml::node_type::array: {
      std::vector<ConfigNode> items;
      items.reserve(node.as_array()->size());
      for (const auto& item : *node.as_array()) items.push_back(convert(item, origin, depth + 1));
      return ConfigNode::list(std::move(items), std::move(source));
    }
    case toml::node_type::table: {
      // toml++ sorts keys; the order written is told by where each value stands.
      std::vector<std::pair<toml::source_position, ConfigNode::Member>> placed;
      for (const auto& [key, value] : *node.as_table()) {
        placed.emplace_back(value.source().begin,
                            ConfigNode::Member(std::string(key.str()), convert(value, origin, depth + 1)));
      }
      std::stable_sort(placed.begin(), placed.end(),
                       [](const auto& a, const auto& b) { return a.first < b.first; });
      std::vector<ConfigNode::Member> members;
      members.reserve(placed.size());
      for (auto& entry : placed) members.push_back(std::move(entry.second));
      return ConfigNode::table(std::move(members), std::move(source));
    }
    default:
      fail("a config has no dates or times", source.text(), "a date or time",
           "a boolean, a number, a string, a list or a table", "write it in quotes to make it a string");
  }
}

ConfigNode convert(simdjson::dom::element element, const Source& source) {
  using Type = simdjson::dom::element_type;
  switch (element.type()) {
    case Type::BOOL:
      return ConfigNode::boolean(bool(element), source);
    case Type::INT64:
      return ConfigNode::integer(int64_t(element), source);
    case Type::UINT64:
      fail("not a value of a config", source.text(), std::to_string(uint64_t(element)),
           "an integer of 64 bits with sign");
    case Type::DOUBLE:
      return ConfigNode::number(double(element), source);
    case Type::STRING:
      return ConfigNode::string(std::string(std::string_view(element)), source);
    case Type::ARRAY: {
      std::vector<ConfigNode> items;
      for (const auto item : simdjson::dom::array(element)) items.push_back(convert(item, source));
      return ConfigNode::list(std::move(items), source);
    }
    case Type::OBJECT: {
      std::vector<ConfigNode::Member> members;
      std::unordered_set<std::string_view> seen;
      for (const auto field : simdjson::dom::object(element)) {
        if (!seen.insert(field.key).second) {
          fail("not valid JSON", source.text(),
               "the key \"" + std::string(field.key) + "\" twice in one object", "");
        }
        members.emplace_back(std::string(field.key), convert(field.value, source));
      }
      return ConfigNode::table(std::move(members), source);
    }
    case Type::NULL_VALUE:
      return {};
  }
  return {};
}

}  // namespace

ConfigNode parse_toml(std::string_view text, const std::string& file) {
  refuse_long_keys(text, file);
  try {
    return convert(toml::parse(text, std::string_view(file)), {{file, 0}, true}, 0);
  } catch (const toml::parse_error& error) {
    const auto at = error.source().begin;
    fail("not valid TOML", file + ":" + std::to_string(at.line) + ":" + std::to_string(at.column), "", "",
         std::string(error.description()));
  }
}

ConfigNode parse_value(std::string_view toml_value, Source source) {
  const std::string shown(toml_value.substr(0, 60));
  refuse_long_keys(toml_value, source.text());
  ConfigNode document;
  try {
    document = convert(toml::parse("value = " + std::string(toml_value)), {source, false}, 0);
  } catch (const toml::parse_error& error) {
    fail("not a TOML value", source.text(), shown, "", std::string(error.description()));
  }
  // A line break could smuggle further keys in.
  if (document.members().size() != 1) fail("not a TOML value", source.text(), shown, "one value");
  return document.members()[0].second;
}

ConfigNode parse_json(std::string_view json, Source source) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  const auto error = parser.parse(simdjson::padded_string(json)).get(root);
  if (error) fail("not valid JSON", source.text(), "", "", simdjson::error_message(error));
  return convert(root, source);
}

}  // namespace grapnel
