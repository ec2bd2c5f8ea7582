// Runs the built command line program as a user would and keeps what it printed.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace grapnel::test {

struct CommandResult {
  int exit_code = -1;  // 128 + n when signal n ended it, as a shell says it
  std::string out;
  std::string err;
};

struct CommandOptions {
  std::string folder;                                            // working folder; "" is the test's own
  std::vector<std::pair<std::string, std::string>> environment;  // added to the test's own
  // Sends `signal` when `signal_when` occurs in what the program wrote to stderr; 0: never.
  int signal = 0;
  std::string signal_when;
  int timeout_s = 300;
};

// `arguments` without the program's name.
CommandResult run_grapnel(const std::vector<std::string>& arguments, const CommandOptions& options = {});
CommandResult run_command(const std::vector<std::string>& command, const CommandOptions& options = {});

}  // namespace grapnel::test
