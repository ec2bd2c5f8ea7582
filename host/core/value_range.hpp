// The ranges of numbers in the config.
#pragma once

#include <cstdint>
#include <limits>

namespace grapnel {

struct IntRange {
  int64_t min = std::numeric_limits<int64_t>::min();
  int64_t max = std::numeric_limits<int64_t>::max();
};
struct FloatRange {
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  bool min_open = false;  // true: min itself is refused
  bool max_open = false;  // true: max itself is refused
};

}  // namespace grapnel
