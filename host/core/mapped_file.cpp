// Which file is mapped at an address is read from /proc/self/maps. Device and inode there need not be those
// of fstat (overlay file systems show other ones), so the file is mapped once more and the two lines are
// compared.
#include "core/mapped_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <sstream>

#include "core/failure.hpp"
#include "core/sha256.hpp"

namespace grapnel {
namespace {

[[noreturn]] void fail(const std::string& path, int error) {
  throw Failure(FailureKind::kConfig, {"cannot read the plugin", path, std::strerror(error), "", ""});
}

// "device inode" of the mapping that holds the address, "" if there is none.
std::string mapping_of(const void* address) {
  std::ifstream maps("/proc/self/maps");
  const auto wanted = reinterpret_cast<uintptr_t>(address);
  std::string line;
  while (std::getline(maps, line)) {
    std::istringstream fields(line);
    uintptr_t begin = 0, end = 0;
    char dash = 0;
    std::string mode, offset, device, inode;
    fields >> std::hex >> begin >> dash >> end >> mode >> offset >> device >> inode;
    if (fields && begin <= wanted && wanted < end) return device + " " + inode;
  }
  return {};
}

}  // namespace

PinnedFile::PinnedFile(std::string path)
    : path_(std::move(path)), fd_(::open(path_.c_str(), O_RDONLY | O_CLOEXEC)) {
  if (fd_ < 0) fail(path_, errno);
  struct stat status {};
  if (::fstat(fd_, &status) != 0) {
    const int error = errno;
    ::close(fd_);
    fail(path_, error);
  }
  size_ = status.st_size;
  changed_s_ = status.st_mtim.tv_sec;
  changed_ns_ = status.st_mtim.tv_nsec;
}

PinnedFile::~PinnedFile() { ::close(fd_); }

std::string PinnedFile::sha256() const {
  Sha256 digest;
  std::array<char, 65536> buffer;
  for (off_t at = 0;;) {
    const ssize_t got = ::pread(fd_, buffer.data(), buffer.size(), at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(path_, errno);
    if (got == 0) break;
    digest.update(buffer.data(), static_cast<size_t>(got));
    at += got;
  }
  return digest.hex_digest();
}

bool PinnedFile::is_unchanged() const {
  struct stat status {};
  return ::fstat(fd_, &status) == 0 && status.st_size == size_ && status.st_mtim.tv_sec == changed_s_ &&
         status.st_mtim.tv_nsec == changed_ns_;
}

bool PinnedFile::is_mapped_at(const void* address) const {
  void* page = ::mmap(nullptr, 1, PROT_READ, MAP_PRIVATE, fd_, 0);
  if (page == MAP_FAILED) return false;
  const std::string ours = mapping_of(page);
  ::munmap(page, 1);
  return !ours.empty() && ours == mapping_of(address) && is_unchanged();
}

}  // namespace grapnel
