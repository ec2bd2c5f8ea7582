#include "conformance/option_texts.hpp"

#include <utility>

#include "core/config_text.hpp"

namespace grapnel::conformance {
namespace {

bool is_tree(const std::vector<grapnel_option>& table, const std::string& name) {
  for (const grapnel_option& option : table) {
    if (name == option.name) return option.kind == GRAPNEL_KIND_TREE;
  }
  return false;
}

}  // namespace

OptionValues read_option_texts(const std::vector<grapnel_option>& table, const OptionTexts& given) {
  ConfigNode values = ConfigNode::table();
  for (const auto& [name, text] : given) {
    const Source source{"option " + name, 0};
    values.set(name, is_tree(table, name) ? parse_json(text, source) : parse_value(text, source));
  }
  return read_option_table(table, values);
}

OptionValues read_option_table(const std::vector<grapnel_option>& table, const ConfigNode& given) {
  HookConfig hook;
  hook.type = "the hook";
  hook.path = "options";
  hook.options = given;
  return check_options(table, hook);
}

}  // namespace grapnel::conformance
