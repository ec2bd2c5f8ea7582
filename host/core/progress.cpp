#include "core/progress.hpp"

#include <unistd.h>

#include <cstdio>

namespace grapnel {

std::string clock_text(double seconds) {
  const auto whole = static_cast<int64_t>(seconds + 0.5);
  char text[48];
  std::snprintf(text, sizeof text, "%lld:%02d:%02d", static_cast<long long>(whole / 3600),
                static_cast<int>(whole / 60 % 60), static_cast<int>(whole % 60));
  return text;
}

Progress::Progress(std::string title, int64_t total)
    : title_(std::move(title)), total_(total), terminal_(isatty(STDERR_FILENO) != 0),
      started_(std::chrono::steady_clock::now()) {}

Progress::~Progress() {
  if (terminal_ && shown_) std::fputc('\n', stderr);
}

void Progress::update(int64_t done) {
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
  const double pause_s = terminal_ ? 0.1 : 5.0;
  if (done < total_ && seconds - last_shown_s_ < pause_s) return;
  show(done, seconds);
  last_shown_s_ = seconds;
}

void Progress::show(int64_t done, double seconds) {
  const double left = done > 0 ? seconds * static_cast<double>(total_ - done) / static_cast<double>(done) : 0;
  std::fprintf(stderr, "%s%s %lld/%lld, elapsed %s, eta %s%s", terminal_ ? "\r" : "", title_.c_str(),
               static_cast<long long>(done), static_cast<long long>(total_), clock_text(seconds).c_str(),
               clock_text(left).c_str(), terminal_ ? " " : "\n");
  std::fflush(stderr);
  shown_ = true;
}

}  // namespace grapnel
