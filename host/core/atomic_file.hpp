// Writes a file whole or not at all: a temporary file in the same folder, checked writes, fsync, rename, fsync of
// the folder. Whatever fails, the old file is still there and no half-written one is left.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace grapnel {

class AtomicFile {
 public:
  // Failure(kRun) naming path and reason, like every call here.
  explicit AtomicFile(std::string path);
  ~AtomicFile();  // removes the temporary file unless commit() was reached
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  void write(const void* data, size_t size);
  void commit();

 private:
  [[noreturn]] void fail(const char* what);
  std::string path_;
  std::string temporary_;
  int descriptor_ = -1;
};

void write_file_atomically(const std::string& path, std::string_view text);

}  // namespace grapnel
