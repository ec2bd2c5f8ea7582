#include "core/installed_program.hpp"

#include <dlfcn.h>
#include <unistd.h>

#include <filesystem>

namespace grapnel {

std::string installed_program(const std::string& name) {
  namespace fs = std::filesystem;
  const auto usable = [](const fs::path& candidate) { return ::access(candidate.c_str(), X_OK) == 0; };
  std::error_code error;
  const fs::path beside = fs::read_symlink("/proc/self/exe", error).parent_path() / name;
  if (!error && usable(beside)) return beside;
  // bin stands beside lib, lib/grapnel and so on.
  Dl_info library{};
  if (::dladdr(reinterpret_cast<void*>(&installed_program), &library) == 0) return {};
  fs::path folder = fs::canonical(library.dli_fname, error).parent_path();
  for (int levels = 0; !error && levels < 4 && folder.has_relative_path(); ++levels) {
    folder = folder.parent_path();
    if (usable(folder / "bin" / name)) return folder / "bin" / name;
  }
  return {};
}

}  // namespace grapnel
