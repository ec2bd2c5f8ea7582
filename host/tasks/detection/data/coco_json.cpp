#include "tasks/detection/data/coco_json.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "core/failure.hpp"

namespace grapnel::detection::data {
namespace {

// JSON has no word for them, but Python's json module writes them.
bool holds_non_finite_number(const std::string& path) {
  simdjson::padded_string text;
  if (simdjson::padded_string::load(path).get(text) != simdjson::SUCCESS) return false;
  const std::string_view view(text.data(), text.size());
  for (const char* word : {": NaN", ":NaN", ", NaN", ",NaN", "[NaN", "Infinity"}) {
    if (view.find(word) != std::string_view::npos) return true;
  }
  return false;
}

bool integral(double value) { return std::floor(value) == value && std::fabs(value) <= 9007199254740992.0; }

std::optional<int64_t> as_integer(simdjson::dom::element element) {
  int64_t whole = 0;
  if (element.get_int64().get(whole) == simdjson::SUCCESS) return whole;
  double number = 0;
  if (element.is_double() && element.get_double().get(number) == simdjson::SUCCESS && integral(number)) {
    return static_cast<int64_t>(number);
  }
  return std::nullopt;
}

}  // namespace

JsonFile::JsonFile(std::string path, std::string kind) : path_(std::move(path)), kind_(std::move(kind)) {
  struct stat status {};
  if (stat(path_.c_str(), &status) != 0) {
    throw Failure(FailureKind::kRun, {"cannot read the " + kind_, path_, std::strerror(errno), "", ""});
  }
  if (!S_ISREG(status.st_mode)) {
    throw Failure(FailureKind::kRun,
                  {"cannot read the " + kind_, path_, "no regular file", "a JSON file", ""});
  }
  if (status.st_size == 0) {
    throw Failure(FailureKind::kRun,
                  {"broken JSON in the " + kind_, path_, "an empty file", "a JSON document", ""});
  }
  const auto error = parser_.load(path_).get(root_);
  if (error == simdjson::SUCCESS) return;
  std::string hint;
  if (holds_non_finite_number(path_)) hint = "the file holds NaN or Infinity, which are no JSON numbers";
  throw Failure(FailureKind::kRun, {"broken JSON in the " + kind_, path_, simdjson::error_message(error),
                                    "a complete JSON document", hint});
}

void JsonFile::fail(std::string what, const std::string& entry, std::string got, std::string expected,
                    std::string hint) const {
  throw Failure(FailureKind::kRun, {std::move(what), entry.empty() ? path_ : path_ + ", " + entry,
                                    std::move(got), std::move(expected), std::move(hint)});
}

JsonEntry::JsonEntry(const JsonFile& file, std::string name, simdjson::dom::element element)
    : file_(file), name_(std::move(name)) {
  if (element.get_object().get(object_) != simdjson::SUCCESS) {
    fail("wrong entry", json_excerpt(element), "a JSON object");
  }
}

bool JsonEntry::has(const char* key) const { return find(key).has_value(); }

std::optional<simdjson::dom::element> JsonEntry::find(const char* key) const {
  simdjson::dom::element element;
  if (object_.at_key(key).get(element) != simdjson::SUCCESS || element.is_null()) return std::nullopt;
  return element;
}

simdjson::dom::element JsonEntry::require(const char* key) const {
  const auto element = find(key);
  if (!element) fail(std::string("missing key \"") + key + "\"", "", "");
  return *element;
}

int64_t JsonEntry::integer(const char* key) const {
  const auto element = require(key);
  const auto value = as_integer(element);
  if (!value) fail(std::string("wrong \"") + key + "\"", json_excerpt(element), "an integer");
  return *value;
}

std::optional<int64_t> JsonEntry::optional_integer(const char* key) const {
  if (!has(key)) return std::nullopt;
  return integer(key);
}

double JsonEntry::number(const char* key) const {
  const auto element = require(key);
  double value = 0;
  if (element.get_double().get(value) != simdjson::SUCCESS || !std::isfinite(value)) {
    fail(std::string("wrong \"") + key + "\"", json_excerpt(element), "a finite number");
  }
  return value;
}

std::optional<double> JsonEntry::optional_number(const char* key) const {
  if (!has(key)) return std::nullopt;
  return number(key);
}

std::string JsonEntry::text(const char* key) const {
  const auto element = require(key);
  std::string_view value;
  if (element.get_string().get(value) != simdjson::SUCCESS) {
    fail(std::string("wrong \"") + key + "\"", json_excerpt(element), "a string");
  }
  return std::string(value);
}

bool JsonEntry::flag(const char* key) const {
  const auto element = find(key);
  if (!element) return false;
  bool value = false;
  if (element->get_bool().get(value) == simdjson::SUCCESS) return value;
  const auto number = as_integer(*element);
  if (!number || (*number != 0 && *number != 1)) {
    fail(std::string("wrong \"") + key + "\"", json_excerpt(*element), "0 or 1");
  }
  return *number == 1;
}

std::array<double, 4> JsonEntry::box(const char* key) const {
  const auto element = require(key);
  std::array<double, 4> box{};
  simdjson::dom::array numbers;
  bool good = element.get_array().get(numbers) == simdjson::SUCCESS && numbers.size() == 4;
  size_t at = 0;
  if (good) {
    for (const simdjson::dom::element number : numbers) {
      good = good && number.get_double().get(box[at]) == simdjson::SUCCESS && std::isfinite(box[at]);
      ++at;
    }
  }
  if (!good) {
    fail(std::string("wrong \"") + key + "\"", json_excerpt(element),
         "four finite numbers [left, top, width, height]");
  }
  return box;
}

void JsonEntry::fail(std::string what, std::string got, std::string expected, std::string hint) const {
  file_.fail(std::move(what), name_, std::move(got), std::move(expected), std::move(hint));
}

std::string json_excerpt(simdjson::dom::element element) {
  std::string text = simdjson::minify(element);
  constexpr size_t kLongest = 80;
  if (text.size() > kLongest) text = text.substr(0, kLongest) + "...";
  return text;
}

}  // namespace grapnel::detection::data
