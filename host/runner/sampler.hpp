// Which sample comes when. The order of a pass depends on (seed, pass) alone and is cut over the ranks as
// MMEngine's DefaultSampler does (padded so that every rank gets the same number); a position is two numbers.
#pragma once

#include <cstdint>
#include <vector>

namespace grapnel::runner {

class Sampler {
 public:
  // rank in [0, world_size); shuffled passes are a Fisher-Yates shuffle drawn from (seed, pass).
  Sampler(int64_t dataset_size, bool shuffle, uint64_t seed, int rank = 0, int world_size = 1);
  // Samples of this rank in one pass.
  int64_t size() const { return samples_per_rank_; }
  // Dataset indices of this rank in pass `epoch`, in order.
  std::vector<int64_t> order(int64_t epoch) const;
  // Place in the whole pass, over all ranks, of this rank's sample number `i`: what SampleKey::position is,
  // so that two ranks never share a sample's random draws.
  int64_t position(int64_t i) const { return i * world_size_ + rank_; }
  uint64_t seed() const { return seed_; }
  void set_seed(uint64_t seed) { seed_ = seed; }

 private:
  int64_t dataset_size_;
  bool shuffle_;
  uint64_t seed_;
  int rank_;
  int world_size_;
  int64_t samples_per_rank_;
};

}  // namespace grapnel::runner
