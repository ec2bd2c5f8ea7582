// The command line that `grapnel-conformance` and `grapnel hooks check` have in common.
#pragma once

#include <CLI/CLI.hpp>

#include <cstdint>
#include <string>
#include <vector>

#include "conformance/conformance_check.hpp"

namespace grapnel::conformance {

struct CheckArguments {
  std::string file, options_file, torch_version;
  std::vector<std::string> only, set;
  uint64_t seed = 0;
  double timeout_s = 0;  // 0: the default
  bool list = false, json = false;
};

// The arguments live as long as `app`.
void add_check_arguments(CLI::App& app, CheckArguments& arguments);

// Does what the arguments say and prints it. `program` runs the cases, `command` is what the user typed.
// Gives the exit code: 0 all is well, 1 a case failed or was blocked. Failure(kConfig) for what is 2.
int run_check(const CheckArguments& arguments, const std::string& program, const std::string& command);

// The installed grapnel-conformance; "" if there is none.
std::string conformance_program();

}  // namespace grapnel::conformance
