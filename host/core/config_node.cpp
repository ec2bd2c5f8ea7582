#include "core/config_node.hpp"

#include <charconv>
#include <cmath>
#include <stdexcept>

namespace grapnel {
namespace {

// The shortest text that reads back as the same double, always recognisable as a float.
std::string float_text(double value) {
  char buffer[64];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value);
  std::string text(buffer, end.ptr);
  if (text.find_first_of(".en") == std::string::npos) text += ".0";
  return text;
}

// JSON and TOML basic strings share this escaping.
std::string quoted(std::string_view text) {
  static const char* const kHex = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
          out += "\\u00";
          out += kHex[static_cast<unsigned char>(c) >> 4];
          out += kHex[c & 15];
        } else {
          out += c;
        }
    }
  }
  return out + '"';
}

std::string toml_key(const std::string& key) {
  const bool bare = !key.empty() && key.find_first_not_of(
                                        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") ==
                                        std::string::npos;
  return bare ? key : quoted(key);
}

std::string toml_inline(const ConfigNode& node) {
  using Kind = ConfigNode::Kind;
  switch (node.kind()) {
    case Kind::kNone:
      throw std::logic_error("TOML cannot write a value that is none");
    case Kind::kBool:
      return node.as_bool() ? "true" : "false";
    case Kind::kInt:
      return std::to_string(node.as_int());
    case Kind::kFloat:
      if (std::isnan(node.as_float())) return "nan";
      if (std::isinf(node.as_float())) return node.as_float() > 0 ? "inf" : "-inf";
      return float_text(node.as_float());
    case Kind::kString:
      return quoted(node.as_string());
    case Kind::kList: {
      std::string out = "[";
      for (const auto& item : node.items()) out += (out.size() > 1 ? ", " : "") + toml_inline(item);
      return out + "]";
    }
    case Kind::kTable: {
      std::string out = "{";
      for (const auto& [key, value] : node.members()) {
        out += (out.size() > 1 ? ", " : " ") + toml_key(key) + " = " + toml_inline(value);
      }
      return out + (out.size() > 1 ? " }" : "}");
    }
  }
  return {};
}

bool is_table_list(const ConfigNode& node) {
  if (node.kind() != ConfigNode::Kind::kList || node.items().empty()) return false;
  for (const auto& item : node.items()) {
    if (item.kind() != ConfigNode::Kind::kTable) return false;
  }
  return true;
}

// Plain values first: once a table header is open, TOML has no way back to its parent.
void append_table(const ConfigNode& table, const std::string& prefix, std::string& out) {
  for (const auto& [key, value] : table.members()) {
    if (value.kind() != ConfigNode::Kind::kTable && !is_table_list(value)) {
      out += toml_key(key) + " = " + toml_inline(value) + "\n";
    }
  }
  for (const auto& [key, value] : table.members()) {
    const std::string name = prefix.empty() ? toml_key(key) : prefix + "." + toml_key(key);
    if (value.kind() == ConfigNode::Kind::kTable) {
      out += "\n[" + name + "]\n";
      append_table(value, name, out);
    } else if (is_table_list(value)) {
      for (const auto& item : value.items()) {
        out += "\n[[" + name + "]]\n";
        append_table(item, name, out);
      }
    }
  }
}

template <class T, class Variant>
const T& held(const Variant& value, const char* wanted) {
  if (const T* found = std::get_if<T>(&value)) return *found;
  throw std::logic_error(std::string("a config value is read as ") + wanted + ", which it is not");
}

}  // namespace

std::string Source::text() const { return line > 0 ? file + ":" + std::to_string(line) : file; }

