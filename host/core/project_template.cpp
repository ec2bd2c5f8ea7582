// The project is put together in a folder beside its place and renamed when it is whole.
#include "core/project_template.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>

#include "core/failure.hpp"

namespace grapnel {
namespace {

namespace fs = std::filesystem;

constexpr const char* kTemplateName = "MyHook";
constexpr const char* kPrefixMark = "@GRAPNEL_PREFIX@";
constexpr size_t kLongestName = 63;  // what the ELF note has room for

// Words that no class, CMake target or function of that name can have beside it: keywords of C11 and C++20,
// the two names that a source of ours needs for something else, and targets that CMake keeps.
constexpr const char* kTakenWords[] = {"alignas",
                                       "alignof",
                                       "all",
                                       "and",
                                       "and_eq",
                                       "asm",
                                       "auto",
                                       "bitand",
                                       "bitor",
                                       "bool",
                                       "break",
                                       "case",
                                       "catch",
                                       "char",
                                       "char16_t",
                                       "char32_t",
                                       "char8_t",
                                       "class",
                                       "clean",
                                       "co_await",
                                       "co_return",
                                       "co_yield",
                                       "compl",
                                       "concept",
                                       "const",
                                       "const_cast",
                                       "consteval",
                                       "constexpr",
                                       "constinit",
                                       "continue",
                                       "decltype",
                                       "default",
                                       "delete",
                                       "depend",
                                       "do",
                                       "double",
                                       "dynamic_cast",
                                       "edit_cache",
                                       "else",
                                       "enum",
                                       "explicit",
                                       "export",
                                       "extern",
                                       "false",
                                       "float",
                                       "for",
                                       "friend",
                                       "goto",
                                       "grapnel",
                                       "help",
                                       "if",
                                       "inline",
                                       "install",
                                       "int",
                                       "list_install_components",
                                       "long",
                                       "main",
                                       "mutable",
                                       "namespace",
                                       "new",
                                       "noexcept",
                                       "not",
                                       "not_eq",
                                       "nullptr",
                                       "operator",
                                       "or",
                                       "or_eq",
                                       "package",
                                       "package_source",
                                       "private",
                                       "protected",
                                       "public",
                                       "rebuild_cache",
                                       "register",
                                       "reinterpret_cast",
                                       "requires",
                                       "restrict",
                                       "return",
                                       "short",
                                       "signed",
                                       "sizeof",
                                       "static",
                                       "static_assert",
                                       "static_cast",
                                       "std",
                                       "struct",
                                       "switch",
                                       "template",
                                       "test",
                                       "this",
                                       "thread_local",
                                       "throw",
                                       "true",
                                       "try",
                                       "typedef",
                                       "typeid",
                                       "typename",
                                       "union",
                                       "unsigned",
                                       "using",
                                       "virtual",
                                       "void",
                                       "volatile",
                                       "wchar_t",
                                       "while",
                                       "xor",
                                       "xor_eq"};

[[noreturn]] void fail(FailureKind kind, std::string what, std::string where, std::string got,
                       std::string expected, std::string hint = "") {
  throw Failure(kind,
                {std::move(what), std::move(where), std::move(got), std::move(expected), std::move(hint)});
}

std::string read_whole(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in) fail(FailureKind::kRun, "cannot read the file", path.string(), std::strerror(errno), "");
  return text;
}

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

// As CMake reads it between quotes.
std::string quoted_for_cmake(const std::string& path) {
  std::string text;
  for (const char c : path) {
    if (c == '\\' || c == '"' || c == '$' || c == ';') text += '\\';
    text += c;
  }
  return text;
}

// The project's files by their name in it.
std::map<std::string, std::string> files_of(const ProjectTemplate& from, const ProjectRequest& request) {
  const auto missing = [](const std::string& path, const char* got) {
    fail(FailureKind::kConfig, "the template of hook projects is not installed", path, got,
         "the SDK and the configs of the installation that this program belongs to",
         "install Grapnel's components sdk and host into one prefix");
  };
  std::map<std::string, std::string> files;
  for (const char* part : {"shared", request.language == HookLanguage::kC ? "c" : "c++"}) {
    const fs::path folder = fs::path(from.folder) / part;
    std::error_code error;
    if (!fs::is_directory(folder, error)) missing(folder.string(), "no such folder");
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      if (!entry.is_regular_file()) continue;
      std::string name = entry.path().lexically_relative(folder).string();
      std::string text = read_whole(entry.path());
      replace_all(name, kTemplateName, request.name);
      replace_all(text, kTemplateName, request.name);
      replace_all(text, kPrefixMark, quoted_for_cmake(from.prefix));
      files[name] = std::move(text);
    }
  }
  std::error_code error;
  if (!fs::is_regular_file(from.base_config, error)) missing(from.base_config, "no such file");
  files[fs::path(from.base_config).filename().string()] = read_whole(from.base_config);
  return files;
}

