// Options written as one writes them in a config, checked and typed by the host's own code.
#pragma once

#include <grapnel/options.h>

#include <map>
#include <string>
#include <vector>

#include "core/option_check.hpp"

namespace grapnel::conformance {

// Option name -> value: {"interval", "10"}, {"img_scale", "[320, 480]"}, {"rule", "\"greater\""}; a tree is
// given as JSON text.
using OptionTexts = std::map<std::string, std::string>;

// Failure(kConfig), naming the option, for an unknown name, a missing required one, a text that is no value
// of the kind, and a value outside range, choices or number of items.
OptionValues read_option_texts(const std::vector<grapnel_option>& table, const OptionTexts& given);

// The same for values that are read already: a table of option names.
OptionValues read_option_table(const std::vector<grapnel_option>& table, const ConfigNode& given);

}  // namespace grapnel::conformance
