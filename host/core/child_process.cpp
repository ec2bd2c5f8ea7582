#include "core/child_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>
#include <thread>

extern char** environ;

namespace grapnel {
namespace {

using Clock = std::chrono::steady_clock;
constexpr size_t kMostText = 1024 * 1024;

std::pair<FileDescriptor, FileDescriptor> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe2");
  return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

// dup2 onto itself would keep close-on-exec: the numbers must lie above those that the child gets.
FileDescriptor above_the_childs(int fd) {
  FileDescriptor moved(::fcntl(fd, F_DUPFD_CLOEXEC, ChildProcess::kExtraFd + 1));
  if (moved.get() < 0) throw std::system_error(errno, std::generic_category(), "fcntl");
  return moved;
}

std::vector<char*> pointers_to(std::vector<std::string>& lines) {
  std::vector<char*> pointers;
  for (std::string& line : lines) pointers.push_back(line.data());
  pointers.push_back(nullptr);
  return pointers;
}

pid_t spawn(const ChildSettings& settings, int result, int output, int extra) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
  posix_spawn_file_actions_adddup2(&actions, result, ChildProcess::kResultFd);
  if (extra >= 0) posix_spawn_file_actions_adddup2(&actions, extra, ChildProcess::kExtraFd);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes, 0);
  const int group = settings.own_group ? POSIX_SPAWN_SETPGROUP : 0;
  posix_spawnattr_setflags(&attributes,
                           static_cast<short>(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | group));

  std::vector<std::string> words = {settings.program}, lines = settings.environment;
  words.insert(words.end(), settings.arguments.begin(), settings.arguments.end());
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, settings.program.c_str(), &actions, &attributes,
                                  pointers_to(words).data(), lines.empty() ? environ : pointers_to(lines).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::system_error(error, std::generic_category(), "posix_spawn");
  return pid;
}

}  // namespace

void FileDescriptor::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

ChildProcess::ChildProcess(const ChildSettings& settings) : own_group_(settings.own_group) {
  auto [result_read, result_write] = make_pipe();
  auto [output_read, output_write] = make_pipe();
  const FileDescriptor result_end = above_the_childs(result_write.get());
  const FileDescriptor output_end = above_the_childs(output_write.get());
  const FileDescriptor extra_end =
      settings.extra_fd >= 0 ? above_the_childs(settings.extra_fd) : FileDescriptor();
  pid_ = spawn(settings, result_end.get(), output_end.get(), extra_end.get());
  streams_[0] = {std::move(result_read), &result_};
  streams_[1] = {std::move(output_read), &output_};
  deadline_ = Clock::now() + settings.limit;
}

ChildProcess::~ChildProcess() {
  if (running_) end(false);
}

// Takes what is there; closes the end when nothing more can come.
void ChildProcess::Stream::read_some() {
  char buffer[4096];
  const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
  if (got > 0 && text->size() < kMostText) text->append(buffer, static_cast<size_t>(got));
  if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN)) fd.close();
}

void ChildProcess::reap() {
  const pid_t got = ::waitpid(pid_, &status_, WNOHANG);
  if (got == 0 || (got < 0 && errno == EINTR)) {
    if (Clock::now() >= deadline_) end(true);
    return;
  }
  running_ = false;
}

void ChildProcess::end(bool late) {
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, &status_, 0) < 0 && errno == EINTR) {
  }
  running_ = false;
  timed_out_ = late;
}

void ChildProcess::wait_for_all(const std::vector<std::unique_ptr<ChildProcess>>& children) {
  while (true) {
    std::vector<pollfd> polled;
    std::vector<Stream*> streams;
    bool any_running = false;
    for (const auto& child : children) {
      if (child->running_) child->reap();
      if (!child->running_) continue;
      any_running = true;
      for (Stream& stream : child->streams_) {
        if (stream.fd.get() < 0) continue;
        polled.push_back({stream.fd.get(), POLLIN, 0});
        streams.push_back(&stream);
      }
    }
    if (!any_running) break;
    // A short tick: a grandchild may hold a pipe open after the child has ended.
    if (polled.empty()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    } else if (::poll(polled.data(), polled.size(), 5) > 0) {
      for (size_t i = 0; i < polled.size(); ++i) {
        if (polled[i].revents != 0) streams[i]->read_some();
      }
    }
  }
  for (const auto& child : children) {
    if (child->own_group_) ::kill(-child->pid_, SIGKILL);
    // What the pipes still hold after the process has ended.
    for (Stream& stream : child->streams_) {
      while (stream.fd.get() >= 0) {
        pollfd polled{stream.fd.get(), POLLIN, 0};
        if (::poll(&polled, 1, 0) <= 0) break;
        stream.read_some();
      }
    }
  }
}

std::string ChildProcess::last_words() const {
  const size_t end = output_.find_last_not_of("\n\r ");
  if (end == std::string::npos) return {};
  const size_t newline = output_.find_last_of('\n', end);
  const size_t begin = newline == std::string::npos ? 0 : newline + 1;
  return " (its last words: " + output_.substr(begin, std::min<size_t>(end + 1 - begin, 300)) + ")";
}

std::string signal_name(int number) {
  const char* name = ::sigabbrev_np(number);
  return name != nullptr ? std::string("SIG") + name : "signal " + std::to_string(number);
}

std::string seconds_text(std::chrono::milliseconds time) {
  char text[32];
  std::snprintf(text, sizeof text, "%g s", std::chrono::duration<double>(time).count());
  return text;
}

}  // namespace grapnel
