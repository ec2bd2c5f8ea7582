#include "core/section.hpp"

#include <algorithm>
#include <cmath>

#include "core/failure.hpp"
#include "core/table_shape.hpp"

namespace grapnel {
namespace {

using Kind = ConfigNode::Kind;

std::string shown(const ConfigNode& node) {
  std::string text = node.to_json();
  if (text.size() > 60) {
    size_t end = 57;
    while ((text[end] & 0xC0) == 0x80) --end;  // not through the middle of a UTF-8 character
    text = text.substr(0, end) + "...";
  }
  return text + " (" + ConfigNode::kind_name(node.kind()) + ")";
}

std::string number_text(double value) { return ConfigNode::number(value).to_json(); }

std::string range_text(const IntRange& range) {
  const bool below = range.min != std::numeric_limits<int64_t>::min();
  const bool above = range.max != std::numeric_limits<int64_t>::max();
  if (below && above) return " from " + std::to_string(range.min) + " to " + std::to_string(range.max);
  if (below) return " of at least " + std::to_string(range.min);
  if (above) return " of at most " + std::to_string(range.max);
  return "";
}

std::string range_text(const FloatRange& range) {
  const bool below = std::isfinite(range.min), above = std::isfinite(range.max);
  const std::string low = number_text(range.min), high = number_text(range.max);
  const std::string end = (range.max_open ? " below " : " at most ") + high;
  if (below && above) {
    if (!range.min_open && !range.max_open) return " from " + low + " to " + high;
    return (range.min_open ? " above " : " of at least ") + low + " and" + end;
  }
  if (below) return (range.min_open ? " above " : " of at least ") + low;
  if (above) return range.max_open ? end : " of" + end;
  return "";
}

bool inside(double value, const FloatRange& range) {
  return (range.max_open ? value < range.max : value <= range.max) &&
         (range.min_open ? value > range.min : value >= range.min);
}

std::string place(const Source& source, const std::string& path) {
  const std::string where = source.text();
  return where + (where.empty() || path.empty() ? "" : ", ") + path;
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "\"" : ", \"") + word + "\"";
  return out;
}

}  // namespace

std::string nearest_name(std::string_view word, const std::vector<std::string>& candidates) {
  std::string best;
  size_t best_distance = 4;
  for (const auto& candidate : candidates) {
    std::vector<size_t> row(candidate.size() + 1);
    for (size_t j = 0; j <= candidate.size(); ++j) row[j] = j;
    for (size_t i = 1; i <= word.size(); ++i) {
      size_t diagonal = row[0];
      row[0] = i;
      for (size_t j = 1; j <= candidate.size(); ++j) {
        const size_t substituted = diagonal + (word[i - 1] == candidate[j - 1] ? 0 : 1);
        diagonal = row[j];
        row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
      }
    }
    if (row.back() < best_distance && row.back() < std::max(word.size(), candidate.size())) {
      best_distance = row.back();
      best = candidate;
    }
  }
  return best;
}

Section::Section(const ConfigNode& node, std::string path) : node_(&node), path_(std::move(path)) {
  if (node.kind() != Kind::kTable) {
    throw Failure(FailureKind::kConfig,
                  {"a table is needed", place(node.source(), path_), shown(node), "a table", ""});
  }
}

Section::Section(const ConfigNode& node, std::string path, TableShape& record)
    : Section(node, std::move(path)) {
  record_ = &record;
}

bool Section::has(std::string_view key) const { return node_->find(key) != nullptr; }

const ConfigNode* Section::raw(std::string_view key) {
  asked_.emplace_back(key);
  if (record_ != nullptr) record_->at(std::string(key));
  return node_->find(key);
}

void Section::fail(std::string_view key, std::string what, std::string got, std::string expected,
                   std::string hint) const {
  const ConfigNode* value = node_->find(key);
  if (!value) value = node_->find(key.substr(0, key.rfind('.')));  // "scale.1": the list's own line
  const std::string path = path_ + (path_.empty() || key.empty() ? "" : ".") + std::string(key);
  throw Failure(FailureKind::kConfig,
                {std::move(what), place(value ? value->source() : node_->source(), path), std::move(got),
                 std::move(expected), std::move(hint)});
}

