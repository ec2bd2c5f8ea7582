// A recording as a Chrome trace, which Perfetto (ui.perfetto.dev) and chrome://tracing open.
#pragma once

#include <string>

#include "recording.hpp"

namespace profiler {

// Complete events ("ph": "X") with times in microseconds, names of process and threads, arrows from forward
// to backward operators, and a counter of the memory. Replaces the file whole or not at all; folders are
// made. Throws std::runtime_error naming the file.
void write_chrome_trace(const std::string& path, const Recording& recording);

}  // namespace profiler
