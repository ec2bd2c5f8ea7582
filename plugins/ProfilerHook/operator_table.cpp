#include "operator_table.hpp"

#include <algorithm>
#include <cstdio>

namespace profiler {
namespace {

// A range that is open while one walks along a thread's time.
struct Open {
  const Range* range;
  int64_t inside_ns = 0;  // what ranges right inside of it took
};

class Sums {
 public:
  explicit Sums(const Recording& recording) : rows_(recording.names.size()), depth_(recording.names.size()) {
    for (size_t i = 0; i < rows_.size(); ++i) rows_[i].name = recording.names[i];
  }

  // Gives the time that the outermost ranges covered.
  int64_t add(const Thread& thread) {
    std::vector<const Range*> ranges;
    for (const Range& range : thread.ranges) ranges.push_back(&range);
    // Of two that begin together the one that ended later is the outer one; they come in the order of their
    // ends.
    std::reverse(ranges.begin(), ranges.end());
    std::stable_sort(ranges.begin(), ranges.end(), [](const Range* a, const Range* b) {
      return a->start_ns != b->start_ns ? a->start_ns < b->start_ns : a->end_ns > b->end_ns;
    });
    std::vector<Open> open;
    int64_t covered_ns = 0;
    const auto close = [&] {
      const Open last = open.back();
      open.pop_back();
      const int64_t took_ns = last.range->end_ns - last.range->start_ns;
      OperatorRow& row = rows_[last.range->name];
      row.calls += 1;
      row.self_ns += took_ns - last.inside_ns;
      if (--depth_[last.range->name] == 0) row.total_ns += took_ns;
      (open.empty() ? covered_ns : open.back().inside_ns) += took_ns;
    };
    for (const Range* range : ranges) {
      while (!open.empty() && open.back().range->end_ns <= range->start_ns) close();
      ++depth_[range->name];
      open.push_back({range});
    }
    while (!open.empty()) close();
    return covered_ns;
  }

  std::vector<OperatorRow> take() { return std::move(rows_); }

 private:
  std::vector<OperatorRow> rows_;
  std::vector<int> depth_;  // open ranges of the name
};

double sort_key(const OperatorRow& row, SortBy sort_by) {
  switch (sort_by) {
    case SortBy::kTotal:
      return static_cast<double>(row.total_ns);
    case SortBy::kAverage:
      return static_cast<double>(row.total_ns) / static_cast<double>(std::max<int64_t>(1, row.calls));
    case SortBy::kCalls:
      return static_cast<double>(row.calls);
    case SortBy::kSelf:
      break;
  }
  return static_cast<double>(row.self_ns);
}

std::string line_of(const OperatorRow& row, double all_ns) {
  const auto ms = [](int64_t ns) { return static_cast<double>(ns) * 1e-6; };
  const double share = all_ns > 0 ? 100.0 / all_ns : 0;
  std::string name = row.name;
  constexpr size_t kWidth = 56;
  if (name.size() > kWidth) name = name.substr(0, kWidth - 3) + "...";
  name.resize(kWidth, ' ');
  char numbers[128];
  std::snprintf(
      numbers, sizeof numbers, " %9lld %11.3f %6.2f %% %11.3f %6.2f %% %11.2f",
      static_cast<long long>(row.calls), ms(row.self_ns), static_cast<double>(row.self_ns) * share,
      ms(row.total_ns), static_cast<double>(row.total_ns) * share,
      static_cast<double>(row.total_ns) * 1e-3 / static_cast<double>(std::max<int64_t>(1, row.calls)));
  return name + numbers;
}

}  // namespace

std::vector<OperatorRow> operator_rows(const Recording& recording, SortBy sort_by) {
  Sums sums(recording);
  int64_t training_ns = 0;
  for (const Thread& thread : recording.threads) {
    const int64_t covered_ns = sums.add(thread);
    if (thread.id == recording.training_thread) training_ns = covered_ns;
  }
  std::vector<OperatorRow> rows = sums.take();
  rows.erase(std::remove_if(rows.begin(), rows.end(), [](const OperatorRow& row) { return row.calls == 0; }),
             rows.end());
  const int64_t outside_ns = std::max<int64_t>(0, recording.end_ns - recording.start_ns - training_ns);
  rows.push_back({"(outside of ranges)", 1, outside_ns, outside_ns});
  std::stable_sort(rows.begin(), rows.end(), [&](const OperatorRow& a, const OperatorRow& b) {
    return sort_key(a, sort_by) > sort_key(b, sort_by);
  });
  return rows;
}

std::vector<std::string> operator_table(const Recording& recording, SortBy sort_by, size_t limit) {
  const auto rows = operator_rows(recording, sort_by);
  const auto all_ns = static_cast<double>(recording.end_ns - recording.start_ns);
  std::vector<std::string> lines;
  lines.push_back(
      "range                                                        calls     self ms    share"
      "    total ms    share     mean us");
  const size_t shown = limit == 0 ? rows.size() : std::min(limit, rows.size());
  for (size_t i = 0; i < shown; ++i) lines.push_back(line_of(rows[i], all_ns));
  if (shown == rows.size()) return lines;
  OperatorRow rest{"(" + std::to_string(rows.size() - shown) + " more)", 0, 0, 0};
  for (size_t i = shown; i < rows.size(); ++i) {
    rest.calls += rows[i].calls;
    rest.self_ns += rows[i].self_ns;
    rest.total_ns += rows[i].self_ns;
  }
  lines.push_back(line_of(rest, all_ns));
  return lines;
}

}  // namespace profiler