ConfigNode ConfigNode::boolean(bool value, Source source) {
  ConfigNode node;
  node.kind_ = Kind::kBool;
  node.value_ = value;
  node.source_ = std::move(source);
  return node;
}
ConfigNode ConfigNode::integer(int64_t value, Source source) {
  ConfigNode node;
  node.kind_ = Kind::kInt;
  node.value_ = value;
  node.source_ = std::move(source);
  return node;
}
ConfigNode ConfigNode::number(double value, Source source) {
  ConfigNode node;
  node.kind_ = Kind::kFloat;
  node.value_ = value;
  node.source_ = std::move(source);
  return node;
}
ConfigNode ConfigNode::string(std::string value, Source source) {
  ConfigNode node;
  node.kind_ = Kind::kString;
  node.value_ = std::move(value);
  node.source_ = std::move(source);
  return node;
}
ConfigNode ConfigNode::list(std::vector<ConfigNode> items, Source source) {
  ConfigNode node;
  node.kind_ = Kind::kList;
  node.value_ = std::move(items);
  node.source_ = std::move(source);
  return node;
}
ConfigNode ConfigNode::table(std::vector<Member> members, Source source) {
  ConfigNode node;
  node.kind_ = Kind::kTable;
  node.value_ = std::move(members);
  node.source_ = std::move(source);
  return node;
}

const char* ConfigNode::kind_name(Kind kind) {
  switch (kind) {
    case Kind::kNone:
      return "nothing";
    case Kind::kBool:
      return "boolean";
    case Kind::kInt:
      return "integer";
    case Kind::kFloat:
      return "float";
    case Kind::kString:
      return "string";
    case Kind::kList:
      return "list";
    case Kind::kTable:
      return "table";
  }
  return "?";
}

bool ConfigNode::as_bool() const { return held<bool>(value_, "a boolean"); }
int64_t ConfigNode::as_int() const { return held<int64_t>(value_, "an integer"); }
double ConfigNode::as_float() const {
  if (kind_ == Kind::kInt) return static_cast<double>(as_int());
  return held<double>(value_, "a number");
}
const std::string& ConfigNode::as_string() const { return held<std::string>(value_, "a string"); }
const std::vector<ConfigNode>& ConfigNode::items() const {
  return held<std::vector<ConfigNode>>(value_, "a list");
}
const std::vector<ConfigNode::Member>& ConfigNode::members() const {
  return held<std::vector<Member>>(value_, "a table");
}
std::vector<ConfigNode>& ConfigNode::mutable_items() {
  return const_cast<std::vector<ConfigNode>&>(std::as_const(*this).items());
}

const ConfigNode* ConfigNode::find(std::string_view key) const {
  if (kind_ != Kind::kTable) return nullptr;
  for (const auto& member : members()) {
    if (member.first == key) return &member.second;
  }
  return nullptr;
}
ConfigNode* ConfigNode::find_mutable(std::string_view key) { return const_cast<ConfigNode*>(find(key)); }

void ConfigNode::set(const std::string& key, ConfigNode value) {
  if (ConfigNode* found = find_mutable(key)) {
    *found = std::move(value);
    return;
  }
  const_cast<std::vector<Member>&>(members()).emplace_back(key, std::move(value));
}

bool ConfigNode::erase(std::string_view key) {
  if (kind_ != Kind::kTable) return false;
  auto& all = const_cast<std::vector<Member>&>(members());
  for (auto it = all.begin(); it != all.end(); ++it) {
    if (it->first == key) {
      all.erase(it);
      return true;
    }
  }
  return false;
}

void ConfigNode::push_back(ConfigNode item) { mutable_items().push_back(std::move(item)); }

std::string ConfigNode::to_json() const {
  switch (kind_) {
    case Kind::kNone:
      return "null";
    case Kind::kBool:
      return as_bool() ? "true" : "false";
    case Kind::kInt:
      return std::to_string(as_int());
    case Kind::kFloat:
      if (!std::isfinite(as_float()))
        return quoted(std::isnan(as_float()) ? "nan" : as_float() > 0 ? "inf" : "-inf");
      return float_text(as_float());
    case Kind::kString:
      return quoted(as_string());
    case Kind::kList: {
      std::string out = "[";
      for (const auto& item : items()) out += (out.size() > 1 ? ", " : "") + item.to_json();
      return out + "]";
    }
    case Kind::kTable: {
      std::string out = "{";
      for (const auto& [key, value] : members()) {
        out += (out.size() > 1 ? ", " : "") + quoted(key) + ": " + value.to_json();
      }
      return out + "}";
    }
  }
  return {};
}

std::string ConfigNode::to_toml() const {
  std::string out;
  append_table(*this, "", out);
  return out;
}

}  // namespace grapnel
