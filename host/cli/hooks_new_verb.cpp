// grapnel hooks new: a project for a hook of one's own, and what to do with it.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <sstream>
#include <string>

#include "cli/session.hpp"
#include "cli/verbs.hpp"
#include "core/failure.hpp"
#include "core/logging.hpp"
#include "core/project_template.hpp"

namespace grapnel::cli {
namespace {

struct NewArguments {
  std::string name, language = "c++", directory = ".";
};

// A second plugin of a shipped type would silently stand in for it, or be hidden by it.
void refuse_a_shipped_type(const std::string& name) {
  const std::string folder = installed_plugin_folder();
  std::error_code error;
  if (!std::filesystem::is_directory(folder, error)) return;
  const PluginCatalog shipped = scan_plugins({folder});
  const PluginFile* file = shipped.find(name);
  if (file == nullptr) return;
  throw Failure(FailureKind::kConfig,
                {"a hook of that type comes with Grapnel", file->path, "\"" + name + "\"",
                 "a type that is not taken", "grapnel hooks list shows those that are"});
}

// How the user can call this program: by its name alone if the search path leads here.
std::string own_command() {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  const char* path = std::getenv("PATH");
  std::istringstream folders(path ? path : "");
  for (std::string folder; std::getline(folders, folder, ':');) {
    const auto candidate = std::filesystem::path(folder) / "grapnel";
    if (!std::filesystem::exists(candidate, error)) continue;
    return std::filesystem::equivalent(candidate, self, error) ? "grapnel" : self.string();
  }
  return self.string();
}

int make_project(const NewArguments& arguments) {
  set_up_logging({"WARNING"});
  ProjectRequest request;
  request.name = arguments.name;
  request.language = arguments.language == "c" ? HookLanguage::kC : HookLanguage::kCxx;
  request.parent = arguments.directory;
  if (hook_name_problem(request.name).empty()) refuse_a_shipped_type(request.name);
  const auto files = write_project(ProjectTemplate::of_this_program(), request);

  const std::string folder =
      (std::filesystem::path(request.parent) / request.name).lexically_normal().string();
  std::string text = "Wrote " + folder + ":";
  for (const auto& file : files) text += " " + file;
  const std::string grapnel = own_command();
  text += "\n\n  cd " + folder + "\n  cmake -B build && cmake --build build\n  " + grapnel +
          " hooks check build/" + request.name + ".so\n  " + grapnel + " train " + request.name +
          ".toml\n  ctest --test-dir build --output-on-failure\n";
  std::fputs(text.c_str(), stdout);
  return 0;
}

}  // namespace

void add_hooks_new_verb(CLI::App& hooks, Verb& verb) {
  auto arguments = std::make_shared<NewArguments>();
  CLI::App* sub = hooks.add_subcommand("new", "Writes a project for a hook of your own that builds at once");
  sub->add_option("NAME", arguments->name, "The hook's type, and the folder's name: a C identifier")
      ->required();
  sub->add_option("--language", arguments->language, "What to write it in")
      ->check(CLI::IsMember({"c", "c++"}))
      ->capture_default_str();
  sub->add_option("--directory", arguments->directory, "The folder in which the project's is made")
      ->type_name("DIR")
      ->capture_default_str();
  sub->callback([&verb, arguments] { verb = [arguments] { return make_project(*arguments); }; });
}

}  // namespace grapnel::cli
