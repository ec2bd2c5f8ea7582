#include "conformance/process_counts.hpp"

#include <dirent.h>
#include <malloc.h>

#include <cstdio>
#include <cstring>

namespace grapnel::conformance {
namespace {

size_t entries_of(const char* folder) {
  DIR* opened = ::opendir(folder);
  if (opened == nullptr) return 0;
  size_t count = 0;
  while (const dirent* entry = ::readdir(opened)) count += entry->d_name[0] != '.';
  ::closedir(opened);
  return count;
}

}  // namespace

size_t thread_count() { return entries_of("/proc/self/task"); }
size_t descriptor_count() { return entries_of("/proc/self/fd"); }

size_t bytes_in_use() {
  const struct mallinfo2 info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

size_t peak_address_space() {
  std::FILE* file = std::fopen("/proc/self/status", "r");
  if (file == nullptr) return 0;
  char line[256];
  size_t kib = 0;
  while (std::fgets(line, sizeof line, file) != nullptr) {
    if (std::sscanf(line, "VmPeak: %zu", &kib) == 1) break;
  }
  std::fclose(file);
  return kib * 1024;
}

}  // namespace grapnel::conformance
