// Makes batches with loader threads and prefetch. The result never depends on how many threads there are:
// a sample depends on its SampleKey and the dataset's settings only, and a batch made with older settings
// than the dataset's present ones is made again before it is handed out. No LibTorch in here.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "runner/dataset.hpp"
#include "runner/sampler.hpp"

namespace grapnel::runner {

struct LoaderOptions {
  int64_t batch_size = 1;
  int num_workers = 0;      // threads; 0: samples are made by next() itself
  int prefetch_factor = 2;  // batches a worker may run ahead
  bool drop_last = false;
};

class DataLoader {
 public:
  // The dataset must outlive the loader. A dataset without samples is a Failure(kConfig).
  DataLoader(const Dataset& dataset, Sampler sampler, LoaderOptions options);
  ~DataLoader();  // stops and joins its threads
  DataLoader(const DataLoader&) = delete;
  DataLoader& operator=(const DataLoader&) = delete;

  int64_t batches_per_epoch() const;
  int64_t batch_size() const;
  Sampler& sampler();

  // Begins pass `epoch` at batch `first_batch` in O(1) samples: nothing before it is loaded. Prefetching starts
  // here and not earlier. Drops whatever an earlier pass left.
  void start_epoch(int64_t epoch, int64_t first_batch = 0);
  // The next batch's samples, empty at the end of the pass. Rethrows what get() threw for one of these samples,
  // with the batch's number; a sample that is not ready is made by the caller if nobody has begun it.
  std::vector<std::unique_ptr<Sample>> next();
  // Ends the pass and drops what was prefetched.
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace grapnel::runner
