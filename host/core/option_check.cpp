// Kinds, ranges, choices and counts of options, each failure with what was expected in the table's own terms.
#include "core/option_check.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/config_text.hpp"
#include "core/descriptor_check.hpp"
#include "core/failure.hpp"
#include "core/section.hpp"

namespace grapnel {
namespace {

using Kind = ConfigNode::Kind;

bool is_list(int32_t kind) { return kind >= GRAPNEL_KIND_BOOL_LIST && kind <= GRAPNEL_KIND_STRING_LIST; }

// The kind of a list's items; the kind itself when it is no list.
int32_t item_kind(int32_t kind) {
  return is_list(kind) ? kind - GRAPNEL_KIND_BOOL_LIST + GRAPNEL_KIND_BOOL : kind;
}

std::string number_text(double value) {
  if (value == std::floor(value) && std::abs(value) < 1e15)
    return std::to_string(static_cast<int64_t>(value));
  return ConfigNode::number(value).to_json();
}

std::string shown(const ConfigNode& node) {
  std::string text = node.to_json();
  if (text.size() > 80) text = text.substr(0, 77) + "...";
  return text + " (" + ConfigNode::kind_name(node.kind()) + ")";
}

std::string range_text(const grapnel_option& option) {
  const int32_t kind = item_kind(option.kind);
  if (kind != GRAPNEL_KIND_INT && kind != GRAPNEL_KIND_FLOAT) return {};
  const bool below = std::isfinite(option.min), above = std::isfinite(option.max);
  if (below && above) return number_text(option.min) + " to " + number_text(option.max);
  if (below) return number_text(option.min) + " or more";
  if (above) return number_text(option.max) + " or less";
  return {};
}

std::string choices_text(const grapnel_option& option) {
  if (option.choice_count == 0) return {};
  std::string text = "one of ";
  for (uint64_t i = 0; i < option.choice_count; ++i) {
    text += (i ? ", \"" : "\"") + std::string(option.choices[i]) + "\"";
  }
  return text;
}

std::string items_text(const grapnel_option& option) {
  if (!is_list(option.kind)) return {};
  const uint64_t low = option.min_items, high = option.max_items;
  if (high != 0 && low == high) return std::to_string(low) + (low == 1 ? " item" : " items");
  if (high != 0) return std::to_string(low) + " to " + std::to_string(high) + " items";
  if (low != 0) return std::to_string(low) + (low == 1 ? " item" : " items") + " or more";
  return {};
}

std::string article_and_kind(int32_t kind) {
  switch (kind) {
    case GRAPNEL_KIND_BOOL:
      return "true or false";
    case GRAPNEL_KIND_INT:
      return "an integer";
    case GRAPNEL_KIND_FLOAT:
      return "a number";
    case GRAPNEL_KIND_STRING:
      return "a string";
    case GRAPNEL_KIND_TREE:
      return "any value";
    default:
      return std::string("a ") + option_kind_name(kind);
  }
}

std::string expectation(const grapnel_option& option) {
  std::string text = article_and_kind(option.kind);
  const std::string limits = option_limits(option);
  return limits.empty() ? text : text + ", " + limits;
}

bool is_of_kind(int32_t kind, const ConfigNode& node) {
  switch (kind) {
    case GRAPNEL_KIND_BOOL:
      return node.kind() == Kind::kBool;
    case GRAPNEL_KIND_INT:
      return node.kind() == Kind::kInt;
    case GRAPNEL_KIND_FLOAT:
      return node.kind() == Kind::kInt || node.kind() == Kind::kFloat;
    case GRAPNEL_KIND_STRING:
      return node.kind() == Kind::kString;
    default:
      return node.kind() != Kind::kNone;  // a tree may be any value
  }
}

struct Problem {
  std::string what;
  const ConfigNode* at;
};

std::optional<Problem> check_item(const grapnel_option& option, const ConfigNode& node) {
  const int32_t kind = item_kind(option.kind);
  if (!is_of_kind(kind, node)) return Problem{"the option has the wrong kind", &node};
  if (kind == GRAPNEL_KIND_INT || kind == GRAPNEL_KIND_FLOAT) {
    const double value = node.as_float();
    // Written so that NaN is out of every range.
    if (!(value >= option.min && value <= option.max)) return Problem{"the option is out of range", &node};
  }
  if (kind == GRAPNEL_KIND_STRING) {
    const std::string& text = node.as_string();
    if (text.find('\0') != std::string::npos) return Problem{"the option holds a NUL character", &node};
    const auto* end = option.choices + option.choice_count;
    if (option.choice_count > 0 && std::find(option.choices, end, text) == end) {
      return Problem{"the option is none of its choices", &node};
    }
  }
  return std::nullopt;
}

std::optional<Problem> check_value(const grapnel_option& option, const ConfigNode& node) {
  if (!is_list(option.kind)) return check_item(option, node);
  if (node.kind() != Kind::kList) return Problem{"the option has the wrong kind", &node};
  const size_t count = node.items().size();
  if (count < option.min_items || (option.max_items != 0 && count > option.max_items)) {
    return Problem{"the option has the wrong number of items", &node};
  }
  for (const auto& item : node.items()) {
    if (auto problem = check_item(option, item)) return problem;
  }
  return std::nullopt;
}

std::string nearest_choice(const grapnel_option& option, const ConfigNode& node) {
  if (option.choice_count == 0 || node.kind() != Kind::kString) return {};
  return nearest_name(node.as_string(), {option.choices, option.choices + option.choice_count});
}

[[noreturn]] void fail(const Problem& problem, const grapnel_option& option, const std::string& path) {
  const std::string near = nearest_choice(option, *problem.at);
  throw Failure(
      FailureKind::kConfig,
      {problem.what, problem.at->source().text() + ", " + path + "." + option.name, shown(*problem.at),
       expectation(option), near.empty() ? "" : "did you mean \"" + near + "\"?"});
}

void refuse_unknown(const std::vector<grapnel_option>& table, const HookConfig& hook) {
  std::vector<std::string> names;
  for (const auto& option : table) names.emplace_back(option.name);
  for (const auto& [key, value] : hook.options.members()) {
    if (std::find(names.begin(), names.end(), key) != names.end()) continue;
    std::vector<std::string> candidates = names;
    for (const char* reserved : {"type", "priority", "on_error", "state_key", "sha256"})
      candidates.emplace_back(reserved);
    const std::string near = nearest_name(key, candidates);
    std::string known;
    for (const auto& name : names) known += (known.empty() ? "" : ", ") + name;
    throw Failure(FailureKind::kConfig,
                  {hook.type + " has no such option", value.source().text() + ", " + hook.path + "." + key,
                   "\"" + key + "\"", names.empty() ? "no options" : "one of " + known,
                   near.empty() ? "" : "did you mean \"" + near + "\"?"});
  }
}

ConfigNode default_of(const grapnel_option& option) {
  return parse_value(option.default_text, {"its default", 0});
}

}  // namespace

const char* option_kind_name(int32_t kind) {
  switch (kind) {
    case GRAPNEL_KIND_BOOL:
      return "bool";
    case GRAPNEL_KIND_INT:
      return "int";
    case GRAPNEL_KIND_FLOAT:
      return "float";
    case GRAPNEL_KIND_STRING:
      return "string";
    case GRAPNEL_KIND_BOOL_LIST:
      return "list of bools";
    case GRAPNEL_KIND_INT_LIST:
      return "list of ints";
    case GRAPNEL_KIND_FLOAT_LIST:
      return "list of floats";
    case GRAPNEL_KIND_STRING_LIST:
      return "list of strings";
    case GRAPNEL_KIND_TREE:
      return "tree";
    default:
      return "unknown kind";
  }
}

std::string option_limits(const grapnel_option& option) {
  std::string text;
  for (const std::string& part : {items_text(option), range_text(option), choices_text(option)}) {
    if (!part.empty()) text += (text.empty() ? "" : ", ") + part;
  }
  return text;
}

const char* OptionValues::keep(std::string text) {
  texts_.push_back(std::move(text));
  return texts_.back().c_str();
}

void OptionValues::append(const grapnel_option& option, const ConfigNode* node) {
  grapnel_value value{};
  value.struct_size = sizeof value;
  value.kind = option.kind;
  value.name = option.name;
  value.is_set = node != nullptr;
  if (node == nullptr) {
    values_.push_back(value);
    return;
  }
  switch (option.kind) {
    case GRAPNEL_KIND_BOOL:
      value.integer = node->as_bool() ? 1 : 0;
      break;
    case GRAPNEL_KIND_INT:
      value.integer = node->as_int();
      break;
    case GRAPNEL_KIND_FLOAT:
      value.number = node->as_float();
      break;
    case GRAPNEL_KIND_STRING:
      value.text = keep(node->as_string());
      break;
    case GRAPNEL_KIND_TREE:
      value.text = keep(node->to_json());
      break;
    case GRAPNEL_KIND_BOOL_LIST:
    case GRAPNEL_KIND_INT_LIST: {
      auto& kept = integers_.emplace_back();
      for (const auto& item : node->items()) {
        kept.push_back(option.kind == GRAPNEL_KIND_INT_LIST ? item.as_int() : item.as_bool());
      }
      value.integers = kept.data();
      break;
    }
    case GRAPNEL_KIND_FLOAT_LIST: {
      auto& kept = numbers_.emplace_back();
      for (const auto& item : node->items()) kept.push_back(item.as_float());
      value.numbers = kept.data();
      break;
    }
    case GRAPNEL_KIND_STRING_LIST: {
      auto& kept = text_lists_.emplace_back();
      for (const auto& item : node->items()) kept.push_back(keep(item.as_string()));
      value.texts = kept.data();
      break;
    }
    default:
      break;
  }
  if (is_list(option.kind)) value.count = node->items().size();
  values_.push_back(value);
}

OptionValues check_options(const std::vector<grapnel_option>& table, const HookConfig& hook) {
  refuse_unknown(table, hook);
  OptionValues values;
  for (const auto& option : table) {
    const ConfigNode* node = hook.options.find(option.name);
    if (node != nullptr) {
      if (const auto problem = check_value(option, *node)) fail(*problem, option, hook.path);
      values.append(option, node);
    } else if (option.presence == GRAPNEL_OPTION_DEFAULTED) {
      const ConfigNode fallback = default_of(option);
      values.append(option, &fallback);
    } else if (option.presence == GRAPNEL_OPTION_OPTIONAL) {
      values.append(option, nullptr);
    } else {
      throw Failure(FailureKind::kConfig, {hook.type + " needs the option \"" + option.name + "\"",
                                           hook.source.text() + ", " + hook.path + "." + option.name,
                                           "nothing", expectation(option), option.summary});
    }
  }
  return values;
}

std::string check_option_defaults(const std::vector<grapnel_option>& table) {
  for (const auto& option : table) {
    if (option.presence != GRAPNEL_OPTION_DEFAULTED) continue;
    const std::string subject = std::string("the default of its option \"") + option.name + "\"";
    try {
      const ConfigNode fallback = default_of(option);
      if (const auto problem = check_value(option, fallback)) {
        return subject + " is not allowed by its own table: got " + shown(*problem->at) + ", expected " +
               expectation(option);
      }
    } catch (const Failure& failure) {
      return subject + " cannot be read: " + failure.what();
    }
  }
  return {};
}

}  // namespace grapnel
