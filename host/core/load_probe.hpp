// Tries plugins in a process of their own before the host loads them: a file that crashes, throws or hangs in
// its initialisers, or cannot be linked, becomes a sentence. All probes of a run go side by side.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace grapnel {

struct LoadProbe {
  std::string path;
  bool links_torch = false;  // loading LibTorch takes a while: it gets the longer limit
};

struct LoadProbeLimits {
  std::chrono::milliseconds plain{10'000};
  std::chrono::milliseconds torch{60'000};
};

// The limits, or the environment's GRAPNEL_PROBE_TIMEOUT_S seconds for both.
LoadProbeLimits load_probe_limits();

// The probe program: $GRAPNEL_PROBE, else grapnel-probe beside the running program, else the one of the
// installation that this library is from; "" when there is none.
std::string probe_program();

// For each probe, in order: why the file cannot be loaded, or "". Throws Failure(kConfig) when the program
// itself cannot be started.
std::vector<std::string> probe_loads(const std::string& program, const std::vector<LoadProbe>& probes,
                                     const LoadProbeLimits& limits);

}  // namespace grapnel
