// States to try a hook with: what it wrote itself in the middle of a run, and what may become of such bytes.
#pragma once

#include <vector>

#include "conformance/trial.hpp"

namespace grapnel::conformance {

// A hook's state in the middle of a run, and the run that it belongs to.
struct StateSample {
  RunPlan plan;
  ConfigNode options;
  RunCheckpoint checkpoint;
  const SavedState& state() const { return checkpoint.states.front(); }
  const CallResult& saved() const { return checkpoint.saved.front(); }
};

// By epoch and by iteration, with several options; without those whose run came to no checkpoint.
std::vector<StateSample> take_state_samples(Trial& trial);
// The same, but ends the case as not applicable for a hook without state, or when there is no sample.
std::vector<StateSample> need_state_samples(Trial& trial);

struct Resumed {
  InMemoryHost* host = nullptr;
  CallResult loaded;        // of load_state
  bool was_loaded = false;  // load_state was called
};

// A new hook in a new host goes on from the sample's run with that state: to the run's end, and is destroyed.
Resumed resume_with(Trial& trial, const StateSample& sample, const SavedState& state,
                    const StateStream& stream = {});
// A new hook that has loaded that state at the time a run does so, and nothing else yet; it stays.
Resumed load_only(Trial& trial, const StateSample& sample, const SavedState& state, size_t most_bytes_a_read);

// The state cut short: at every byte of a small one, at many of a large one; never whole. And without each of
// its tensors.
std::vector<SavedState> cut_states(const SavedState& state, uint64_t seed);
// Bytes changed, tensors of another shape.
std::vector<SavedState> changed_states(const SavedState& state, uint64_t seed);

// Where two states differ; "" if they are the same.
std::string state_difference(const SavedState& expected, const SavedState& got);

}  // namespace grapnel::conformance
