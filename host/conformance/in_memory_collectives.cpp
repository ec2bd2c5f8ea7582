#include "conformance/in_memory_collectives.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <stdexcept>

namespace grapnel::conformance {

using Bytes = std::vector<uint8_t>;

struct InMemoryGroup::Meeting {
  explicit Meeting(int32_t size) : world_size(size), slots(static_cast<size_t>(size)) {}

  // Everybody's bytes, once all ranks have come.
  std::vector<Bytes> exchange(int32_t rank, Bytes bytes) {
    std::unique_lock<std::mutex> lock(mutex);
    slots[static_cast<size_t>(rank)] = std::move(bytes);
    const uint64_t mine = generation;
    if (++arrived == world_size) {
      gathered = slots;
      arrived = 0;
      ++generation;
      all_here.notify_all();
    } else if (!all_here.wait_for(lock, std::chrono::seconds(10), [&] { return generation != mine; })) {
      throw std::runtime_error("a peer never came");
    }
    return gathered;
  }

  const int32_t world_size;
  std::mutex mutex;
  std::condition_variable all_here;
  std::vector<Bytes> slots;
  std::vector<Bytes> gathered;
  int32_t arrived = 0;
  uint64_t generation = 0;
};

namespace {

size_t byte_size(const grapnel_tensor& tensor) {
  size_t count = 1;
  int64_t dense = 1;
  for (int32_t d = tensor.ndim; d-- > 0;) {
    if (tensor.shape[d] != 1 && tensor.strides[d] != dense)
      throw std::runtime_error("the tensor is not dense");
    dense *= tensor.shape[d];
    count *= static_cast<size_t>(tensor.shape[d]);
  }
  return count * tensor.dtype.bits / 8u;
}

uint8_t* begin(const grapnel_tensor& tensor) {
  return static_cast<uint8_t*>(tensor.data) + tensor.byte_offset;
}

template <class T>
Bytes reduce(const std::vector<Bytes>& ranks, int32_t operation) {
  Bytes result = ranks.front();
  auto* out = reinterpret_cast<T*>(result.data());
  for (size_t i = 0; i < result.size() / sizeof(T); ++i) {
    for (size_t r = 1; r < ranks.size(); ++r) {
      const T value = reinterpret_cast<const T*>(ranks[r].data())[i];
      if (operation == GRAPNEL_REDUCE_MIN)
        out[i] = std::min(out[i], value);
      else if (operation == GRAPNEL_REDUCE_MAX)
        out[i] = std::max(out[i], value);
      else
        out[i] += value;
    }
    if (operation == GRAPNEL_REDUCE_MEAN) out[i] /= static_cast<T>(ranks.size());
  }
  return result;
}

void reduce_into(grapnel_tensor& tensor, const std::vector<Bytes>& ranks, int32_t operation) {
  const bool is_float = tensor.dtype.code == GRAPNEL_DTYPE_FLOAT;
  if (operation == GRAPNEL_REDUCE_MEAN && !is_float) throw std::runtime_error("MEAN needs a float tensor");
  Bytes result;
  if (is_float && tensor.dtype.bits == 32)
    result = reduce<float>(ranks, operation);
  else if (is_float && tensor.dtype.bits == 64)
    result = reduce<double>(ranks, operation);
  else if (tensor.dtype.code == GRAPNEL_DTYPE_INT && tensor.dtype.bits == 32)
    result = reduce<int32_t>(ranks, operation);
  else if (tensor.dtype.code == GRAPNEL_DTYPE_INT && tensor.dtype.bits == 64)
    result = reduce<int64_t>(ranks, operation);
  else
    throw std::runtime_error("a dtype that collectives do not take");
  if (!result.empty()) std::memcpy(begin(tensor), result.data(), result.size());
}

}  // namespace

void EchoingPeers::all_reduce(grapnel_tensor& tensor, int32_t operation) {
  const Bytes mine(begin(tensor), begin(tensor) + byte_size(tensor));
  reduce_into(tensor, std::vector<Bytes>(static_cast<size_t>(world_size_), mine), operation);
}

class InMemoryGroup::Member : public InMemoryCollectives {
 public:
  Member(std::shared_ptr<Meeting> meeting, int32_t rank) : meeting_(std::move(meeting)), rank_(rank) {}
  int32_t rank() const override { return rank_; }
  int32_t world_size() const override { return meeting_->world_size; }

  void all_reduce(grapnel_tensor& tensor, int32_t operation) override {
    reduce_into(tensor, gather(tensor), operation);
  }
  void broadcast(grapnel_tensor& tensor, int32_t root) override {
    const auto ranks = gather(tensor);
    std::memcpy(begin(tensor), ranks.at(static_cast<size_t>(root)).data(), byte_size(tensor));
  }
  void barrier() override { meeting_->exchange(rank_, {}); }

 private:
  std::vector<Bytes> gather(const grapnel_tensor& tensor) {
    auto ranks = meeting_->exchange(rank_, Bytes(begin(tensor), begin(tensor) + byte_size(tensor)));
    for (const Bytes& other : ranks) {
      if (other.size() != ranks.front().size())
        throw std::runtime_error("ranks brought tensors of different size");
    }
    return ranks;
  }
  std::shared_ptr<Meeting> meeting_;
  int32_t rank_;
};

InMemoryGroup::InMemoryGroup(int32_t world_size) : meeting_(std::make_shared<Meeting>(world_size)) {}

std::shared_ptr<InMemoryCollectives> InMemoryGroup::member(int32_t rank) const {
  return std::make_shared<Member>(meeting_, rank);
}

}  // namespace grapnel::conformance
