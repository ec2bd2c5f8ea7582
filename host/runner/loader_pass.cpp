#include "runner/loader_pass.hpp"

#include <algorithm>
#include <utility>

namespace grapnel::runner {

LoaderPass::LoaderPass(const Sampler& sampler, int64_t epoch, int64_t first, int64_t end, int64_t window)
    : sampler_(sampler),
      epoch_(epoch),
      order_(sampler.order(epoch)),
      first_(first),
      end_(end),
      window_(window),
      maybe_free_(first),
      slots_(static_cast<size_t>(window)) {}

SampleKey LoaderPass::key(int64_t i) const {
  return {sampler_.seed(), epoch_, sampler_.position(i), order_[static_cast<size_t>(i)]};
}

int64_t LoaderPass::window_end() const { return std::min(end_, first_ + window_); }

std::optional<LoaderPass::Claim> LoaderPass::claim(uint64_t version, int64_t limit) {
  const int64_t end = window_end();
  while (maybe_free_ < end && slot(maybe_free_).state != State::kFree) ++maybe_free_;
  if (maybe_free_ >= std::min(end, limit)) return std::nullopt;
  const int64_t i = maybe_free_++;
  Slot& mine = slot(i);
  mine.state = State::kBusy;
  mine.ticket = ++tickets_;
  mine.version = version;
  return Claim{i, mine.ticket, version};
}

std::optional<LoaderPass::Claim> LoaderPass::claim_again(uint64_t version, int64_t limit) {
  for (int64_t i = first_; i < limit; ++i) {
    if (slot(i).state == State::kBusy) return Claim{i, slot(i).ticket, version};
  }
  return std::nullopt;
}

bool LoaderPass::deliver(const Claim& claim, Result&& result, uint64_t version) {
  if (claim.i < first_ || claim.i >= window_end()) return false;
  Slot& mine = slot(claim.i);
  if (mine.state != State::kBusy || mine.ticket != claim.ticket) return false;
  // Settings may have changed between the claim and the sample's beginning: the sample itself knows better.
  uint64_t made_with = claim.version;
  if (result.sample) made_with = std::max(made_with, result.sample->version);
  if (made_with < version) {
    free(claim.i);
    return false;
  }
  mine.state = State::kReady;
  mine.version = made_with;
  mine.result = std::move(result);
  return true;
}

void LoaderPass::drop_stale(uint64_t version) {
  for (int64_t i = first_; i < window_end(); ++i) {
    if (slot(i).state != State::kFree && slot(i).version != version) free(i);
  }
}

bool LoaderPass::all_ready(int64_t limit) const {
  for (int64_t i = first_; i < limit; ++i) {
    if (slot(i).state != State::kReady) return false;
  }
  return true;
}

std::vector<LoaderPass::Result> LoaderPass::take(int64_t limit) {
  std::vector<Result> taken;
  taken.reserve(static_cast<size_t>(limit - first_));
  for (; first_ < limit; ++first_) {
    taken.push_back(std::move(slot(first_).result));
    slot(first_) = Slot{};
  }
  maybe_free_ = std::max(maybe_free_, first_);
  return taken;
}

void LoaderPass::free(int64_t i) {
  slot(i) = Slot{};
  maybe_free_ = std::min(maybe_free_, i);
}

}  // namespace grapnel::runner
