// A file held open while its digest is checked and it is loaded, so that the bytes that were hashed are the
// bytes that run.
#pragma once

#include <string>

namespace grapnel {

class PinnedFile {
 public:
  // Opens the file; throws Failure(kConfig) when it cannot be read.
  explicit PinnedFile(std::string path);
  ~PinnedFile();
  PinnedFile(const PinnedFile&) = delete;
  PinnedFile& operator=(const PinnedFile&) = delete;

  // SHA-256 of the content, 64 lower-case hex digits.
  std::string sha256() const;
  // True if the mapping that holds `address` is of this very file, and the file did not change since it was
  // opened.
  bool is_mapped_at(const void* address) const;

 private:
  bool is_unchanged() const;

  std::string path_;
  int fd_;
  long long size_;
  long long changed_s_;
  long changed_ns_;
};

}  // namespace grapnel
