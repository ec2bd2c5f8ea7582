#include "tasks/detection/data/coco_ids.hpp"

#include <algorithm>
#include <cstddef>
#include <functional>

namespace grapnel::detection::data {

IdIndex::IdIndex(const std::vector<int64_t>& ids) {
  if (ids.empty()) return;
  const auto [lowest, highest] = std::minmax_element(ids.begin(), ids.end());
  lowest_ = *lowest;
  const uint64_t range = static_cast<uint64_t>(*highest) - static_cast<uint64_t>(*lowest);
  if (range < 8 * ids.size() + 1024) {
    table_.assign(static_cast<size_t>(range) + 1, -1);
    for (size_t i = ids.size(); i-- > 0;) {
      table_[static_cast<uint64_t>(ids[i]) - static_cast<uint64_t>(lowest_)] = static_cast<int32_t>(i);
    }
    return;
  }
  sorted_.reserve(ids.size());
  for (size_t i = 0; i < ids.size(); ++i) sorted_.emplace_back(ids[i], static_cast<int32_t>(i));
  std::sort(sorted_.begin(), sorted_.end());
}

int64_t IdIndex::find_sorted(int64_t id) const {
  const auto at = std::lower_bound(sorted_.begin(), sorted_.end(), std::make_pair(id, int32_t{-1}));
  return at != sorted_.end() && at->first == id ? at->second : -1;
}

bool has_duplicate(std::vector<int64_t> ids) {
  if (std::adjacent_find(ids.begin(), ids.end(), std::greater_equal<>()) == ids.end()) return false;
  std::sort(ids.begin(), ids.end());
  return std::adjacent_find(ids.begin(), ids.end()) != ids.end();
}

}  // namespace grapnel::detection::data
