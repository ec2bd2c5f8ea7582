// Tensors laid end to end: one parallel pass over all of their elements, whose cost does not depend on how
// many small tensors there are among them.
#pragma once

#include <ATen/Parallel.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace grapnel::runner {

class FlatPass {
 public:
  // Elements of one unit of work. Which chunk an element is in depends on the tensors alone, so that sums
  // made a chunk at a time do not depend on the number of threads.
  static constexpr int64_t kChunk = 16384;

  void clear() { ends_.clear(); }
  // The next tensor, of `count` elements in memory order.
  void add(int64_t count) { ends_.push_back(total() + count); }

  int64_t total() const { return ends_.empty() ? 0 : ends_.back(); }
  int64_t chunks() const { return (total() + kChunk - 1) / kChunk; }

  // Calls body(chunk, tensor, first element, number of elements) for every run of elements that lies in one
  // chunk and one tensor; chunks in parallel, the runs of a chunk in order.
  template <class Body>
  void run(const Body& body) const {
    at::parallel_for(0, chunks(), 1, [&](int64_t first, int64_t last) {
      for (int64_t chunk = first; chunk < last; ++chunk) {
        int64_t from = chunk * kChunk;
        const int64_t to = std::min(total(), from + kChunk);
        auto tensor = static_cast<size_t>(std::upper_bound(ends_.begin(), ends_.end(), from) - ends_.begin());
        for (; from < to; ++tensor) {
          const int64_t begin = tensor == 0 ? 0 : ends_[tensor - 1];
          const int64_t end = std::min(to, ends_[tensor]);
          if (end > from) body(chunk, tensor, from - begin, end - from);
          from = end;
        }
      }
    });
  }

 private:
  std::vector<int64_t> ends_;  // of each tensor
};

}  // namespace grapnel::runner
