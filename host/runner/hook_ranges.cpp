#include "runner/hook_ranges.hpp"

#include <spdlog/spdlog.h>

#include <exception>

namespace grapnel::runner {

// A profiler's own failure must not end the run: the range is left out.
void HookRanges::begin(const char* instance_key, const char* point) noexcept {
  try {
    open_.push_back(nullptr);
    auto range = std::make_unique<at::RecordFunction>(at::RecordScope::USER_SCOPE);
    if (range->isActive()) range->before(std::string("hook ") + instance_key + " " + point);
    open_.back() = std::move(range);
  } catch (const std::exception& error) {
    spdlog::debug("no range for {} {}: {}", instance_key, point, error.what());
  }
}

void HookRanges::end() noexcept {
  if (!open_.empty()) open_.pop_back();
}

}  // namespace grapnel::runner
