// Collectives for the in-memory host: alone, or several ranks as threads of one process.
#pragma once

#include <grapnel/services/collectives.h>

#include <cstdint>
#include <memory>
#include <vector>

namespace grapnel::conformance {

class InMemoryCollectives {
 public:
  virtual ~InMemoryCollectives() = default;
  virtual int32_t rank() const { return 0; }
  virtual int32_t world_size() const { return 1; }
  // In place, on dense CPU tensors. Throw std::exception to make the call fail with its text (status IO).
  virtual void all_reduce(grapnel_tensor& /*tensor*/, int32_t /*operation*/) {}
  virtual void broadcast(grapnel_tensor& /*tensor*/, int32_t /*root*/) {}
  virtual void barrier() {}
};

// One rank of `world_size`, whose peers always bring what it brings itself.
class EchoingPeers : public InMemoryCollectives {
 public:
  EchoingPeers(int32_t rank, int32_t world_size) : rank_(rank), world_size_(world_size) {}
  int32_t rank() const override { return rank_; }
  int32_t world_size() const override { return world_size_; }
  void all_reduce(grapnel_tensor& tensor, int32_t operation) override;

 private:
  int32_t rank_, world_size_;
};

// Ranks that meet in memory. A rank that waits longer than ten seconds for its peers fails.
class InMemoryGroup {
 public:
  explicit InMemoryGroup(int32_t world_size);
  // The collectives of one rank, to be used by one thread. Keeps the group alive.
  std::shared_ptr<InMemoryCollectives> member(int32_t rank) const;

 private:
  struct Meeting;
  class Member;
  std::shared_ptr<Meeting> meeting_;
};

}  // namespace grapnel::conformance