namespace {

[[noreturn]] void wrong(const Section& section, std::string_view key, const ConfigNode& got,
                        std::string expected) {
  section.fail(key, "a config value is wrong", shown(got), std::move(expected));
}
[[noreturn]] void missing(const Section& section, std::string_view key, std::string expected) {
  section.fail(key, "a required key is missing", "", std::move(expected));
}

std::string item_key(std::string_view key, size_t index) {
  return std::string(key) + "." + std::to_string(index);
}

int64_t to_integer(const Section& section, std::string_view key, const ConfigNode& node,
                   const IntRange& range) {
  if (node.kind() != Kind::kInt || node.as_int() < range.min || node.as_int() > range.max) {
    wrong(section, key, node, "an integer" + range_text(range));
  }
  return node.as_int();
}
double to_number(const Section& section, std::string_view key, const ConfigNode& node,
                 const FloatRange& range) {
  if ((node.kind() != Kind::kInt && node.kind() != Kind::kFloat) || !inside(node.as_float(), range)) {
    wrong(section, key, node, "a number" + range_text(range));
  }
  return node.as_float();
}
bool to_boolean(const Section& section, std::string_view key, const ConfigNode& node) {
  if (node.kind() != Kind::kBool) wrong(section, key, node, "true or false");
  return node.as_bool();
}
std::string to_string(const Section& section, std::string_view key, const ConfigNode& node) {
  if (node.kind() != Kind::kString) wrong(section, key, node, "a string");
  return node.as_string();
}
std::string to_choice(const Section& section, std::string_view key, const ConfigNode& node,
                      const std::vector<std::string>& choices) {
  if (node.kind() == Kind::kString && std::count(choices.begin(), choices.end(), node.as_string())) {
    return node.as_string();
  }
  const std::string near = node.kind() == Kind::kString ? nearest_name(node.as_string(), choices) : "";
  section.fail(key, "a config value is wrong", shown(node), "one of " + joined(choices),
               near.empty() ? "" : "did you mean \"" + near + "\"?");
}

}  // namespace

void Section::note(std::string_view key, bool required, ConfigNode value, ConfigNode fallback) {
  if (record_ == nullptr) return;
  KeyShape& shape = record_->at(std::string(key));
  shape.required = required;
  shape.value = std::move(value);
  shape.fallback = std::move(fallback);
}

int64_t Section::integer(std::string_view key, IntRange range) {
  const ConfigNode* node = raw(key);
  note(key, true, shape::integer(range));
  if (!node && records()) return std::clamp<int64_t>(0, range.min, range.max);
  if (!node) missing(*this, key, "an integer" + range_text(range));
  return to_integer(*this, key, *node, range);
}
double Section::number(std::string_view key, FloatRange range) {
  const ConfigNode* node = raw(key);
  note(key, true, shape::number(range));
  if (!node && records()) return std::clamp(0.0, range.min, range.max);
  if (!node) missing(*this, key, "a number" + range_text(range));
  return to_number(*this, key, *node, range);
}
bool Section::boolean(std::string_view key) {
  const ConfigNode* node = raw(key);
  note(key, true, shape::boolean());
  if (!node && records()) return false;
  if (!node) missing(*this, key, "true or false");
  return to_boolean(*this, key, *node);
}
std::string Section::string(std::string_view key) {
  const ConfigNode* node = raw(key);
  note(key, true, shape::text());
  if (!node && records()) return {};
  if (!node) missing(*this, key, "a string");
  return to_string(*this, key, *node);
}
std::string Section::choice(std::string_view key, const std::vector<std::string>& choices) {
  const ConfigNode* node = raw(key);
  note(key, true, shape::choice(choices));
  if (!node && records()) return choices.front();
  if (!node) missing(*this, key, "one of " + joined(choices));
  return to_choice(*this, key, *node, choices);
}

int64_t Section::integer_or(std::string_view key, int64_t fallback, IntRange range) {
  const ConfigNode* node = raw(key);
  note(key, false, shape::integer(range), ConfigNode::integer(fallback));
  return node ? to_integer(*this, key, *node, range) : fallback;
}
double Section::number_or(std::string_view key, double fallback, FloatRange range) {
  const ConfigNode* node = raw(key);
  note(key, false, shape::number(range), ConfigNode::number(fallback));
  return node ? to_number(*this, key, *node, range) : fallback;
}
bool Section::boolean_or(std::string_view key, bool fallback) {
  const ConfigNode* node = raw(key);
  note(key, false, shape::boolean(), ConfigNode::boolean(fallback));
  return node ? to_boolean(*this, key, *node) : fallback;
}
std::string Section::string_or(std::string_view key, std::string fallback) {
  const ConfigNode* node = raw(key);
  note(key, false, shape::text(), ConfigNode::string(fallback));
  return node ? to_string(*this, key, *node) : fallback;
}
std::string Section::choice_or(std::string_view key, std::string fallback,
                               const std::vector<std::string>& choices) {
  const ConfigNode* node = raw(key);
  note(key, false, shape::choice(choices), ConfigNode::string(fallback));
  return node ? to_choice(*this, key, *node, choices) : fallback;
}

