#include "option_values.hpp"

#include <stdexcept>

namespace grapnel::testing {

namespace {

[[noreturn]] void refuse(const grapnel_option& option, const std::string& why) {
  throw std::invalid_argument("option '" + std::string(option.name) + "': " + why);
}

std::string trimmed(const std::string& text) {
  const size_t first = text.find_first_not_of(" \t\n");
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t\n") - first + 1);
}

int64_t read_integer(const grapnel_option& option, const std::string& text) {
  size_t used = 0;
  int64_t value = 0;
  try {
    value = std::stoll(text, &used);
  } catch (const std::exception&) {
    used = 0;
  }
  if (used == 0 || used != text.size()) refuse(option, "'" + text + "' is no integer");
  if (static_cast<double>(value) < option.min || static_cast<double>(value) > option.max) {
    refuse(option, text + " is out of range");
  }
  return value;
}

double read_number(const grapnel_option& option, const std::string& text) {
  size_t used = 0;
  double value = 0;
  try {
    value = std::stod(text, &used);
  } catch (const std::exception&) {
    used = 0;
  }
  if (used == 0 || used != text.size()) refuse(option, "'" + text + "' is no number");
  if (value < option.min || value > option.max) refuse(option, text + " is out of range");
  return value;
}

int64_t read_boolean(const grapnel_option& option, const std::string& text) {
  if (text != "true" && text != "false") refuse(option, "'" + text + "' is no boolean");
  return text == "true" ? 1 : 0;
}

std::string read_text(const grapnel_option& option, const std::string& text) {
  if (text.size() < 2 || text.front() != '"' || text.back() != '"')
    refuse(option, text + " is no quoted string");
  const std::string value = text.substr(1, text.size() - 2);
  bool known = option.choices == nullptr;
  for (uint64_t i = 0; !known && i < option.choice_count; ++i) known = value == option.choices[i];
  if (!known) refuse(option, "'" + value + "' is none of its choices");
  return value;
}

std::vector<std::string> list_items(const grapnel_option& option, const std::string& text) {
  if (text.size() < 2 || text.front() != '[' || text.back() != ']') refuse(option, text + " is no list");
  std::vector<std::string> items;
  std::string item;
  bool quoted = false;
  for (const char c : text.substr(1, text.size() - 2)) {
    if (c == '"') quoted = !quoted;
    if (c == ',' && !quoted) {
      items.push_back(trimmed(item));
      item.clear();
    } else {
      item += c;
    }
  }
  if (!trimmed(item).empty()) items.push_back(trimmed(item));
  if (items.size() < option.min_items || (option.max_items != 0 && items.size() > option.max_items)) {
    refuse(option, text + " has the wrong number of items");
  }
  return items;
}

}  // namespace

OptionValues::OptionValues(const grapnel_option* table, uint64_t count, uint64_t row_size,
                           const Options& given) {
  Options left = given;
  const auto* at = reinterpret_cast<const char*>(table);
  for (uint64_t i = 0; i < count; ++i, at += row_size) {
    const auto& option = *reinterpret_cast<const grapnel_option*>(at);
    const auto found = left.find(option.name);
    if (found != left.end()) {
      values_.push_back(read(option, trimmed(found->second)));
      left.erase(found);
    } else if (option.presence == GRAPNEL_OPTION_DEFAULTED) {
      values_.push_back(read(option, trimmed(option.default_text)));
    } else if (option.presence == GRAPNEL_OPTION_REQUIRED) {
      refuse(option, "is required");
    } else {
      grapnel_value absent{};
      absent.struct_size = sizeof absent;
      absent.kind = option.kind;
      absent.name = option.name;
      values_.push_back(absent);
    }
  }
  if (!left.empty()) throw std::invalid_argument("unknown option '" + left.begin()->first + "'");
}

grapnel_value OptionValues::read(const grapnel_option& option, const std::string& text) {
  grapnel_value value{};
  value.struct_size = sizeof value;
  value.kind = option.kind;
  value.name = option.name;
  value.is_set = 1;
  switch (option.kind) {
    case GRAPNEL_KIND_BOOL:
      value.integer = read_boolean(option, text);
      break;
    case GRAPNEL_KIND_INT:
      value.integer = read_integer(option, text);
      break;
    case GRAPNEL_KIND_FLOAT:
      value.number = read_number(option, text);
      break;
    case GRAPNEL_KIND_STRING:
      texts_.push_back(read_text(option, text));
      value.text = texts_.back().c_str();
      break;
    case GRAPNEL_KIND_TREE:
      texts_.push_back(text);
      value.text = texts_.back().c_str();
      break;
    case GRAPNEL_KIND_BOOL_LIST:
    case GRAPNEL_KIND_INT_LIST: {
      auto& list = integers_.emplace_back();
      for (const auto& item : list_items(option, text)) {
        list.push_back(option.kind == GRAPNEL_KIND_INT_LIST ? read_integer(option, item)
                                                            : read_boolean(option, item));
      }
      value.integers = list.data();
      value.count = list.size();
      break;
    }
    case GRAPNEL_KIND_FLOAT_LIST: {
      auto& list = numbers_.emplace_back();
      for (const auto& item : list_items(option, text)) list.push_back(read_number(option, item));
      value.numbers = list.data();
      value.count = list.size();
      break;
    }
    case GRAPNEL_KIND_STRING_LIST: {
      auto& list = text_lists_.emplace_back();
      for (const auto& item : list_items(option, text)) {
        texts_.push_back(read_text(option, item));
        list.push_back(texts_.back().c_str());
      }
      value.texts = list.data();
      value.count = list.size();
      break;
    }
    default:
      refuse(option, "is of an unknown kind");
  }
  return value;
}

}  // namespace grapnel::testing
