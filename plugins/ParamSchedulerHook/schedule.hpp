// One learning rate schedule in MMEngine's chainable form: every step makes the next value out of the current
// one, so that several schedules, and changes from elsewhere, combine.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "schedule_config.hpp"

namespace grapnel::schedules {

struct RunLength {
  int64_t max_epochs = 0;
  int64_t max_iters = 0;
  int64_t epoch_length = 0;  // batches
};

class Schedule {
 public:
  // Throws grapnel::Error when the range is empty or the epochs cannot be converted.
  Schedule(const ScheduleConfig& config, const RunLength& run);

  bool by_epoch() const { return by_epoch_; }
  bool verbose() const { return config_.verbose; }

  // Counts one step; within [begin, end) `values` (one a parameter group) become the next ones, and it says
  // true. `base` are the groups' initial values.
  bool step(const std::vector<double>& base, std::vector<double>& values);

  struct Counters {
    int64_t global_step = -1;  // steps ever, from 0
    int64_t last_step = -1;    // those within [begin, end)
  };
  Counters counters() const { return counters_; }
  void restore(Counters counters) { counters_ = counters; }

  // All that the values depend on: equal texts mean equal schedules.
  std::string description() const;

 private:
  double next(double value, double base) const;

  ScheduleConfig config_;
  bool by_epoch_ = true;
  int64_t begin_ = 0;
  int64_t end_ = 0;
  int64_t t_max_ = 0;
  std::vector<int64_t> milestones_;
  Counters counters_;
};

}  // namespace grapnel::schedules
