// The cheapest clock there is, for timing hooks: the time stamp counter where it runs at a constant rate
// (half the cost of steady_clock on a virtual machine), else steady_clock. Ticks become seconds by
// calibration.
#pragma once

#include <chrono>
#include <cstdint>

#if defined(__x86_64__)
#include <cpuid.h>
#include <x86intrin.h>
#endif

namespace grapnel {

class TickClock {
 public:
  TickClock() : uses_counter_(has_constant_counter()), start_ticks_(now()), start_(Clock::now()) {}

  uint64_t now() const {
#if defined(__x86_64__)
    if (uses_counter_) return __rdtsc();
#elif defined(__aarch64__)
    uint64_t ticks;
    asm volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    if (uses_counter_) return ticks;
#endif
    return static_cast<uint64_t>(Clock::now().time_since_epoch() / std::chrono::nanoseconds(1));
  }

  // Seconds a tick, measured over the time since construction: waits until that is a millisecond.
  double seconds_per_tick() const {
    if (!uses_counter_) return 1e-9;
    Clock::time_point end = Clock::now();
    while (end - start_ < std::chrono::milliseconds(1)) end = Clock::now();
    const uint64_t ticks = now() - start_ticks_;
    return std::chrono::duration<double>(end - start_).count() / static_cast<double>(ticks);
  }

 private:
  using Clock = std::chrono::steady_clock;

  static bool has_constant_counter() {
#if defined(__x86_64__)
    unsigned a = 0, b = 0, c = 0, d = 0;
    return __get_cpuid(0x80000007u, &a, &b, &c, &d) != 0 && (d & (1u << 8)) != 0;  // invariant TSC
#elif defined(__aarch64__)
    return true;
#else
    return false;
#endif
  }

  bool uses_counter_;
  uint64_t start_ticks_;
  Clock::time_point start_;
};

}  // namespace grapnel
