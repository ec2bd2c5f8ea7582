// One pass of the data loader: the window of samples that may be made now, who makes which, and what is
// ready. Shared by the caller and the loader threads; a thread that finishes a sample of a pass that was
// ended drops it.
#pragma once

#include <cstdint>
#include <exception>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include "runner/dataset.hpp"
#include "runner/sampler.hpp"

namespace grapnel::runner {

// Not synchronised: every call holds the loader's mutex. Numbers `i` count this rank's samples in the pass.
class LoaderPass {
 public:
  // A right to make one sample. It is lost (the result will be dropped) when somebody else delivers first,
  // when the dataset's settings change meanwhile, or when the pass moves on.
  struct Claim {
    int64_t i = 0;
    uint64_t ticket = 0;
    uint64_t version = 0;  // the dataset's before the sample was begun
  };
  struct Result {
    std::unique_ptr<Sample> sample;
    std::exception_ptr error;
  };

  // Samples [first, end) of the pass are wanted, at most `window` of them are held at a time.
  LoaderPass(const Sampler& sampler, int64_t epoch, int64_t first, int64_t end, int64_t window);

  // Never changes, so threads may call it without the mutex.
  SampleKey key(int64_t i) const;
  int64_t first() const { return first_; }  // the oldest sample not yet taken
  int64_t end() const { return end_; }

  // The first sample of the window that nobody has begun, before `limit`.
  std::optional<Claim> claim(uint64_t version, int64_t limit = std::numeric_limits<int64_t>::max());
  // A second claim to a sample that is begun and not finished; both makers may deliver, the first one counts.
  std::optional<Claim> claim_again(uint64_t version, int64_t limit);
  // False: dropped. A result made with other settings than `version` is dropped too, and free to be made
  // again.
  bool deliver(const Claim& claim, Result&& result, uint64_t version);
  // Frees everything that was made or begun with other settings.
  void drop_stale(uint64_t version);

  bool all_ready(int64_t limit) const;
  // Takes samples [first, limit), all ready, and moves the window on.
  std::vector<Result> take(int64_t limit);

 private:
  enum class State : uint8_t { kFree, kBusy, kReady };
  struct Slot {
    State state = State::kFree;
    uint64_t ticket = 0;   // of the claim whose result counts
    uint64_t version = 0;  // with whose settings it was begun, and when ready, made
    Result result;
  };
  Slot& slot(int64_t i) { return slots_[static_cast<size_t>(i % window_)]; }
  const Slot& slot(int64_t i) const { return slots_[static_cast<size_t>(i % window_)]; }
  int64_t window_end() const;
  void free(int64_t i);

  Sampler sampler_;  // a copy: its seed stays the pass's
  int64_t epoch_;
  std::vector<int64_t> order_;
  int64_t first_;
  int64_t end_;
  int64_t window_;
  int64_t maybe_free_;  // nothing before it is free
  uint64_t tickets_ = 0;
  std::vector<Slot> slots_;
};

}  // namespace grapnel::runner
