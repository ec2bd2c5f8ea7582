// Progress of long work with the time that is left: one line redrawn on a terminal, a plain line now and then
// when piped.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace grapnel {

class Progress {
 public:
  Progress(std::string title, int64_t total);
  ~Progress();  // ends the line
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  // `done` of `total` units; cheap when nothing is to be shown.
  void update(int64_t done);

 private:
  void show(int64_t done, double seconds);
  std::string title_;
  int64_t total_;
  bool terminal_;
  bool shown_ = false;
  std::chrono::steady_clock::time_point started_;
  double last_shown_s_ = 0;
};

// 3725 -> "1:02:05".
std::string clock_text(double seconds);

}  // namespace grapnel
