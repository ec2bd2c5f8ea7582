// A config value that remembers where it was written. toml++'s nodes forget their file and line when
// they are copied, and inheritance (`_base_`) is nothing but copying, so the host keeps its own tree.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace grapnel {

// Where a value was written. `line` is 1-based; 0 means a default or a command line override.
struct Source {
  std::string file;
  int line = 0;
  // "demo.toml:12", or the file alone ("--set custom_hooks.0.interval=10") when line is 0.
  std::string text() const;
};

class ConfigNode {
 public:
  enum class Kind { kNone, kBool, kInt, kFloat, kString, kList, kTable };
  using Member = std::pair<std::string, ConfigNode>;

  ConfigNode() = default;
  static ConfigNode boolean(bool value, Source source = {});
  static ConfigNode integer(int64_t value, Source source = {});
  static ConfigNode number(double value, Source source = {});
  static ConfigNode string(std::string value, Source source = {});
  static ConfigNode list(std::vector<ConfigNode> items, Source source = {});
  static ConfigNode table(std::vector<Member> members = {}, Source source = {});

  Kind kind() const { return kind_; }
  static const char* kind_name(Kind kind);  // "boolean", "integer", "float", "string", "list", "table"
  const Source& source() const { return source_; }

  // Each throws std::logic_error when the kind differs: look at kind() first, or read through Section.
  bool as_bool() const;
  int64_t as_int() const;
  double as_float() const;  // an integer counts as a float
  const std::string& as_string() const;
  const std::vector<ConfigNode>& items() const;
  const std::vector<Member>& members() const;  // in the order written

  const ConfigNode* find(std::string_view key) const;  // null when absent or no table
  // Replaces or appends the member; keeps its place when it exists.
  void set(const std::string& key, ConfigNode value);
  bool erase(std::string_view key);
  void push_back(ConfigNode item);
  ConfigNode* find_mutable(std::string_view key);
  std::vector<ConfigNode>& mutable_items();

  // RFC 8259 JSON; non-finite numbers become the strings "inf", "-inf", "nan".
  std::string to_json() const;
  // A TOML document that parses back to the same values, keys with plain values first. std::logic_error
  // unless the node is a table without anything of kind none in it: TOML has no null.
  std::string to_toml() const;

 private:
  Kind kind_ = Kind::kNone;
  Source source_;
  std::variant<std::monostate, bool, int64_t, double, std::string, std::vector<ConfigNode>,
               std::vector<Member>>
      value_;
};

}  // namespace grapnel
