// Sets spdlog up for the process: lines on stderr, and in files as they are added. Results go to stdout, so that
// a log never mixes with what a script reads.
#pragma once

#include <string>

namespace grapnel {

struct LogOptions {
  std::string level = "INFO";  // DEBUG, INFO, WARNING, ERROR
};

// MMEngine's form: `2026/01/31 12:00:00 - grapnel - INFO - text`. May be called again. A sink that fails (a full
// disk) is reported once on stderr and never stops the run. Failure(kConfig) for an unknown level.
void set_up_logging(const LogOptions& options);

// Also writes every line to `path`, made with its folder. Failure(kRun) if it cannot be opened.
void add_log_file(const std::string& path);

}  // namespace grapnel
