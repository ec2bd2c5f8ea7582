#include "memory_reader.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <vector>

namespace {

// A file of the kernel's, read whole into the caller's buffer without moving any file position.
template <size_t N>
const char* read_again(int file, char (&buffer)[N]) {
  const ssize_t size = file < 0 ? 0 : pread(file, buffer, N - 1, 0);
  buffer[size > 0 ? size : 0] = '\0';
  return buffer;
}

// The number behind `key` at the start of a line; 0 when there is none.
int64_t number_after(const char* text, const char* key) {
  const size_t size = std::strlen(key);
  for (const char* line = text; line != nullptr && *line != '\0';) {
    if (std::strncmp(line, key, size) == 0) return std::strtoll(line + size, nullptr, 10);
    line = std::strchr(line, '\n');
    if (line != nullptr) ++line;
  }
  return 0;
}

struct ControlGroup {
  std::string path;  // "/docker/abc"
  bool is_v2 = false;
};

// The groups that this process's memory belongs to, of both versions where a machine has both.
// version 2.
std::vector<ControlGroup> control_groups(const std::string& root) {
  std::ifstream lines(root + "/proc/self/cgroup");
  std::vector<ControlGroup> groups;
  for (std::string line; std::getline(lines, line);) {
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const std::string path = line.substr(second + 1);
    if (controllers.find(",memory,") != std::string::npos)
      groups.push_back({path, false});
    else if (controllers == ",,")
      groups.push_back({path, true});
  }
  return groups;
}

// INT64_MAX for "max", no file and no number.
int64_t limit_in(const std::string& file) {
  std::ifstream in(file);
  int64_t limit = 0;
  return in >> limit ? limit : INT64_MAX;
}

std::string megabytes(int64_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.0f MB", static_cast<double>(bytes) / (1024.0 * 1024.0));
  return text;
}

std::string percent(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %%", value);
  return text;
}

}  // namespace

double MemoryReading::utilization_percent() const {
  return total > 0 ? 100.0 * static_cast<double>(total - available) / static_cast<double>(total) : 0.0;
}

double MemoryReading::swap_utilization_percent() const {
  return swap_total > 0 ? 100.0 * static_cast<double>(swap_used) / static_cast<double>(swap_total) : 0.0;
}

MemoryReader::MemoryReader(const std::string& root)
    : meminfo_(open((root + "/proc/meminfo").c_str(), O_RDONLY | O_CLOEXEC)),
      statm_(open((root + "/proc/self/statm").c_str(), O_RDONLY | O_CLOEXEC)),
      page_size_(sysconf(_SC_PAGESIZE)) {
  const int64_t total = meminfo_ >= 0 && statm_ >= 0 ? read().total : 0;
  if (total <= 0) {
    if (meminfo_ >= 0) close(meminfo_);
    if (statm_ >= 0) close(statm_);
    throw std::runtime_error("cannot read " + root +
                             "/proc/meminfo and /proc/self/statm: this hook needs Linux's /proc");
  }
  find_container(root, total);
}

MemoryReader::~MemoryReader() {
  for (const int file : {meminfo_, statm_, group_usage_, group_stat_}) {
    if (file >= 0) close(file);
  }
}

void MemoryReader::find_container(const std::string& root, int64_t machine_total) {
  std::string best;
  bool best_is_v2 = false;
  for (const ControlGroup& group : control_groups(root)) {
    const std::string mount = root + (group.is_v2 ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory");
    // Limits of outer groups bind too, and in a container the path may name a group that is not mounted.
    for (std::string path = group.path == "/" ? "" : group.path;; path.erase(path.rfind('/'))) {
      const int64_t limit = limit_in(mount + path + (group.is_v2 ? "/memory.max" : "/memory.limit_in_bytes"));
      if (limit < machine_total && (limit_ == 0 || limit < limit_)) {
        limit_ = limit;
        best = mount + path;
        best_is_v2 = group.is_v2;
      }
      if (path.rfind('/') == std::string::npos) break;
    }
  }
  if (limit_ == 0) return;
  group_usage_ = open((best + (best_is_v2 ? "/memory.current" : "/memory.usage_in_bytes")).c_str(),
                      O_RDONLY | O_CLOEXEC);
  group_stat_ = open((best + "/memory.stat").c_str(), O_RDONLY | O_CLOEXEC);
  cached_key_ = best_is_v2 ? "inactive_file " : "total_inactive_file ";
}

MemoryReading MemoryReader::read() const {
  char text[8192];
  constexpr int64_t kKiB = 1024;
  MemoryReading reading;

  read_again(meminfo_, text);
  reading.total = number_after(text, "MemTotal:") * kKiB;
  const int64_t free = number_after(text, "MemFree:") * kKiB;
  reading.available = number_after(text, "MemAvailable:") * kKiB;
  const int64_t cached =
      (number_after(text, "Buffers:") + number_after(text, "Cached:") + number_after(text, "SReclaimable:")) *
      kKiB;
  reading.used = reading.total - free - cached;
  if (reading.used < 0) reading.used = reading.total - free;
  reading.swap_total = number_after(text, "SwapTotal:") * kKiB;
  reading.swap_used = reading.swap_total - number_after(text, "SwapFree:") * kKiB;

  const char* resident_pages = std::strchr(read_again(statm_, text), ' ');
  if (resident_pages != nullptr) reading.process = std::strtoll(resident_pages, nullptr, 10) * page_size_;

  if (limit_ > 0) {
    const int64_t usage = std::strtoll(read_again(group_usage_, text), nullptr, 10);
    const int64_t inactive_file = number_after(read_again(group_stat_, text), cached_key_);
    reading.total = limit_;
    reading.used = std::max<int64_t>(0, usage - inactive_file);
    reading.available = std::max<int64_t>(0, std::min(reading.available, limit_ - reading.used));
  }
  return reading;
}

std::string memory_line(const MemoryReading& reading) {
  return "Memory information available_memory: " + megabytes(reading.available) +
         ", used_memory: " + megabytes(reading.used) +
         ", memory_utilization: " + percent(reading.utilization_percent()) +
         ", available_swap_memory: " + megabytes(reading.swap_total - reading.swap_used) +
         ", used_swap_memory: " + megabytes(reading.swap_used) +
         ", swap_memory_utilization: " + percent(reading.swap_utilization_percent()) +
         ", current_process_memory: " + megabytes(reading.process);
}
