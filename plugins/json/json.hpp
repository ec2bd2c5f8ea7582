// A small strict JSON reader (RFC 8259) for plugins: tree options and the run's config arrive as JSON text.
// The whole text is read at once; anything that isn't JSON is an std::runtime_error that names the byte.
#pragma once

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace grapnel::json {

class Value {
 public:
  enum class Kind { kNull, kBool, kInteger, kFloat, kString, kArray, kObject };

  Kind kind() const { return kind_; }
  bool is_null() const { return kind_ == Kind::kNull; }
  bool is_bool() const { return kind_ == Kind::kBool; }
  bool is_integer() const { return kind_ == Kind::kInteger; }
  bool is_number() const { return kind_ == Kind::kInteger || kind_ == Kind::kFloat; }
  bool is_string() const { return kind_ == Kind::kString; }
  bool is_array() const { return kind_ == Kind::kArray; }
  bool is_object() const { return kind_ == Kind::kObject; }

  // Each holds only for its kind; of another kind they give zero or nothing.
  bool boolean() const { return is_bool() && integer_ != 0; }
  int64_t integer() const { return is_integer() ? integer_ : 0; }
  double number() const { return kind_ == Kind::kFloat ? number_ : static_cast<double>(integer()); }
  const std::string& text() const { return text_; }
  const std::vector<Value>& items() const { return items_; }
  // In the text's order; no name twice.
  const std::vector<std::pair<std::string, Value>>& members() const { return members_; }
  // Null when this is no object or lacks the name.
  const Value* find(const std::string& name) const {
    for (const auto& [key, value] : members_) {
      if (key == name) return &value;
    }
    return nullptr;
  }
  // "a table", "a list", "the text \"x\"": for messages.
  std::string described() const;

 private:
  friend class Reader;
  Kind kind_ = Kind::kNull;
  int64_t integer_ = 0;
  double number_ = 0;
  std::string text_;
  std::vector<Value> items_;
  std::vector<std::pair<std::string, Value>> members_;
};

// The text as a JSON string, quotes included.
inline std::string quote(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c));
      out += escape;
    } else {
      out += c;
    }
  }
  return out + '"';
}

inline std::string Value::described() const {
  switch (kind_) {
    case Kind::kNull:
      return "null";
    case Kind::kBool:
      return boolean() ? "true" : "false";
    case Kind::kInteger:
      return std::to_string(integer_);
    case Kind::kFloat: {
      char out[32];
      std::snprintf(out, sizeof out, "%g", number_);
      return out;
    }
    case Kind::kString:
      return "the text " + quote(text_);
    case Kind::kArray:
      return "a list";
    case Kind::kObject:
      return "a table";
  }
  return "nothing";
}

class Reader {
 public:
  explicit Reader(const std::string& text) : at_(text.data()), begin_(at_), end_(at_ + text.size()) {}

  Value whole() {
    Value value = read(0);
    skip_space();
    if (at_ != end_) fail("something follows the value");
    return value;
  }

 private:
  static constexpr int kMaxDepth = 200;

