// Where the time of a recording went, by name: a table for people.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "recording.hpp"

namespace profiler {

struct OperatorRow {
  std::string name;
  int64_t calls = 0;
  int64_t total_ns = 0;  // inside its ranges; one inside another of the same name counts once
  int64_t self_ns = 0;   // the same without what other ranges inside of them took
};

enum class SortBy { kSelf, kTotal, kAverage, kCalls };

// A row a name, over all threads, the largest first. The training thread's time outside of every range is the
// row
// "(outside of ranges)".
std::vector<OperatorRow> operator_rows(const Recording& recording, SortBy sort_by);

// The first `limit` rows (0: all) as lines, with a header, and the rest as one; shares are of the recording's
// time.
std::vector<std::string> operator_table(const Recording& recording, SortBy sort_by, size_t limit);

}  // namespace profiler
