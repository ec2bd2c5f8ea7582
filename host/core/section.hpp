// Reads one table of the config and checks it whole: each key that the reader asks for is checked for
// type and range, and `finish` refuses what nobody asked for, naming the nearest known key. Every error
// is a Failure(kConfig) with file, line and dotted path.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/config_node.hpp"
#include "core/value_range.hpp"

namespace grapnel {

struct TableShape;

class Section {
 public:
  // `node` must outlive the section. `path` is its dotted path ("train_dataloader.dataset").
  // A node that is no table is a Failure.
  Section(const ConfigNode& node, std::string path);
  // Records what the reader asks for in `record`, which must outlive the section. No key is missing then: an
  // absent one is read as a value in its range, an absent table as an empty one.
  Section(const ConfigNode& node, std::string path, TableShape& record);

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
  // A table, or `false` for "not this"; empty for that and when absent.
  std::optional<Section> table_or_false(std::string_view key);
  Section required_table(std::string_view key);
  std::vector<Section> tables(std::string_view key);  // a list of tables; empty when absent

  // Marks a key as read without looking at it: taken by someone else, or knowingly ignored.
  void ignore(std::string_view key);
  // `key`, or its older name where only that is written. Whoever reads the key goes on with the result.
  std::string_view either_name(std::string_view key, std::string_view older_name);

  // For keys that the readers above don't know: JSON Schema keywords of what raw(key) may be, and the fate of
  // a key that is not read. Without effect unless the section records.
  bool records() const { return record_ != nullptr; }
  void expect(std::string_view key, ConfigNode value, ConfigNode fallback = {});
  void expect_refusal(std::string_view key);

  // Failure for the first key nobody read, with its line and the nearest key that was asked for.
  void finish() const;

  // A Failure about this section's key, for checks the readers above don't know.
  [[noreturn]] void fail(std::string_view key, std::string what, std::string got, std::string expected,
                         std::string hint = "") const;

 private:
  void note(std::string_view key, bool required, ConfigNode value, ConfigNode fallback = {});

  const ConfigNode* node_;
  TableShape* record_ = nullptr;
  std::string path_;
  std::vector<std::string> asked_;
};

// The candidate with the smallest edit distance to `word`, empty when none is near: more than 3 letters
// differ, or all.
std::string nearest_name(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace grapnel
