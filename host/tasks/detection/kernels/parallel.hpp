// How the passes divide their work: one contiguous chunk a thread, the same for the same number of threads, so
// that sums over threads add up in the same order every time. LibTorch's thread setting is OpenMP's.
#pragma once

#include <omp.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

namespace grapnel::detection::kernels {

inline int thread_count() { return omp_in_parallel() ? 1 : omp_get_max_threads(); }

// body(thread, begin, end) over [0, count) in at most thread_count() chunks, threads numbered from 0.
template <class Body>
void over_chunks(int64_t count, const Body& body) {
  const int64_t threads = std::min<int64_t>(thread_count(), count);
  if (threads <= 1) {
    if (count > 0) body(0, int64_t{0}, count);
    return;
  }
#pragma omp parallel num_threads(static_cast<int>(threads))
  {
    const int64_t thread = omp_get_thread_num();
    const int64_t team = omp_get_num_threads();
    body(static_cast<int>(thread), count * thread / team, count * (thread + 1) / team);
  }
}

// body(thread, picture, first row, last row) over all rows of all pictures.
template <class Body>
void over_picture_rows(int64_t pictures, int64_t height, const Body& body) {
  over_chunks(pictures * height, [&](int thread, int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end;) {
      const int64_t picture = row / height;
      const int64_t last = std::min(end, (picture + 1) * height);
      body(thread, picture, row - picture * height, last - picture * height);
      row = last;
    }
  });
}

// Floats on a cache line's boundary, not initialised.
class Floats {
 public:
  explicit Floats(int64_t count)
      : data_(static_cast<float*>(::operator new(static_cast<size_t>(count) * sizeof(float), kLine))) {}
  float* get() { return data_.get(); }

 private:
  static constexpr std::align_val_t kLine{64};
  struct Free {
    void operator()(float* data) const { ::operator delete(data, kLine); }
  };
  std::unique_ptr<float, Free> data_;
};

}  // namespace grapnel::detection::kernels
