// A JSON document from disk and typed access to its entries, with errors that name file, entry and what was
// found. Shared by the readers of COCO annotations and COCO results.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <simdjson.h>
#include <string>

namespace grapnel::detection::data {

class JsonFile {
 public:
  // `kind` names the file in messages: "annotation file". Failure(kRun) when it cannot be read or is no JSON.
  JsonFile(std::string path, std::string kind);

  simdjson::dom::element root() const { return root_; }
  const std::string& path() const { return path_; }
  [[noreturn]] void fail(std::string what, const std::string& entry, std::string got, std::string expected,
                         std::string hint = "") const;

 private:
  std::string path_;
  std::string kind_;
  simdjson::dom::parser parser_;
  simdjson::dom::element root_;
};

// One object of a list, as "annotations[17]".
class JsonEntry {
 public:
  JsonEntry(const JsonFile& file, std::string name,
            simdjson::dom::element element);  // fails when it is no object

  const std::string& name() const { return name_; }
  // Adds the entry's id to its name once it is known: "annotations[17] (id 18)".
  void set_id(int64_t id) { name_ += " (id " + std::to_string(id) + ")"; }
  bool has(const char* key) const;
  std::optional<simdjson::dom::element> find(const char* key) const;  // absent or null: empty
  int64_t integer(const char* key) const;                             // also 7.0
  std::optional<int64_t> optional_integer(const char* key) const;     // absent or null: empty
  double number(const char* key) const;
  std::optional<double> optional_number(const char* key) const;
  std::string text(const char* key) const;
  bool flag(const char* key) const;  // absent: false; 0, 1, false, true
  std::array<double, 4> box(const char* key) const;
  [[noreturn]] void fail(std::string what, std::string got, std::string expected,
                         std::string hint = "") const;

 private:
  simdjson::dom::element require(const char* key) const;

  const JsonFile& file_;
  std::string name_;
  simdjson::dom::object object_;
};

// The value as written, cut when it is long.
std::string json_excerpt(simdjson::dom::element element);

}  // namespace grapnel::detection::data
