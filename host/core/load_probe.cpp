// Starts the probe processes with posix_spawn (fork is no option in a process with threads), reads one line
// from each and turns the way it ended into a reason.
#include "core/load_probe.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <thread>
#include <utility>

#include "core/failure.hpp"

extern char** environ;

namespace grapnel {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int kResultFd = 3;
constexpr size_t kSideBySide = 16;
constexpr size_t kMostText = 64 * 1024;

// One end of a pipe.
class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() { close(); }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

std::pair<Fd, Fd> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    throw Failure(FailureKind::kConfig,
                  {"cannot make a pipe to the plugin probe", "", std::strerror(errno), "", ""});
  }
  return {Fd(ends[0]), Fd(ends[1])};
}

struct Child {
  pid_t pid = -1;
  bool running = true;
  bool timed_out = false;
  int status = 0;
  Fd result, output;
  std::string result_text, output_text;
  std::chrono::milliseconds limit{};
  Clock::time_point deadline;
};

pid_t spawn(const std::string& program, const std::string& plugin, int result, int output) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
  posix_spawn_file_actions_adddup2(&actions, result, kResultFd);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

  std::string program_copy = program, plugin_copy = plugin;
  char* arguments[] = {program_copy.data(), plugin_copy.data(), nullptr};
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, program.c_str(), &actions, &attributes, arguments, environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    throw Failure(FailureKind::kConfig,
                  {"cannot start the plugin probe", program, std::strerror(error), "a program",
                   "set GRAPNEL_PROBE to the grapnel-probe of this installation"});
  }
  return pid;
}

std::unique_ptr<Child> start(const std::string& program, const LoadProbe& probe,
                             const LoadProbeLimits& limits) {
  auto child = std::make_unique<Child>();
  auto [result_read, result_write] = make_pipe();
  auto [output_read, output_write] = make_pipe();
  // dup2 onto itself would keep close-on-exec: the pipes' own numbers must lie above the child's.
  Fd result_end(::fcntl(result_write.get(), F_DUPFD_CLOEXEC, kResultFd + 1));
  Fd output_end(::fcntl(output_write.get(), F_DUPFD_CLOEXEC, kResultFd + 1));
  child->pid = spawn(program, probe.path, result_end.get(), output_end.get());
  child->result = std::move(result_read);
  child->output = std::move(output_read);
  child->limit = probe.links_torch ? limits.torch : limits.plain;
  child->deadline = Clock::now() + child->limit;
  return child;
}

// Takes what is there; closes the end when nothing more can come.
void drain(Fd& fd, std::string& text) {
  char buffer[4096];
  const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
  if (got > 0 && text.size() < kMostText) text.append(buffer, static_cast<size_t>(got));
  if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN)) fd.close();
}

void reap(Child& child) {
  const pid_t got = ::waitpid(child.pid, &child.status, WNOHANG);
  if (got == child.pid || (got < 0 && errno != EINTR)) child.running = false;
}

void wait_for(std::vector<std::unique_ptr<Child>>& children) {
  while (true) {
    std::vector<pollfd> polled;
    std::vector<std::pair<Fd*, std::string*>> ends;
    bool any_running = false;
    for (auto& child : children) {
      if (child->running) reap(*child);
      if (child->running && Clock::now() >= child->deadline) {
        ::kill(child->pid, SIGKILL);
        while (::waitpid(child->pid, &child->status, 0) < 0 && errno == EINTR) {
        }
        child->running = false;
        child->timed_out = true;
      }
      any_running = any_running || child->running;
      if (!child->running) continue;
      if (child->result.get() >= 0) {
        polled.push_back({child->result.get(), POLLIN, 0});
        ends.emplace_back(&child->result, &child->result_text);
      }
      if (child->output.get() >= 0) {
        polled.push_back({child->output.get(), POLLIN, 0});
        ends.emplace_back(&child->output, &child->output_text);
      }
    }
    if (!any_running) return;
    // A short tick: a grandchild may hold a pipe open after the probe has ended.
    if (polled.empty())
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    else if (::poll(polled.data(), polled.size(), 20) > 0) {
      for (size_t i = 0; i < polled.size(); ++i) {
        if (polled[i].revents != 0) drain(*ends[i].first, *ends[i].second);
      }
    }
  }
}

