// Makes batches with loader threads and prefetch. The result never depends on how many threads there are:
// a sample depends on its SampleKey and the dataset's settings only, and a sample made with older settings
// than the dataset's present ones is made again before it is handed out. No LibTorch in here.
//
// Loader threads run at the system's idle priority, so that they never hold up a training step. A thread that
// gets no processor holds up nobody either: next() makes what nobody has begun, together with helpers of the
// usual priority that work at no other time, and what a thread has begun but not finished for much longer
// than a sample takes.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "runner/dataset.hpp"
#include "runner/sampler.hpp"

namespace grapnel::runner {

struct LoaderOptions {
  int64_t batch_size = 1;
  int num_workers = 0;      // threads (and up to as many helpers); 0: samples are made by next() itself
  int prefetch_factor = 2;  // batches a worker may run ahead
  bool drop_last = false;
};

class DataLoader {
 public:
  // The dataset must outlive the loader. A dataset without samples, or without a whole batch where incomplete
  // ones are dropped, is a Failure(kConfig).
  DataLoader(const Dataset& dataset, Sampler sampler, LoaderOptions options);
  ~DataLoader();  // stops and joins its threads
  DataLoader(const DataLoader&) = delete;
  DataLoader& operator=(const DataLoader&) = delete;

  int64_t batches_per_epoch() const;
  int64_t batch_size() const;
  Sampler& sampler();

  // Begins pass `epoch` at batch `first_batch` in O(1) samples: nothing before it is loaded. Prefetching
  // starts here and not earlier. Drops whatever an earlier pass left.
  void start_epoch(int64_t epoch, int64_t first_batch = 0);
  // The next batch's samples, empty at the end of the pass. What get() threw for one of these samples (the
  // first in the batch's order, if several did) comes as a Failure of the same kind, other exceptions as
  // Failure(kRun), with the batch's number in the pass and the item; a later call then goes on with the batch
  // after it.
  std::vector<std::unique_ptr<Sample>> next();
  // Ends the pass and drops what was prefetched, without waiting for samples that threads are still making.
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace grapnel::runner
