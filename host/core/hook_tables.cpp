// What a run says about its hooks: the resolved order at the start, the time they took at the end.
#include <algorithm>
#include <cstdio>

#include "core/hook_host_impl.hpp"

namespace grapnel {

std::string HookHost::order_table() const {
  std::string text;
  for (size_t p = 0; p < kPoints.size(); ++p) {
    if (impl_->points[p].empty()) continue;
    text += std::string(kPoints[p].name) + ": ";
    bool first = true;
    for (const auto& call : impl_->points[p]) {
      text += (first ? "" : ", ") + call.instance->key + " (" + std::to_string(call.instance->priority) + ")";
      first = false;
    }
    text += '\n';
  }
  return text;
}

std::string HookHost::time_table() const {
  struct Row {
    const std::string* hook;
    const char* point;
    uint64_t calls;
    double seconds;
  };
  const double tick_s = impl_->watch.clock.seconds_per_tick();
  std::vector<Row> rows;
  size_t hook_width = 4, point_width = 5;
  for (const auto& instance : impl_->instances) {
    for (size_t p = 0; p < kPoints.size(); ++p) {
      const CallTime& time = instance->times[p];
      if (time.calls == 0) continue;
      rows.push_back({&instance->key, kPoints[p].name, time.calls, static_cast<double>(time.ticks) * tick_s});
      hook_width = std::max(hook_width, instance->key.size());
      point_width = std::max(point_width, std::string(kPoints[p].name).size());
    }
  }
  if (rows.empty()) return {};
  std::stable_sort(rows.begin(), rows.end(),
                   [](const Row& a, const Row& b) { return a.seconds > b.seconds; });

  const auto padded = [](std::string cell, size_t width) {
    cell.resize(std::max(width, cell.size()), ' ');
    return cell;
  };
  std::string text = padded("hook", hook_width) + "  " + padded("point", point_width) +
                     "       calls      total ms       mean us\n";
  for (const Row& row : rows) {
    char numbers[96];
    std::snprintf(numbers, sizeof numbers, "  %10llu  %12.3f  %12.3f\n",
                  static_cast<unsigned long long>(row.calls), row.seconds * 1e3,
                  row.seconds * 1e6 / static_cast<double>(row.calls));
    text += padded(*row.hook, hook_width) + "  " + padded(row.point, point_width) + numbers;
  }
  return text;
}

}  // namespace grapnel
