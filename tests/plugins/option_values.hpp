// Options for a hook under test: the plugin's own table read with the test's texts over its defaults.
#pragma once

#include <grapnel/options.h>

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

namespace grapnel::testing {

// Option name -> value as one writes it in the config: {"interval", "10"}, {"img_scale", "[320, 480]"},
// {"rule", "\"greater\""}; a tree is given as JSON text.
using Options = std::map<std::string, std::string>;

class OptionValues {
 public:
  // Throws std::invalid_argument, with a text that names the option, for an unknown name, a missing required
  // one, a text that is no value of the kind, and a value outside range, choices or number of items.
  OptionValues(const grapnel_option* table, uint64_t count, uint64_t row_size, const Options& given);
  OptionValues(const OptionValues&) = delete;
  OptionValues& operator=(const OptionValues&) = delete;

  const grapnel_value* data() const { return values_.data(); }
  uint64_t count() const { return values_.size(); }

 private:
  grapnel_value read(const grapnel_option& option, const std::string& text);

  std::vector<grapnel_value> values_;
  // Owners of what the values point to; deques keep addresses.
  std::deque<std::string> texts_;
  std::deque<std::vector<int64_t>> integers_;
  std::deque<std::vector<double>> numbers_;
  std::deque<std::vector<const char*>> text_lists_;
};

}  // namespace grapnel::testing
