// How much memory the machine, or the container around this process, has left, and how much the process
// holds.
//
// Straight from /proc and the control group's files, which stay open: a reading is a few system calls.
#pragma once

#include <cstdint>
#include <string>

// In bytes. Where a control group limits the process to less than the machine has, the group's numbers.
struct MemoryReading {
  int64_t total = 0;
  int64_t available = 0;
  int64_t used = 0;  // without what the kernel caches
  int64_t swap_total = 0;
  int64_t swap_used = 0;
  int64_t process = 0;  // resident set

  double utilization_percent() const;       // of what is not available, as psutil counts it
  double swap_utilization_percent() const;  // 0 without swap
};

class MemoryReader {
 public:
  // `root` stands in front of /proc and /sys (tests). Throws std::runtime_error when /proc cannot be read.
  explicit MemoryReader(const std::string& root = "");
  ~MemoryReader();
  MemoryReader(const MemoryReader&) = delete;
  MemoryReader& operator=(const MemoryReader&) = delete;

  MemoryReading read() const;
  // The control group's limit in bytes; 0: none below the machine's memory.
  int64_t container_limit() const { return limit_; }

 private:
  // Looks for the nearest group, from the process's own up to the root, with a limit below `machine_total`.
  void find_container(const std::string& root, int64_t machine_total);

  int meminfo_ = -1;
  int statm_ = -1;
  int group_usage_ = -1;
  int group_stat_ = -1;
  int64_t limit_ = 0;
  const char* cached_key_ = "";  // the line of memory.stat that counts as cache
  int64_t page_size_;
};

// "Memory information available_memory: 246360 MB, ...", as MMDetection writes it.
std::string memory_line(const MemoryReading& reading);
