// What was recorded between two moments of a run: named ranges by thread, and the memory that was in use.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace profiler {

struct Range {
  int64_t start_ns = 0;  // of the steady clock
  int64_t end_ns = 0;
  uint32_t name = 0;            // index into Recording::names
  uint32_t shapes = 0;          // index into Recording::shapes; 0: none
  int64_t sequence = -1;        // joins a forward operator with its backward; -1: neither
  uint64_t forward_thread = 0;  // of a backward operator: LibTorch's number of its forward's thread
  bool by_user = false;         // a phase or a hook, no operator
};

struct Thread {
  int64_t id = 0;  // the system's
  std::string name;
  uint64_t torch_id = 0;      // LibTorch's own number
  std::vector<Range> ranges;  // in the order in which they ended
};

// Bytes that LibTorch's allocator has handed out.
struct MemorySample {
  int64_t time_ns = 0;
  int64_t bytes = 0;
};

struct Recording {
  int64_t start_ns = 0;
  int64_t end_ns = 0;
  int64_t training_thread = 0;  // its system id
  std::vector<std::string> names;
  std::vector<std::string> shapes;  // JSON lists of the inputs' sizes; the first is ""
  std::vector<Thread> threads;
  std::vector<MemorySample> memory;  // in the order of time
  uint64_t dropped = 0;              // ranges that there was no room for
};

}  // namespace profiler
