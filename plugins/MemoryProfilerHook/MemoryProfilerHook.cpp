// Logs the machine's and the process's memory every n iterations, and warns once of a process that only
// grows.
#include <string>

#include <grapnel/hook.hpp>

#include "growth_watch.hpp"
#include "memory_reader.hpp"

namespace {

class MemoryProfilerHook : public grapnel::Hook {
 public:
  explicit MemoryProfilerHook(const grapnel::Setup& setup)
      : Hook(setup), interval_(setup.integer("interval")) {}

  void before_run(const grapnel::Point&) override {
    if (reader_.container_limit() == 0) return;
    log().info("a control group limits this process to " + std::to_string(reader_.container_limit() >> 20) +
               " MB: the memory lines are about the group");
  }
  void after_train_iter(const grapnel::Point& at) override { profile(at); }
  void after_val_iter(const grapnel::Point& at) override { profile(at); }
  void after_test_iter(const grapnel::Point& at) override { profile(at); }

 private:
  void profile(const grapnel::Point& at) {
    if (!every_n_inner_iters(at, interval_)) return;
    const MemoryReading reading = reader_.read();
    log().info(memory_line(reading));
    if (!growth_.add(reading.process)) return;
    log().warning("the process grew in nearly each of the last " + std::to_string(GrowthWatch::kIntervals) +
                  " intervals, by " + std::to_string(growth_.growth() >> 20) + " MB to " +
                  std::to_string(reading.process >> 20) +
                  " MB: something keeps memory that it no longer needs");
  }

  int64_t interval_;
  MemoryReader reader_;
  GrowthWatch growth_;
};

}  // namespace

GRAPNEL_HOOK(MemoryProfilerHook, "1.0.0",
             "Logs the memory of machine and process, and warns of steady growth",
             grapnel::int_option("interval", "50", "iterations of an epoch between two lines", 1));
