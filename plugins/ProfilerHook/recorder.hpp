// Collects what LibTorch's RecordFunction announces: operators, their backward passes, and ranges of the
// user's scope, on every thread of the process. What depends on LibTorch's version is in recorder.cpp.
#pragma once

#include <cstddef>
#include <memory>

#include "recording.hpp"

namespace profiler {

struct RecorderOptions {
  bool record_shapes = false;
  bool profile_memory = false;
  size_t max_ranges = 0;  // further ones are counted only
};

// One records at a time in a process.
class Recorder {
 public:
  // Begins to record. Throws std::logic_error while another one does.
  explicit Recorder(const RecorderOptions& options);
  ~Recorder();  // drops what was not taken
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  // Ends it, on the thread that began it. Ranges that are still open are left out. Once.
  Recording stop();

 private:
  class MemoryWatch;
  void end();

  RecorderOptions options_;
  uint64_t handle_ = 0;
  int64_t start_ns_ = 0;
  bool running_ = false;
  std::shared_ptr<MemoryWatch> memory_;
};

}  // namespace profiler
