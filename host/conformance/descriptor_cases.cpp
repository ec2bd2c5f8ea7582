// What the plugin says about itself: descriptor and option table.
#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstring>
#include <map>

#include "conformance/cases.hpp"
#include "conformance/plugin_under_test.hpp"
#include "core/descriptor_check.hpp"
#include "core/failure.hpp"
#include "core/option_check.hpp"

namespace grapnel::conformance {
namespace {

bool is_one_line(const char* text) { return *text != '\0' && std::strpbrk(text, "\n\r") == nullptr; }

// As two names look to someone who types them from memory.
std::string spoken(const char* name) {
  std::string text;
  for (; *name != '\0'; ++name) {
    if (*name != '_') text += static_cast<char>(std::tolower(static_cast<unsigned char>(*name)));
  }
  return text;
}

// True if the host's check refuses the value for this option; all required ones are left out of `table`.
bool is_refused(const grapnel_option& option, ConfigNode value) {
  HookConfig hook;
  hook.type = "the hook";
  hook.path = "custom_hooks.0";
  hook.options = ConfigNode::table();
  hook.options.set(option.name, std::move(value));
  try {
    check_options({option}, hook);
    return false;
  } catch (const Failure&) {
    return true;
  }
}

// A value of another kind than any option but a tree takes: nested tables.
ConfigNode of_another_kind() { return ConfigNode::table({{"a", ConfigNode::table()}}); }

int32_t item_kind(const grapnel_option& option) {
  return option.kind >= GRAPNEL_KIND_BOOL_LIST && option.kind <= GRAPNEL_KIND_STRING_LIST
             ? option.kind - GRAPNEL_KIND_BOOL_LIST + GRAPNEL_KIND_BOOL
             : option.kind;
}

bool is_list(const grapnel_option& option) { return item_kind(option) != option.kind; }

// `item` for a plain option, a list of the least allowed length of it for a list.
ConfigNode shaped(const grapnel_option& option, const ConfigNode& item) {
  if (!is_list(option)) return item;
  return ConfigNode::list(std::vector<ConfigNode>(std::max<size_t>(1, option.min_items), item));
}

ConfigNode number_for(const grapnel_option& option, double value) {
  return shaped(option, item_kind(option) == GRAPNEL_KIND_INT
                            ? ConfigNode::integer(static_cast<int64_t>(value))
                            : ConfigNode::number(value));
}

bool is_number(const grapnel_option& option) {
  return item_kind(option) == GRAPNEL_KIND_INT || item_kind(option) == GRAPNEL_KIND_FLOAT;
}

// Beyond 2^53 a double no longer tells one integer from the next.
constexpr double kWholeNumbers = 9007199254740992.0;

std::string problem_of(const grapnel_option& option) {
  const std::string it = std::string("its option \"") + option.name + "\" ";
  if (option.kind != GRAPNEL_KIND_TREE && !is_refused(option, of_another_kind()))
    return it + "takes a table, which is of another kind";
  if (is_number(option)) {
    if (std::isfinite(option.min) && std::abs(option.min) < kWholeNumbers &&
        !is_refused(option, number_for(option, std::floor(option.min) - 1)))
      return it + "takes less than its min";
    if (std::isfinite(option.max) && std::abs(option.max) < kWholeNumbers &&
        !is_refused(option, number_for(option, std::ceil(option.max) + 1)))
      return it + "takes more than its max";
    if (item_kind(option) == GRAPNEL_KIND_INT && std::floor(option.max) < std::ceil(option.min))
      return it + "takes no value: there is no integer between its bounds";
  }
  std::map<std::string, std::string> choices;
  for (uint64_t i = 0; i < option.choice_count; ++i) {
    const auto [other, is_new] = choices.emplace(spoken(option.choices[i]), option.choices[i]);
    if (!is_new)
      return it + "lists the choices \"" + other->second + "\" and \"" + option.choices[i] +
             "\", which read alike";
  }
  if (option.choice_count > 0 &&
      !is_refused(option, shaped(option, ConfigNode::string("no such choice, surely"))))
    return it + "takes what is none of its choices";
  return {};
}

}  // namespace

CaseResult descriptor(const CaseInput& input) {
  const grapnel_plugin& plugin = load_descriptor(input);
  const std::string problem = check_header_and_vtable(plugin);
  if (!problem.empty()) return failed(problem);
  if (plugin.version[0] == '\0') return failed("its descriptor has no version: expected one like \"1.2.0\"");
  if (!is_one_line(plugin.version)) return failed("its version is more than one line");
  if (!is_one_line(plugin.summary)) return failed("its descriptor needs a summary of one line");
  if (std::strlen(plugin.torch_version) >= sizeof(grapnel_note::torch_version))
    return failed("its torch_version has more than 31 bytes");
  return passed();
}

CaseResult options(const CaseInput& input) {
  const grapnel_plugin& plugin = load_descriptor(input);
  const std::string problem = check_option_table(plugin);
  if (!problem.empty()) return failed(problem);
  const auto table = known_options(plugin);
  for (const grapnel_option& option : table) {
    if (!is_one_line(option.summary))
      return failed(std::string("its option \"") + option.name + "\" needs a meaning of one line");
  }
  const std::string bad_default = check_option_defaults(table);
  return bad_default.empty() ? passed() : failed(bad_default);
}

CaseResult options_refusal(const CaseInput& input) {
  const PluginUnderTest plugin = load_plugin(input);
  std::map<std::string, std::string> names;
  for (const grapnel_option& option : plugin.options) {
    const auto [other, is_new] = names.emplace(spoken(option.name), option.name);
    if (!is_new)
      return failed("its options \"" + other->second + "\" and \"" + option.name +
                    "\" differ in case or '_' only: a config that mixes them up would not be refused");
    const std::string problem = problem_of(option);
    if (!problem.empty()) return failed(problem);
    if (!is_refused(option, ConfigNode()) && option.kind != GRAPNEL_KIND_TREE)
      return failed(std::string("its option \"") + option.name + "\" takes nothing for a value");
  }
  HookConfig hook;
  hook.options = ConfigNode::table({{"no_such_option", ConfigNode::integer(1)}});
  try {
    check_options(plugin.options, hook);
    return failed("the unknown option \"no_such_option\" is taken");
  } catch (const Failure&) {
    return passed();
  }
}

}  // namespace grapnel::conformance
