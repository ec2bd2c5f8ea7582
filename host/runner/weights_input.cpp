#include "runner/weights_input.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/failure.hpp"

namespace grapnel::runner {
namespace {

// What tensors and texts of a file may take in all. Tied weights and a second copy (averages) are common.
constexpr uint64_t kHeldPerByte = 4;
constexpr uint64_t kAlwaysHeld = uint64_t{16} << 20;

constexpr const char* kExpected = "a checkpoint or weights file";

}  // namespace

WeightsInput::WeightsInput(std::string path) : path_(std::move(path)) {
  // Non-blocking: a pipe in the place of the file must not be waited for.
  descriptor_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor_ < 0) fail(std::strerror(errno), kExpected);
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(descriptor_);
    fail(S_ISDIR(status.st_mode) ? "a folder" : "no regular file", kExpected);
  }
  size_ = static_cast<uint64_t>(status.st_size);
  if (size_ < 8) {
    ::close(descriptor_);
    fail(size_ == 0 ? "an empty file" : "an almost empty file", kExpected);
  }
}

WeightsInput::~WeightsInput() { ::close(descriptor_); }

void WeightsInput::read(uint64_t begin, void* out, uint64_t size) const {
  if (begin > size_ || size > size_ - begin)
    fail("a file that ends too early", "", "it may be cut off or damaged");
  auto* at = static_cast<char*>(out);
  while (size > 0) {
    const ssize_t got =
        ::pread(descriptor_, at, std::min<uint64_t>(size, uint64_t{1} << 30), static_cast<off_t>(begin));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(std::strerror(errno));
    if (got == 0) fail("a file that became shorter while it was read");
    at += got;
    begin += static_cast<uint64_t>(got);
    size -= static_cast<uint64_t>(got);
  }
}

std::string WeightsInput::read(uint64_t begin, uint64_t size) const {
  if (begin > size_ || size > size_ - begin)
    fail("a file that ends too early", "", "it may be cut off or damaged");
  std::string bytes(size, '\0');
  read(begin, bytes.data(), size);
  return bytes;
}

void WeightsInput::charge(uint64_t bytes) const {
  const uint64_t most = kAlwaysHeld + (size_ > UINT64_MAX / 8 ? UINT64_MAX / 2 : size_ * kHeldPerByte);
  if (bytes > most - charged_) {
    fail("values of over " + std::to_string(most) + " bytes in a file of " + std::to_string(size_), "",
         "its tensors look at the same bytes again and again");
  }
  charged_ += bytes;
}

void WeightsInput::fail(std::string got, std::string expected, std::string hint) const {
  throw Failure(FailureKind::kConfig, {"cannot read the weights file", path_, std::move(got),
                                       std::move(expected), std::move(hint)});
}

std::string shown(std::string_view text) {
  constexpr size_t kMost = 120;
  constexpr const char* kDigits = "0123456789abcdef";
  std::string line;
  for (const char c : text.substr(0, kMost)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f) {
      line += c;
    } else {
      line += "\\x";
      line += kDigits[byte >> 4];
      line += kDigits[byte & 15];
    }
  }
  return text.size() > kMost ? line + "..." : line;
}

uint64_t little_endian(const char* bytes, size_t width) {
  uint64_t value = 0;
  for (size_t i = width; i-- > 0;) value = value << 8 | static_cast<uint8_t>(bytes[i]);
  return value;
}

}  // namespace grapnel::runner
