// Checks a hook's config table against the option table of its plugin and makes the typed values that the
// plugin gets. A hook never sees the config itself.
#pragma once

#include <grapnel/options.h>

#include <deque>
#include <string>
#include <vector>

#include "core/hook_config.hpp"

namespace grapnel {

// One value an option, in the table's order, with the memory they point to.
class OptionValues {
 public:
  OptionValues() = default;
  OptionValues(OptionValues&&) = default;
  OptionValues& operator=(OptionValues&&) = default;
  OptionValues(const OptionValues&) = delete;
  OptionValues& operator=(const OptionValues&) = delete;

  const grapnel_value* data() const { return values_.data(); }
  size_t size() const { return values_.size(); }
  const grapnel_value& operator[](size_t i) const { return values_[i]; }

  // Appends the value of `option` that `node` holds (null: not set). The node must have been checked.
  void append(const grapnel_option& option, const ConfigNode* node);

 private:
  const char* keep(std::string text);

  std::vector<grapnel_value> values_;
  // Deques: what is kept stays where it is.
  std::deque<std::string> texts_;
  std::deque<std::vector<int64_t>> integers_;
  std::deque<std::vector<double>> numbers_;
  std::deque<std::vector<const char*>> text_lists_;
};

// Failure(kConfig) with file, line and dotted path for an unknown option (naming the nearest), a missing
// required one, a wrong kind, a value out of range or not among the choices, a wrong number of items.
OptionValues check_options(const std::vector<grapnel_option>& table, const HookConfig& hook);

// Why a default of the table is not one that the table itself allows; "" if all are fine.
std::string check_option_defaults(const std::vector<grapnel_option>& table);

// "bool", "int", "list of floats", "tree".
const char* option_kind_name(int32_t kind);
// "1 or more", "0 to 1", "one of "a", "b""; "" if anything goes.
std::string option_limits(const grapnel_option& option);

}  // namespace grapnel
