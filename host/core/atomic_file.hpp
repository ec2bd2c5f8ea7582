// Writes a file whole or not at all: a temporary file in the same folder, checked writes, fsync, rename,
// fsync of the folder. Whatever fails, the old file is still there and no half-written one is left.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace grapnel {

class AtomicFile {
 public:
  // Opens the temporary file. A `path` that exists and is no regular file (a folder, a device) is refused; a
  // link is replaced, not followed. Like every call here: Failure(kRun) naming path and the system's reason.
  explicit AtomicFile(std::string path);
  ~AtomicFile();  // removes the temporary file unless commit() was reached
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(const void* data, size_t size);
  void write(std::string_view text) { write(text.data(), text.size()); }
  // Puts the file in its place; last call. After a Failure of any call only the destructor may follow.
  void commit();

 private:
  [[noreturn]] void fail(const char* what, int reason);
  void discard() noexcept;
  std::string path_;
  std::string temporary_;
  int descriptor_ = -1;
};

void write_file_atomically(const std::string& path, std::string_view text);

// `fill` writes the content, in as many pieces as it likes. What it throws goes through; nothing is left
// then.
void write_file_atomically(const std::string& path, const std::function<void(AtomicFile&)>& fill);

}  // namespace grapnel
