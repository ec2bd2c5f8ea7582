#include "runner/sampler.hpp"

#include <cstddef>
#include <numeric>
#include <utility>

#include "core/philox.hpp"

namespace grapnel::runner {

Sampler::Sampler(int64_t dataset_size, bool shuffle, uint64_t seed, int rank, int world_size)
    : dataset_size_(dataset_size),
      shuffle_(shuffle),
      seed_(seed),
      rank_(rank),
      world_size_(world_size),
      samples_per_rank_((dataset_size + world_size - 1) / world_size) {}

std::vector<int64_t> Sampler::order(int64_t epoch) const {
  std::vector<int64_t> whole(static_cast<size_t>(dataset_size_));
  std::iota(whole.begin(), whole.end(), int64_t{0});
  if (shuffle_) {
    CounterRng rng(seed_, epoch, 0, CounterRng::Purpose::kSampler);
    for (int64_t last = dataset_size_ - 1; last > 0; --last) {
      std::swap(whole[static_cast<size_t>(last)], whole[static_cast<size_t>(rng.integer(0, last))]);
    }
  }
  if (world_size_ == 1) return whole;

  std::vector<int64_t> mine;
  mine.reserve(static_cast<size_t>(samples_per_rank_));
  for (int64_t i = 0; i < samples_per_rank_; ++i) {
    mine.push_back(whole[static_cast<size_t>(position(i) % dataset_size_)]);
  }
  return mine;
}

}  // namespace grapnel::runner
