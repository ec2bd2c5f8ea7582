// Progress of long work with the time that is left, on stderr: one line redrawn on a terminal, a plain line
// now and then when piped.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>

namespace grapnel {

// One at a time, used from one thread; log lines of any thread go above a terminal's line.
class Progress {
 public:
  // `total` units of work; 0 or less when it is not known: then there is no ETA.
  Progress(std::string title, int64_t total, std::FILE* out = stderr);
  ~Progress();  // ends the line
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `done` units are done; cheap when nothing is to be shown. A terminal is redrawn ten times a second;
  // piped, there is a line for each tenth of the work, but none within a second of the last, and one after 30
  // seconds anyway. The end of the work is always shown, once.
  void update(int64_t done);

 private:
  bool due(int64_t done, double seconds) const;
  void show(int64_t done, double seconds);

  std::string title_;
  int64_t total_;
  std::FILE* out_;
  bool terminal_;
  std::chrono::steady_clock::time_point started_;
  int64_t shown_done_ = -1;  // -1: nothing shown yet
  double shown_s_ = 0;
};

// Takes a terminal's progress line away so that something else can be written; the next update draws it
// again.
void erase_progress_line();

// 3725 -> "1:02:05".
std::string clock_text(double seconds);

}  // namespace grapnel
