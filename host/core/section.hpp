// Reads one table of the config and checks it whole: each key that the reader asks for is checked for
// type and range, and `finish` refuses what nobody asked for, naming the nearest known key. Every error
// is a Failure(kConfig) with file, line and dotted path.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/config_node.hpp"

namespace grapnel {

struct IntRange {
  int64_t min = std::numeric_limits<int64_t>::min();
  int64_t max = std::numeric_limits<int64_t>::max();
};
struct FloatRange {
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  bool min_open = false;  // true: min itself is refused
};

class Section {
 public:
  // `node` must outlive the section. `path` is its dotted path ("train_dataloader.dataset").
  // A node that is no table is a Failure.
  Section(const ConfigNode& node, std::string path);

  const std::string& path() const { return path_; }
  const Source& source() const { return node_->source(); }
  bool has(std::string_view key) const;
  // The value as written, marked as read; null when absent.
  const ConfigNode* raw(std::string_view key);

  // Required keys: absent is a Failure.
  int64_t integer(std::string_view key, IntRange range = {});
  double number(std::string_view key, FloatRange range = {});
  bool boolean(std::string_view key);
  std::string string(std::string_view key);
  std::string choice(std::string_view key, const std::vector<std::string>& choices);

  // Optional keys: absent gives the fallback.
  int64_t integer_or(std::string_view key, int64_t fallback, IntRange range = {});
  double number_or(std::string_view key, double fallback, FloatRange range = {});
  bool boolean_or(std::string_view key, bool fallback);
  std::string string_or(std::string_view key, std::string fallback);
  std::string choice_or(std::string_view key, std::string fallback, const std::vector<std::string>& choices);

  // Lists; absent gives the fallback. `count` 0 means any length.
  std::vector<int64_t> integers_or(std::string_view key, std::vector<int64_t> fallback, size_t count = 0,
                                   IntRange range = {});
  std::vector<double> numbers_or(std::string_view key, std::vector<double> fallback, size_t count = 0,
                                 FloatRange range = {});
  std::vector<std::string> strings_or(std::string_view key, std::vector<std::string> fallback);

  std::optional<Section> table(std::string_view key);  // empty when absent
  Section required_table(std::string_view key);
  std::vector<Section> tables(std::string_view key);  // a list of tables; empty when absent

  // Marks a key as read without looking at it: taken by someone else, or knowingly ignored.
  void ignore(std::string_view key);
  // Failure for the first key nobody read, with its line and the nearest key that was asked for.
  void finish() const;

  // A Failure about this section's key, for checks the readers above don't know.
  [[noreturn]] void fail(std::string_view key, std::string what, std::string got, std::string expected,
                         std::string hint = "") const;

 private:
  const ConfigNode* node_;
  std::string path_;
  std::vector<std::string> asked_;
};

// The candidate with the smallest edit distance to `word`, empty when none is near: more than 3 letters
// differ, or all.
std::string nearest_name(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace grapnel
