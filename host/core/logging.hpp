// Sets spdlog up for the process: lines on stderr, and in files as they are added. Results and tables go to
// stdout, so that a log never mixes with what a script reads.
#pragma once

#include <string>

namespace grapnel {

struct LogOptions {
  std::string level = "INFO";  // DEBUG, INFO, WARNING, ERROR, CRITICAL
};

// Log calls (spdlog::info and its like) then write MMEngine's form from any thread:
//   2026/01/31 12:00:00 - grapnel - INFO - text
// every line flushed, levels below `level` left out. A place that cannot be written to (a full disk) is
// reported once on stderr; it never stops the run, nor what goes to the other places. May be called again,
// while no other thread logs: files added before are closed. Failure(kConfig) for an unknown level.
void set_up_logging(const LogOptions& options);

// Also appends every line to `path`, made with its folder. After set_up_logging, from any thread.
// Failure(kRun) if it cannot be opened.
void add_log_file(const std::string& path);

}  // namespace grapnel
