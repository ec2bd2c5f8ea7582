// A program run as a child process, with a time limit: what it prints is kept, what it says on descriptor 3 is
// kept apart, and every way in which it can end is told. posix_spawn, because a process that has threads must
// not fork.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace grapnel {

// Closes its file descriptor when it goes; -1 is none.
class FileDescriptor {
 public:
  explicit FileDescriptor(int fd = -1) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileDescriptor() { close(); }
  void close();
  int get() const { return fd_; }

 private:
  int fd_;
};

struct ChildSettings {
  std::string program;                   // path
  std::vector<std::string> arguments;    // without the program's own name
  std::vector<std::string> environment;  // "NAME=value"; empty: this process's own
  std::chrono::milliseconds limit{};     // then it is killed
  int extra_fd = -1;                     // becomes the child's descriptor 4; -1: there is none
  // A process group of its own, ended with the child: what it started goes too.
  bool own_group = false;
};

class ChildProcess {
 public:
  static constexpr int kResultFd = 3;  // in the child
  static constexpr int kExtraFd = 4;

  // Starts the program; stdin is empty, signals are at their defaults. std::system_error if it cannot be.
  explicit ChildProcess(const ChildSettings& settings);
  ~ChildProcess();  // kills what still runs
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // Returns when all have ended, or were killed for being late.
  static void wait_for_all(const std::vector<std::unique_ptr<ChildProcess>>& children);

  // After the wait.
  bool timed_out() const { return timed_out_; }
  int wait_status() const { return status_; }                   // as waitpid's
  const std::string& result_text() const { return result_; }    // what came on descriptor 3
  const std::string& output_text() const { return output_; }    // stdout and stderr as they came
  // " (its last words: ...)", the last line of the output; "" if there is none.
  std::string last_words() const;

 private:
  struct Stream {
    FileDescriptor fd;
    std::string* text = nullptr;
    void read_some();
  };
  void reap();
  void end(bool late);

  pid_t pid_ = -1;
  int status_ = 0;
  bool running_ = true;
  bool timed_out_ = false;
  bool own_group_ = false;
  std::chrono::steady_clock::time_point deadline_;
  std::string result_, output_;
  Stream streams_[2];  // result, output
};

// "SIGSEGV"
std::string signal_name(int number);
// "10 s", "0.5 s"
std::string seconds_text(std::chrono::milliseconds time);

}  // namespace grapnel