std::vector<int64_t> Section::integers_or(std::string_view key, std::vector<int64_t> fallback, size_t count,
                                          IntRange range) {
  const ConfigNode* node = raw(key);
  if (records()) {
    std::vector<ConfigNode> items;
    for (const int64_t value : fallback) items.push_back(ConfigNode::integer(value));
    note(key, false, shape::list(shape::integer(range), count), ConfigNode::list(std::move(items)));
  }
  if (!node) return fallback;
  const std::string expected = "a list of " + (count ? std::to_string(count) + " integers" : "integers");
  if (node->kind() != Kind::kList || (count && node->items().size() != count))
    wrong(*this, key, *node, expected);
  std::vector<int64_t> values;
  for (const auto& item : node->items()) {
    values.push_back(to_integer(*this, item_key(key, values.size()), item, range));
  }
  return values;
}
std::vector<double> Section::numbers_or(std::string_view key, std::vector<double> fallback, size_t count,
                                        FloatRange range) {
  const ConfigNode* node = raw(key);
  if (records()) {
    std::vector<ConfigNode> items;
    for (const double value : fallback) items.push_back(ConfigNode::number(value));
    note(key, false, shape::list(shape::number(range), count), ConfigNode::list(std::move(items)));
  }
  if (!node) return fallback;
  const std::string expected = "a list of " + (count ? std::to_string(count) + " numbers" : "numbers");
  if (node->kind() != Kind::kList || (count && node->items().size() != count))
    wrong(*this, key, *node, expected);
  std::vector<double> values;
  for (const auto& item : node->items()) {
    values.push_back(to_number(*this, item_key(key, values.size()), item, range));
  }
  return values;
}
std::vector<std::string> Section::strings_or(std::string_view key, std::vector<std::string> fallback) {
  const ConfigNode* node = raw(key);
  note(key, false, shape::list(shape::text()), shape::words(fallback));
  if (!node) return fallback;
  if (node->kind() != Kind::kList) wrong(*this, key, *node, "a list of strings");
  std::vector<std::string> values;
  for (const auto& item : node->items())
    values.push_back(to_string(*this, item_key(key, values.size()), item));
  return values;
}

std::optional<Section> Section::table(std::string_view key) {
  const ConfigNode* node = raw(key);
  const std::string path = path_.empty() ? std::string(key) : path_ + "." + std::string(key);
  if (record_ != nullptr) {
    static const ConfigNode empty = ConfigNode::table();
    KeyShape& shape = record_->at(std::string(key));
    if (!shape.table) shape.table = std::make_shared<TableShape>();
    return Section(node ? *node : empty, path, *shape.table);
  }
  if (!node) return std::nullopt;
  return Section(*node, path);
}
std::optional<Section> Section::table_or_false(std::string_view key) {
  const ConfigNode* node = node_->find(key);
  if (node != nullptr && node->kind() == Kind::kBool) {
    raw(key);
    if (node->as_bool()) wrong(*this, key, *node, "a table, or false to switch it off");
    return std::nullopt;
  }
  auto section = table(key);
  if (record_ != nullptr) record_->at(std::string(key)).form = KeyShape::Form::kTableOrFalse;
  return section;
}
Section Section::required_table(std::string_view key) {
  auto section = table(key);
  if (!section) missing(*this, key, "a table");
  if (record_ != nullptr) record_->at(std::string(key)).required = true;
  return *section;
}
std::vector<Section> Section::tables(std::string_view key) {
  const ConfigNode* node = raw(key);
  if (!node) return {};
  if (node->kind() != Kind::kList) wrong(*this, key, *node, "a list of tables");
  std::vector<Section> sections;
  const std::string base = path_.empty() ? std::string(key) : path_ + "." + std::string(key);
  for (size_t i = 0; i < node->items().size(); ++i) {
    sections.emplace_back(node->items()[i], base + "." + std::to_string(i));
  }
  return sections;
}

void Section::ignore(std::string_view key) {
  asked_.emplace_back(key);
  if (record_ != nullptr) record_->at(std::string(key)).fate = KeyShape::Fate::kIgnored;
}

std::string_view Section::either_name(std::string_view key, std::string_view older_name) {
  if (record_ != nullptr) record_->at(std::string(key)).older_name = older_name;
  return has(older_name) && !has(key) ? older_name : key;
}

void Section::expect(std::string_view key, ConfigNode value, ConfigNode fallback) {
  if (record_ == nullptr) return;
  KeyShape& shape = record_->at(std::string(key));
  shape.value = std::move(value);
  shape.fallback = std::move(fallback);
}

void Section::expect_refusal(std::string_view key) {
  if (record_ != nullptr) record_->at(std::string(key)).fate = KeyShape::Fate::kRefused;
}

void Section::finish() const {
  for (const auto& member : node_->members()) {
    if (std::count(asked_.begin(), asked_.end(), member.first)) continue;
    const std::string near = nearest_name(member.first, asked_);
    std::vector<std::string> known = asked_;
    std::sort(known.begin(), known.end());
    known.erase(std::unique(known.begin(), known.end()), known.end());
    fail(member.first, "unknown key", "\"" + member.first + "\"", "one of " + joined(known),
         near.empty() ? "" : "did you mean \"" + near + "\"?");
  }
}

}  // namespace grapnel
