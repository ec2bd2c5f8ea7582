// A project for a hook of one's own, made from the template that the SDK installs. The template's files
// compile as they are, for a hook named MyHook; a project is those files with another name, written whole or
// not at all.
#pragma once

#include <string>
#include <vector>

namespace grapnel {

enum class HookLanguage { kC, kCxx };

// Where the parts of a project come from.
struct ProjectTemplate {
  std::string folder;       // with shared/, c/ and c++/
  std::string base_config;  // the TOML that the project's own inherits from; copied into the project
  std::string prefix;       // where find_package(grapnel) finds the SDK

  // This installation's: found from the running program, in an installed prefix as in a build folder.
  static ProjectTemplate of_this_program();
};

struct ProjectRequest {
  std::string name;  // of the hook's type, and of the folder
  HookLanguage language = HookLanguage::kCxx;
  std::string parent = ".";  // existing folder in which the project's is made
};

// Why `name` can't be a hook's type and a C or C++ name at once; "" if it can.
std::string hook_name_problem(const std::string& name);

// Writes the project into PARENT/NAME, which must not exist or be empty; gives its files' names, sorted.
// Failure(kConfig) for a wrong name or place and for a template that is not installed, Failure(kRun) when the
// disk says no; nothing is left behind then.
std::vector<std::string> write_project(const ProjectTemplate& from, const ProjectRequest& request);

}  // namespace grapnel
