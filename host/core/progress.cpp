#include "core/progress.hpp"

#include <unistd.h>

#include <mutex>
#include <utility>

namespace grapnel {
namespace {

constexpr double kRedrawPause_s = 0.1;
constexpr double kShortestPause_s = 1;
constexpr double kLongestPause_s = 30;

// The terminal that has an unfinished progress line; null when there is none.
std::mutex line_mutex;
std::FILE* line_open_on = nullptr;

constexpr const char* kEraseLine = "\r\x1b[K";

}  // namespace

void erase_progress_line() {
  const std::lock_guard<std::mutex> lock(line_mutex);
  if (!line_open_on) return;
  std::fputs(kEraseLine, line_open_on);
  std::fflush(line_open_on);
  line_open_on = nullptr;
}

std::string clock_text(double seconds) {
  const auto whole = static_cast<int64_t>(seconds + 0.5);
  char text[48];
  std::snprintf(text, sizeof text, "%lld:%02d:%02d", static_cast<long long>(whole / 3600),
                static_cast<int>(whole / 60 % 60), static_cast<int>(whole % 60));
  return text;
}

Progress::Progress(std::string title, int64_t total, std::FILE* out)
    : title_(std::move(title)),
      total_(total),
      out_(out),
      terminal_(isatty(fileno(out)) == 1),
      started_(std::chrono::steady_clock::now()) {}

Progress::~Progress() {
  const std::lock_guard<std::mutex> lock(line_mutex);
  if (line_open_on != out_) return;
  std::fputc('\n', out_);
  std::fflush(out_);
  line_open_on = nullptr;
}

void Progress::update(int64_t done) {
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
  if (!due(done, seconds)) return;
  show(done, seconds);
  shown_done_ = done;
  shown_s_ = seconds;
}

bool Progress::due(int64_t done, double seconds) const {
  if (total_ > 0 && done >= total_) return shown_done_ < total_;
  const double pause = seconds - shown_s_;
  if (terminal_) return shown_done_ < 0 || pause >= kRedrawPause_s;
  if (pause >= kLongestPause_s) return true;
  const int64_t before = shown_done_ < 0 ? 0 : shown_done_;
  return total_ > 0 && pause >= kShortestPause_s && (done - before) >= (total_ + 9) / 10;
}

void Progress::show(int64_t done, double seconds) {
  std::string text = title_ + " " + std::to_string(done);
  if (total_ > 0) text += "/" + std::to_string(total_);
  text += ", elapsed " + clock_text(seconds);
  if (total_ > 0 && done > 0 && done < total_) {
    text += ", eta " + clock_text(seconds * static_cast<double>(total_ - done) / static_cast<double>(done));
  }
  const std::lock_guard<std::mutex> lock(line_mutex);
  if (terminal_) {
    std::fprintf(out_, "%s%s", kEraseLine, text.c_str());
    line_open_on = out_;
  } else {
    std::fprintf(out_, "%s\n", text.c_str());
  }
  std::fflush(out_);
}

}  // namespace grapnel
