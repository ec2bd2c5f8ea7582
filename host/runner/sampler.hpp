// Which sample comes when. The order of a pass depends on (seed, pass) alone and is cut over the ranks as
// MMEngine's DefaultSampler does (padded so that every rank gets the same number); a position is two numbers.
#pragma once

#include <cstdint>
#include <vector>

namespace grapnel::runner {

class Sampler {
 public:
  Sampler(int64_t dataset_size, bool shuffle, uint64_t seed, int rank = 0, int world_size = 1);
  // Samples of this rank in one pass.
  int64_t size() const { return samples_per_rank_; }
  // Dataset indices of this rank in pass `epoch`, in order.
  std::vector<int64_t> order(int64_t epoch) const;
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
