// A weights file that may be broken or hostile, opened for reading at any place. Its size is known from the
// start, so that whatever the file says of itself can be compared with it before anything is allocated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace grapnel::runner {

class WeightsInput {
 public:
  // Failure(kConfig) naming path and reason for what is missing, empty or no regular file.
  explicit WeightsInput(std::string path);
  ~WeightsInput();
  WeightsInput(const WeightsInput&) = delete;
  WeightsInput& operator=(const WeightsInput&) = delete;

  const std::string& path() const { return path_; }
  uint64_t size() const { return size_; }
  // Exactly `size` bytes from `begin` on. Failure(kConfig) when the file has not that many there.
  void read(uint64_t begin, void* out, uint64_t size) const;
  std::string read(uint64_t begin, uint64_t size) const;

  // Takes part in a limit on what a file may make its reader hold in all: tensors that share a storage, and
  // texts that are referred to over and over, could ask for any multiple of the file. Failure(kConfig) beyond
  // it.
  void charge(uint64_t bytes) const;

  [[noreturn]] void fail(std::string got, std::string expected = "", std::string hint = "") const;

 private:
  std::string path_;
  int descriptor_ = -1;
  uint64_t size_ = 0;
  mutable uint64_t charged_ = 0;
};

// A text out of a file as it may stand in a message: one line, printable, of bounded length.
std::string shown(std::string_view text);

// Little-endian; `width` bytes, at most 8.
uint64_t little_endian(const char* bytes, size_t width);

}  // namespace grapnel::runner
