// The services that plugins may ask for, by id. Core only carries the pointers: what they point to is
// filled in by the services room.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace grapnel {

class ServiceTable {
 public:
  // `table` must outlive every hook. A second entry under one id replaces the first.
  void add(std::string id, const void* table) { tables_[std::move(id)] = table; }
  const void* find(std::string_view id) const {
    const auto found = tables_.find(id);
    return found == tables_.end() ? nullptr : found->second;
  }

 private:
  std::map<std::string, const void*, std::less<>> tables_;
};

}  // namespace grapnel
