// Which iterations are recorded: torch.profiler.schedule's cycle of waiting, warming up and recording.
#pragma once

#include <grapnel/hook.hpp>

#include <cstdint>
#include <string>

#include "../json/table.hpp"

namespace profiler {

struct ProfileSchedule {
  int64_t skip_first = 0;
  int64_t wait = 0;
  int64_t warmup = 0;
  int64_t active = 0;  // 0: every iteration after skip_first is recorded, in one recording
  int64_t repeat = 0;  // cycles; 0: until the end

  // Whether the iteration (from 0) belongs to a recording, and whether it is the last one of it.
  bool records(int64_t iteration) const {
    const int64_t at = iteration - skip_first;
    if (at < 0) return false;
    if (active == 0) return true;
    if (repeat > 0 && at / cycle() >= repeat) return false;
    return at % cycle() >= wait + warmup;
  }
  bool is_last_of_a_recording(int64_t iteration) const {
    return active > 0 && records(iteration) && (iteration - skip_first + 1) % cycle() == 0;
  }

 private:
  int64_t cycle() const { return wait + warmup + active; }
};

// The keys of torch.profiler.schedule. Throws grapnel::Error.
inline ProfileSchedule read_profile_schedule(const grapnel::json::Value& value) {
  grapnel::json::Table table(value, "schedule");
  ProfileSchedule schedule;
  const auto read = [&table](const char* name, int64_t& into, bool is_required, int64_t least) {
    const auto given = table.integer(name);
    if (!given && is_required) table.missing(name);
    into = given.value_or(into);
    if (given && *given < least) table.wrong(name, "must be " + std::to_string(least) + " or more");
    if (into > (int64_t{1} << 40)) table.wrong(name, "is too large");
  };
  read("wait", schedule.wait, true, 0);
  read("warmup", schedule.warmup, true, 0);
  read("active", schedule.active, true, 1);
  read("repeat", schedule.repeat, false, 0);
  read("skip_first", schedule.skip_first, false, 0);
  table.refuse_unknown();
  return schedule;
}

}  // namespace profiler
