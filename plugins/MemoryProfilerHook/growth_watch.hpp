// Tells a process that grows and grows from one that fills its caches and then stays.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>

class GrowthWatch {
 public:
  static constexpr size_t kIntervals = 20;
  static constexpr size_t kRisesNeeded =
      18;  // a leak rises nearly always; the allocator smooths some steps away
  static constexpr int64_t kLeastGrowth = int64_t{64} << 20;  // bytes over all intervals

  // Takes the process's size in bytes. True once, at the first sample that completes a steady growth:
  // kRisesNeeded of the last kIntervals rose, by kLeastGrowth and by 5 % in all.
  bool add(int64_t bytes) {
    samples_.push_back(bytes);
    if (samples_.size() > kIntervals + 1) samples_.pop_front();
    if (reported_ || samples_.size() <= kIntervals) return false;
    size_t rises = 0;
    for (size_t i = 1; i < samples_.size(); ++i) rises += samples_[i] > samples_[i - 1] ? 1 : 0;
    reported_ = rises >= kRisesNeeded && growth() >= std::max(kLeastGrowth, samples_.front() / 20);
    return reported_;
  }

  // Bytes over the samples that are kept.
  int64_t growth() const { return samples_.empty() ? 0 : samples_.back() - samples_.front(); }

 private:
  std::deque<int64_t> samples_;
  bool reported_ = false;
};
