#include "conformance/option_draws.hpp"

#include <algorithm>
#include <cmath>

#include "core/config_text.hpp"

namespace grapnel::conformance {
namespace {

constexpr const char* kWords[] = {"accuracy", "coco/bbox_mAP", "loss", "auto", "train", "val", "backbone"};
constexpr const char* kTrees[] = {"\"accuracy\"", "[\"accuracy\", \"loss\"]", "[]", "{}", "1",
                                  "true",         "[{\"type\": \"Resize\"}]"};

bool is_list(int32_t kind) { return kind >= GRAPNEL_KIND_BOOL_LIST && kind <= GRAPNEL_KIND_STRING_LIST; }

// What an integer may be, as far as a double tells one from the next.
double least_integer(const grapnel_option& option) { return std::max(std::ceil(option.min), -9e15); }
double greatest_integer(const grapnel_option& option) { return std::min(std::floor(option.max), 9e15); }

int64_t pick(CounterRng& rng, size_t count) { return rng.integer(0, static_cast<int64_t>(count) - 1); }

// Small numbers are where a hook does something within a short run; the bounds themselves are tried too.
ConfigNode draw_integer(const grapnel_option& option, CounterRng& rng) {
  const double low = least_integer(option), high = greatest_integer(option);
  const auto from = static_cast<int64_t>(std::isfinite(option.min) ? low : std::min(-1.0, high));
  const auto to = static_cast<int64_t>(std::min(high, static_cast<double>(from) + 12));
  if (rng.chance(0.1)) return ConfigNode::integer(static_cast<int64_t>(rng.chance(0.5) ? low : high));
  return ConfigNode::integer(rng.integer(from, std::max(from, to)));
}

ConfigNode draw_number(const grapnel_option& option, CounterRng& rng) {
  const double low = std::isfinite(option.min) ? option.min : std::min(0.0, option.max);
  const double high = std::isfinite(option.max) ? option.max : std::max(low + 1, 1.0);
  if (rng.chance(0.1)) return ConfigNode::number(rng.chance(0.5) ? low : high);
  return ConfigNode::number(rng.uniform(low, std::min(high, low + 10)));
}

ConfigNode draw_item(const grapnel_option& option, int32_t kind, CounterRng& rng) {
  switch (kind) {
    case GRAPNEL_KIND_BOOL:
      return ConfigNode::boolean(rng.chance(0.5));
    case GRAPNEL_KIND_INT:
      return draw_integer(option, rng);
    case GRAPNEL_KIND_FLOAT:
      return draw_number(option, rng);
    case GRAPNEL_KIND_STRING:
      if (option.choice_count > 0) return ConfigNode::string(option.choices[pick(rng, option.choice_count)]);
      return ConfigNode::string(kWords[pick(rng, std::size(kWords))]);
    default:
      return parse_json(kTrees[pick(rng, std::size(kTrees))]);
  }
}

ConfigNode draw_value(const grapnel_option& option, CounterRng& rng) {
  if (!is_list(option.kind)) return draw_item(option, option.kind, rng);
  const auto least = static_cast<int64_t>(option.min_items);
  const int64_t most = option.max_items != 0
                           ? static_cast<int64_t>(std::min(option.max_items, option.min_items + 3))
                           : least + 3;
  std::vector<ConfigNode> items;
  const int64_t count = rng.integer(least, most);
  const int32_t kind = option.kind - GRAPNEL_KIND_BOOL_LIST + GRAPNEL_KIND_BOOL;
  for (int64_t i = 0; i < count; ++i) items.push_back(draw_item(option, kind, rng));
  return ConfigNode::list(std::move(items));
}

ConfigNode extreme_item(const grapnel_option& option, int32_t kind, bool greatest) {
  switch (kind) {
    case GRAPNEL_KIND_BOOL:
      return ConfigNode::boolean(greatest);
    case GRAPNEL_KIND_INT:
      return ConfigNode::integer(
          static_cast<int64_t>(greatest ? greatest_integer(option) : least_integer(option)));
    case GRAPNEL_KIND_FLOAT:
      if (greatest) return ConfigNode::number(std::min(option.max, 1e300));
      return ConfigNode::number(std::max(option.min, -1e300));
    case GRAPNEL_KIND_STRING:
      if (option.choice_count > 0)
        return ConfigNode::string(option.choices[greatest ? option.choice_count - 1 : 0]);
      return ConfigNode::string(greatest ? std::string(4096, 'w') : "");
    default:
      return parse_json(greatest ? "[[[[{}]]]]" : "0");
  }
}

ConfigNode extreme_value(const grapnel_option& option, bool greatest) {
  if (!is_list(option.kind)) return extreme_item(option, option.kind, greatest);
  const uint64_t longest = option.max_items != 0 ? option.max_items : option.min_items + 100;
  const uint64_t count = greatest ? std::min<uint64_t>(longest, 10'000) : option.min_items;
  const int32_t kind = option.kind - GRAPNEL_KIND_BOOL_LIST + GRAPNEL_KIND_BOOL;
  return ConfigNode::list(std::vector<ConfigNode>(count, extreme_item(option, kind, greatest)));
}

}  // namespace

ConfigNode draw_required_options(const std::vector<grapnel_option>& table, const ConfigNode& given,
                                 CounterRng& rng) {
  ConfigNode values = given;
  for (const grapnel_option& option : table) {
    if (option.presence == GRAPNEL_OPTION_REQUIRED && given.find(option.name) == nullptr)
      values.set(option.name, draw_value(option, rng));
  }
  return values;
}

ConfigNode draw_options(const std::vector<grapnel_option>& table, const ConfigNode& given, CounterRng& rng) {
  ConfigNode values = draw_required_options(table, given, rng);
  for (const grapnel_option& option : table) {
    if (values.find(option.name) == nullptr && rng.chance(0.5))
      values.set(option.name, draw_value(option, rng));
  }
  return values;
}

ConfigNode extreme_options(const std::vector<grapnel_option>& table, const ConfigNode& given, bool greatest) {
  ConfigNode values = given;
  for (const grapnel_option& option : table) {
    if (given.find(option.name) == nullptr) values.set(option.name, extreme_value(option, greatest));
  }
  return values;
}

}  // namespace grapnel::conformance
