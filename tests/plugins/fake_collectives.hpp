// Collectives for the fake host: alone, or several ranks as threads of one test.
#pragma once

#include <grapnel/services/collectives.h>

#include <cstdint>
#include <memory>
#include <vector>

namespace grapnel::testing {

class FakeCollectives {
 public:
  virtual ~FakeCollectives() = default;
  virtual int32_t rank() const { return 0; }
  virtual int32_t world_size() const { return 1; }
  // In place, on dense CPU tensors. Throw std::exception to make the call fail with its text (status IO).
  virtual void all_reduce(grapnel_tensor& /*tensor*/, int32_t /*operation*/) {}
  virtual void broadcast(grapnel_tensor& /*tensor*/, int32_t /*root*/) {}
  virtual void barrier() {}
};

// Ranks that meet in memory. A rank that waits longer than ten seconds for its peers fails.
class InMemoryGroup {
 public:
  explicit InMemoryGroup(int32_t world_size);
  // The collectives of one rank, to be used by one thread. Keeps the group alive.
  std::shared_ptr<FakeCollectives> member(int32_t rank) const;

 private:
  struct Meeting;
  class Member;
  std::shared_ptr<Meeting> meeting_;
};

}  // namespace grapnel::testing
