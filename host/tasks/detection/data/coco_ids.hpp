// Finds the place of an id in a list: COCO's ids are any integers, mostly a nearly gapless range.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace grapnel::detection::data {

class IdIndex {
 public:
  IdIndex() = default;
  // Of an id that occurs more than once the first place counts.
  explicit IdIndex(const std::vector<int64_t>& ids);

  // -1: not in the list.
  int64_t find(int64_t id) const {
    if (!table_.empty()) {
      const uint64_t at = static_cast<uint64_t>(id) - static_cast<uint64_t>(lowest_);
      return at < table_.size() ? table_[at] : -1;
    }
    return find_sorted(id);
  }
  bool has(int64_t id) const { return find(id) >= 0; }

 private:
  int64_t find_sorted(int64_t id) const;

  int64_t lowest_ = 0;
  std::vector<int32_t> table_;                       // by id - lowest_; -1: a gap
  std::vector<std::pair<int64_t, int32_t>> sorted_;  // instead of the table where it would be mostly gaps
};

// True when an id occurs more than once.
bool has_duplicate(std::vector<int64_t> ids);

}  // namespace grapnel::detection::data
