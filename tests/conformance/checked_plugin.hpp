// Runs grapnel-conformance as a user would and reads its JSON report.
#pragma once

#include <string>
#include <vector>

namespace grapnel::test {

struct CheckedCase {
  std::string name;
  std::string result;  // "pass", "fail", "not_applicable", "blocked"
  std::string message;
};

struct CheckedPlugin {
  int exit_code = -1;
  std::string type;
  std::vector<CheckedCase> cases;

  // Names of the cases with that result.
  std::vector<std::string> with_result(const std::string& result) const;
  // Message of a case; throws std::out_of_range for one that was not run.
  const std::string& message_of(const std::string& name) const;
  // Everything that did not pass, for a failing test.
  std::string complaints() const;
};

// Throws std::runtime_error when the program does not print a report.
CheckedPlugin check_plugin(const std::string& file, const std::vector<std::string>& arguments = {});

// The names that --list prints, in its order.
std::vector<std::string> listed_cases();

// Names without folder and ".so" of the plugins in a folder, sorted.
std::vector<std::string> plugins_in(const std::string& folder);

}  // namespace grapnel::test