  [[noreturn]] void fail(const std::string& what) const {
    throw std::runtime_error("not JSON at byte " + std::to_string(at_ - begin_) + ": " + what);
  }
  void skip_space() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\t' || *at_ == '\r')) ++at_;
  }
  bool take(char c) {
    skip_space();
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!take(c)) fail(std::string("'") + c + "' is missing");
  }
  bool take_word(const char* word) {
    const char* from = at_;
    for (; *word; ++word, ++from) {
      if (from == end_ || *from != *word) return false;
    }
    at_ = from;
    return true;
  }

  Value read(int depth) {
    if (depth > kMaxDepth) fail("nested too deeply");
    skip_space();
    if (at_ == end_) fail("the text ends early");
    Value value;
    if (*at_ == '{') {
      read_object(value, depth);
    } else if (*at_ == '[') {
      read_array(value, depth);
    } else if (*at_ == '"') {
      value.kind_ = Value::Kind::kString;
      value.text_ = read_string();
    } else if (take_word("true")) {
      value.kind_ = Value::Kind::kBool;
      value.integer_ = 1;
    } else if (take_word("false")) {
      value.kind_ = Value::Kind::kBool;
    } else if (!take_word("null")) {
      read_number(value);
    }
    return value;
  }

  void read_object(Value& value, int depth) {
    value.kind_ = Value::Kind::kObject;
    expect('{');
    if (take('}')) return;
    do {
      skip_space();
      if (at_ == end_ || *at_ != '"') fail("a name in quotes is missing");
      std::string name = read_string();
      if (value.find(name)) fail("the name " + quote(name) + " comes twice");
      expect(':');
      value.members_.emplace_back(std::move(name), read(depth + 1));
    } while (take(','));
    expect('}');
  }

  void read_array(Value& value, int depth) {
    value.kind_ = Value::Kind::kArray;
    expect('[');
    if (take(']')) return;
    do value.items_.push_back(read(depth + 1));
    while (take(','));
    expect(']');
  }

  void digits() {
    if (at_ == end_ || *at_ < '0' || *at_ > '9') fail("a digit is missing");
    while (at_ != end_ && *at_ >= '0' && *at_ <= '9') ++at_;
  }

  void read_number(Value& value) {
    const char* from = at_;
    if (*at_ == '-') ++at_;
    const bool leading_zero = at_ != end_ && *at_ == '0';
    const char* first_digit = at_;
    if (at_ == end_ || *at_ < '0' || *at_ > '9') fail("no value begins like this");
    digits();
    if (leading_zero && at_ - first_digit > 1) fail("a number begins with 0");
    bool is_integer = true;
    if (at_ != end_ && *at_ == '.') {
      is_integer = false;
      ++at_;
      digits();
    }
    if (at_ != end_ && (*at_ == 'e' || *at_ == 'E')) {
      is_integer = false;
      ++at_;
      if (at_ != end_ && (*at_ == '+' || *at_ == '-')) ++at_;
      digits();
    }
    if (is_integer && std::from_chars(from, at_, value.integer_).ec == std::errc()) {
      value.kind_ = Value::Kind::kInteger;
      return;
    }
    value.kind_ = Value::Kind::kFloat;
    value.integer_ = 0;
    if (std::from_chars(from, at_, value.number_).ec != std::errc()) fail("a number outside double's range");
  }

  unsigned read_hex() {
    unsigned code = 0;
    if (end_ - at_ < 4 || std::from_chars(at_, at_ + 4, code, 16).ptr != at_ + 4) {
      fail("four hex digits are missing");
    }
    at_ += 4;
    return code;
  }

  void append_escape(std::string& out) {
    if (at_ == end_) fail("the text ends early");
    const char c = *at_++;
    switch (c) {
      case '"':
      case '\\':
      case '/':
        out += c;
        return;
      case 'b':
        out += '\b';
        return;
      case 'f':
        out += '\f';
        return;
      case 'n':
        out += '\n';
        return;
      case 'r':
        out += '\r';
        return;
      case 't':
        out += '\t';
        return;
      case 'u':
        break;
      default:
        fail("an unknown escape");
    }
    unsigned code = read_hex();
    if (code >= 0xDC00 && code < 0xE000) fail("half a surrogate pair");
    if (code >= 0xD800 && code < 0xDC00) {
      if (!take_word("\\u")) fail("half a surrogate pair");
      const unsigned low = read_hex();
      if (low < 0xDC00 || low >= 0xE000) fail("half a surrogate pair");
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    append_utf8(out, code);
  }

  static void append_utf8(std::string& out, unsigned code) {
    const auto push = [&out](unsigned byte) { out += static_cast<char>(byte); };
    if (code < 0x80) {
      push(code);
    } else if (code < 0x800) {
      push(0xC0 | (code >> 6));
      push(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
      push(0xE0 | (code >> 12));
      push(0x80 | ((code >> 6) & 0x3F));
      push(0x80 | (code & 0x3F));
    } else {
      push(0xF0 | (code >> 18));
      push(0x80 | ((code >> 12) & 0x3F));
      push(0x80 | ((code >> 6) & 0x3F));
      push(0x80 | (code & 0x3F));
    }
  }

  std::string read_string() {
    ++at_;
    std::string out;
    while (true) {
      if (at_ == end_) fail("a text has no closing quote");
      const char c = *at_;
      if (static_cast<unsigned char>(c) < 0x20) fail("a control character inside a text");
      ++at_;
      if (c == '"') return out;
      if (c == '\\')
        append_escape(out);
      else
        out += c;
    }
  }

  const char* at_;
  const char* begin_;
  const char* end_;
};

// Throws std::runtime_error.
inline Value parse(const std::string& text) { return Reader(text).whole(); }

}  // namespace grapnel::json
