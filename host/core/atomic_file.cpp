#include "core/atomic_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

#include "core/failure.hpp"

namespace grapnel {
namespace {

// Two writers of one process never share a temporary file; what a killed process of the same number left is
// overwritten.
std::string temporary_name(const std::string& path) {
  static std::atomic<unsigned> number{0};
  return path + ".tmp-" + std::to_string(getpid()) + "-" + std::to_string(number++);
}

// The rename is durable once its folder is synced. Not every file system can sync a folder: by then the file
// is in its place, so that is no reason to fail.
void sync_folder_of(const std::string& path) {
  std::string folder = std::filesystem::path(path).parent_path().string();
  if (folder.empty()) folder = ".";
  const int directory = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return;
  fsync(directory);
  close(directory);
}

}  // namespace

AtomicFile::AtomicFile(std::string path) : path_(std::move(path)) {
  struct stat there {};
  // Renaming over /dev/null or a pipe would destroy it.
  if (stat(path_.c_str(), &there) == 0 && !S_ISREG(there.st_mode)) {
    throw Failure(FailureKind::kRun, {"cannot write the file", path_,
                                      S_ISDIR(there.st_mode) ? "a folder" : "a device, pipe or socket",
                                      "a regular file or a new name", ""});
  }
  temporary_ = temporary_name(path_);
  descriptor_ = open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (descriptor_ < 0) fail("cannot create the file", errno);
}

AtomicFile::~AtomicFile() { discard(); }

void AtomicFile::discard() noexcept {
  if (descriptor_ < 0) return;
  close(descriptor_);
  descriptor_ = -1;
  unlink(temporary_.c_str());
}

void AtomicFile::fail(const char* what, int reason) {
  discard();
  std::error_code error;
  const bool kept = std::filesystem::exists(path_, error);
  throw Failure(FailureKind::kRun,
                {what, path_, std::strerror(reason), "", kept ? "what was there before is unchanged" : ""});
}

void AtomicFile::write(const void* data, size_t size) {
  const char* at = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t written = ::write(descriptor_, at, size);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) fail("cannot write the file", written < 0 ? errno : EIO);
    at += written;
    size -= static_cast<size_t>(written);
  }
}

void AtomicFile::commit() {
  if (fsync(descriptor_) != 0) fail("cannot write the file to disk", errno);
  if (rename(temporary_.c_str(), path_.c_str()) != 0) fail("cannot put the file in its place", errno);
  close(descriptor_);
  descriptor_ = -1;
  sync_folder_of(path_);
}

void write_file_atomically(const std::string& path, std::string_view text) {
  write_file_atomically(path, [text](AtomicFile& file) { file.write(text); });
}

void write_file_atomically(const std::string& path, const std::function<void(AtomicFile&)>& fill) {
  AtomicFile file(path);
  fill(file);
  file.commit();
}

}  // namespace grapnel