// What the pipe still holds after the process has ended.
void drain_rest(Fd& fd, std::string& text) {
  while (fd.get() >= 0) {
    pollfd polled{fd.get(), POLLIN, 0};
    if (::poll(&polled, 1, 0) <= 0) return;
    drain(fd, text);
  }
}

std::string last_line(const std::string& text) {
  const size_t end = text.find_last_not_of("\n\r ");
  if (end == std::string::npos) return {};
  const size_t begin = text.find_last_of('\n', end);
  std::string line = text.substr(begin == std::string::npos ? 0 : begin + 1,
                                 end - (begin == std::string::npos ? -1 : begin));
  if (line.size() > 300) line.resize(300);
  return line;
}

std::string signal_name(int number) {
  const char* name = ::sigabbrev_np(number);
  return name ? std::string("SIG") + name : "signal " + std::to_string(number);
}

void strip_prefix(std::string& text, const std::string& prefix) {
  if (text.rfind(prefix, 0) == 0) text.erase(0, prefix.size());
}

// The loader's own words, in the host's.
std::string explain(const std::string& path, std::string reason) {
  strip_prefix(reason, path + ": ");
  const std::string unresolved = "undefined symbol: ";
  if (reason.rfind(unresolved, 0) == 0) {
    return "it has an unresolved symbol: " + reason.substr(unresolved.size()) +
           " (link it with -Wl,-z,defs to see this when it is built)";
  }
  const std::string missing = ": cannot open shared object file";
  const size_t at = reason.find(missing);
  if (at != std::string::npos)
    return "it needs the library " + reason.substr(0, at) + ", which was not found";
  return reason;
}

std::string reason_of(const LoadProbe& probe, Child& child) {
  drain_rest(child.result, child.result_text);
  drain_rest(child.output, child.output_text);
  const size_t line_end = child.result_text.find('\n');
  if (line_end != std::string::npos) {
    std::string line = child.result_text.substr(0, line_end);
    if (line == "ok") return {};
    strip_prefix(line, "fail ");
    return explain(probe.path, line);
  }
  if (child.timed_out) {
    const double seconds = std::chrono::duration<double>(child.limit).count();
    std::string text = std::to_string(seconds);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
    return "it hangs while it is loaded: not done after " + text + " s";
  }
  const std::string said = last_line(child.output_text);
  const std::string words = said.empty() ? "" : " (its last words: " + said + ")";
  if (WIFSIGNALED(child.status))
    return "it crashes while it is loaded: " + signal_name(WTERMSIG(child.status)) + words;
  return "it ends the process while it is loaded: exit code " + std::to_string(WEXITSTATUS(child.status)) +
         words;
}

}  // namespace

LoadProbeLimits load_probe_limits() {
  LoadProbeLimits limits;
  if (const char* text = std::getenv("GRAPNEL_PROBE_TIMEOUT_S")) {
    char* end = nullptr;
    const double seconds = std::strtod(text, &end);
    if (end == text || *end != '\0' || !(seconds > 0) || seconds > 86'400) {
      throw Failure(FailureKind::kConfig, {"bad time limit", "environment variable GRAPNEL_PROBE_TIMEOUT_S",
                                           text, "seconds, more than 0", ""});
    }
    limits.plain = limits.torch =
        std::chrono::milliseconds(std::max<int64_t>(1, static_cast<int64_t>(seconds * 1000)));
  }
  return limits;
}

std::string probe_program() {
  if (const char* named = std::getenv("GRAPNEL_PROBE"); named != nullptr && named[0] != '\0') return named;
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path here = fs::read_symlink("/proc/self/exe", error).parent_path();
  if (error) return {};
  for (const fs::path& candidate : {here / "grapnel-probe", here.parent_path() / "bin" / "grapnel-probe"}) {
    if (::access(candidate.c_str(), X_OK) == 0) return candidate.string();
  }
  return {};
}

std::vector<std::string> probe_loads(const std::string& program, const std::vector<LoadProbe>& probes,
                                     const LoadProbeLimits& limits) {
  std::vector<std::string> reasons;
  for (size_t begin = 0; begin < probes.size(); begin += kSideBySide) {
    const size_t end = std::min(begin + kSideBySide, probes.size());
    std::vector<std::unique_ptr<Child>> children;
    for (size_t i = begin; i < end; ++i) children.push_back(start(program, probes[i], limits));
    wait_for(children);
    for (size_t i = begin; i < end; ++i) reasons.push_back(reason_of(probes[i], *children[i - begin]));
  }
  return reasons;
}

}  // namespace grapnel
