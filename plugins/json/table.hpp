// Reads a JSON table key by key for a plugin: a wrong type, a missing key and an unknown key are
// grapnel::Error with the dotted path, what was found and what was expected.
#pragma once

#include <grapnel/hook.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "json.hpp"
#include "nearest_name.hpp"

namespace grapnel::json {

class Table {
 public:
  // `value` must outlive the table. Throws unless it is an object.
  Table(const Value& value, std::string path) : value_(value), path_(std::move(path)) {
    if (!value.is_object()) throw Error(path_ + " is " + value.described() + ", expected a table");
  }

  const std::string& path() const { return path_; }
  std::string path_of(const std::string& name) const { return path_ + "." + name; }

  // Empty when the table lacks the name. A name that was asked for is a known one.
  std::optional<bool> boolean(const std::string& name) {
    const Value* found = look_up(name);
    if (!found) return {};
    if (!found->is_bool()) wrong_kind(name, *found, "true or false");
    return found->boolean();
  }
  std::optional<int64_t> integer(const std::string& name) {
    const Value* found = look_up(name);
    if (!found) return {};
    if (!found->is_integer()) wrong_kind(name, *found, "an integer");
    return found->integer();
  }
  std::optional<double> number(const std::string& name) {
    const Value* found = look_up(name);
    if (!found) return {};
    if (!found->is_number()) wrong_kind(name, *found, "a number");
    return found->number();
  }
  std::optional<std::string> text(const std::string& name) {
    const Value* found = look_up(name);
    if (!found) return {};
    if (!found->is_string()) wrong_kind(name, *found, "a text");
    return found->text();
  }
  std::optional<std::vector<int64_t>> integers(const std::string& name) {
    const Value* found = look_up(name);
    if (!found) return {};
    std::vector<int64_t> out;
    if (!found->is_array()) wrong_kind(name, *found, "a list of integers");
    for (const auto& item : found->items()) {
      if (!item.is_integer()) wrong_kind(name + "." + std::to_string(out.size()), item, "an integer");
      out.push_back(item.integer());
    }
    return out;
  }

  [[noreturn]] void missing(const std::string& name) const { throw Error(path_of(name) + " is missing"); }
  // `what` says what is wrong with the value: "must be above 0".
  [[noreturn]] void wrong(const std::string& name, const std::string& what) const {
    const Value* found = value_.find(name);
    throw Error(path_of(name) + (found ? " is " + found->described() + ": it " : " ") + what);
  }
  // Throws for the first key that nobody asked for.
  void refuse_unknown() const {
    for (const auto& [name, value] : value_.members()) {
      bool is_known = false;
      for (const auto& known : known_) is_known = is_known || known == name;
      if (!is_known) throw Error(path_of(name) + " is no known option" + suggestion(name, known_));
    }
  }

 private:
  const Value* look_up(const std::string& name) {
    known_.push_back(name);
    return value_.find(name);
  }
  [[noreturn]] void wrong_kind(const std::string& name, const Value& found,
                               const std::string& expected) const {
    throw Error(path_of(name) + " is " + found.described() + ", expected " + expected);
  }

  const Value& value_;
  std::string path_;
  std::vector<std::string> known_;
};

}  // namespace grapnel::json