// Where the project goes; refuses what is there and a parent that isn't.
fs::path place_of(const ProjectRequest& request) {
  const fs::path parent = request.parent.empty() ? "." : request.parent;
  std::error_code error;
  if (!fs::is_directory(parent, error)) {
    fail(FailureKind::kConfig, "the project has no folder to go to", parent.string(),
         fs::exists(parent, error) ? "no folder" : "nothing there", "an existing folder", "make it first");
  }
  const fs::path place = parent / request.name;
  if (fs::symlink_status(place, error).type() == fs::file_type::not_found) return place;
  const bool is_folder = fs::symlink_status(place, error).type() == fs::file_type::directory;
  if (!is_folder || !fs::is_empty(place, error) || error) {
    fail(FailureKind::kConfig, "the project's folder is in use", place.string(),
         is_folder ? "a folder with something in it" : "something that is no folder",
         "a new or an empty folder", "take another name or --directory, or remove it");
  }
  return place;
}

// A folder that goes away with everything in it unless it was moved to its place.
class FolderInTheMaking {
 public:
  explicit FolderInTheMaking(const fs::path& place) : place_(place) {
    for (int number = 0;; ++number) {
      path_ = place.parent_path() / ("." + place.filename().string() + ".new-" + std::to_string(getpid()) +
                                     "-" + std::to_string(number));
      if (mkdir(path_.c_str(), 0777) == 0) return;
      const int reason = errno;
      if (reason == EEXIST) continue;
      path_.clear();
      fail(FailureKind::kRun, "cannot make the project's folder", place.string(), std::strerror(reason), "");
    }
  }
  ~FolderInTheMaking() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  FolderInTheMaking(const FolderInTheMaking&) = delete;
  FolderInTheMaking& operator=(const FolderInTheMaking&) = delete;

  void write(const std::string& name, const std::string& text) {
    std::error_code error;
    fs::create_directories((path_ / name).parent_path(), error);
    std::ofstream out(path_ / name, std::ios::binary);
    out << text;
    out.close();
    if (out) return;
    fail(FailureKind::kRun, "cannot write the file", (place_ / name).string(), std::strerror(errno), "");
  }
  // An empty folder that stands there is replaced.
  void move_to_its_place() {
    if (rename(path_.c_str(), place_.c_str()) != 0) {
      fail(FailureKind::kRun, "cannot put the project in its place", place_.string(), std::strerror(errno),
           "");
    }
    path_.clear();
  }

 private:
  fs::path place_;
  fs::path path_;
};

}  // namespace

ProjectTemplate ProjectTemplate::of_this_program() {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (error) {
    fail(FailureKind::kRun, "cannot tell where this program lies", "/proc/self/exe", error.message(), "");
  }
  const fs::path prefix = program.parent_path().parent_path();
  const fs::path share = prefix / "share" / "grapnel";
  return {(share / "template").string(), (share / "configs" / "fashion_classifier.toml").string(),
          prefix.string()};
}

std::string hook_name_problem(const std::string& name) {
  if (name.empty()) return "it is empty";
  if (name.size() > kLongestName) return "it has " + std::to_string(name.size()) + " bytes";
  if (std::isdigit(static_cast<unsigned char>(name[0])) != 0) return "it begins with a digit";
  for (const char c : name) {
    const bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    if (!fits) return std::string("it holds '") + c + "'";
  }
  if (name[0] == '_' || name.find("__") != std::string::npos) return "C++ keeps such underscores for itself";
  if (name.rfind("GRAPNEL_", 0) == 0 || name.rfind("grapnel_", 0) == 0) {
    return "the SDK keeps such names for itself";
  }
  for (const char* word : kTakenWords) {
    if (name == word) return "it is a word that C, C++ or CMake keeps for itself";
  }
  return {};
}

std::vector<std::string> write_project(const ProjectTemplate& from, const ProjectRequest& request) {
  const std::string problem = hook_name_problem(request.name);
  if (!problem.empty()) {
    fail(FailureKind::kConfig, "the hook cannot have that name: " + problem, "NAME",
         "\"" + request.name + "\"", "letters, digits and '_' as in a C name, 63 at most",
         "such as LossWatcher");
  }
  const fs::path place = place_of(request);
  const auto files = files_of(from, request);
  FolderInTheMaking folder(place);
  std::vector<std::string> names;
  for (const auto& [name, text] : files) {
    folder.write(name, text);
    names.push_back(name);
  }
  folder.move_to_its_place();
  return names;
}

}  // namespace grapnel
