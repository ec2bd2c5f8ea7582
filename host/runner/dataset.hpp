// What the loader asks of a task's data. No LibTorch in here: a sample is the task's own type, made on a
// loader thread; the task turns samples into tensors on the training thread (Task::collate).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/config_node.hpp"

namespace grapnel::runner {

// Names one draw of one sample. All randomness of the sample comes from (seed, epoch, position).
struct SampleKey {
  uint64_t seed = 0;
  int64_t epoch = 0;     // pass over the data, 0-based
  int64_t position = 0;  // place in this pass's order, 0-based
  int64_t index = 0;     // which item of the dataset
};

class Sample {
 public:
  virtual ~Sample() = default;
  // The dataset's version() when the sample was begun: an older one is stale and made again.
  uint64_t version = 0;
};

// What hooks may know about a dataset.
struct DatasetMeta {
  std::vector<std::string> classes;     // empty: the dataset declares none
  bool classes_given_as_string = false;  // `classes = "person"` instead of a list: a common mistake
  std::string ann_file;                 // as opened; may be empty
  std::string config_key;               // "train_dataloader.dataset"
  int64_t label_min = 0;                // smallest and largest label that occurs; min > max: no labels
  int64_t label_max = -1;
};

struct TransformInfo {
  std::string type;
  bool skipped = false;
};

class Dataset {
 public:
  virtual ~Dataset() = default;
  virtual int64_t size() const = 0;
  virtual const DatasetMeta& meta() const = 0;

  // Makes one sample. Called from several loader threads at once; throws Failure(kRun) for bad data.
  // The sample's `version` is the one whose settings it was made with.
  virtual std::unique_ptr<Sample> get(const SampleKey& key) const = 0;

  // Goes up with every change of the settings below; safe to read from any thread.
  virtual uint64_t version() const = 0;

  // The pipeline, and changes to it: training thread only, in force for every get() that starts after.
  virtual std::vector<TransformInfo> transforms() const = 0;
  // Skips every transform whose type is listed; an empty list switches all on again.
  virtual void set_skipped_types(const std::vector<std::string>& types) = 0;
  // Replaces the whole pipeline (a list of tables as in the config). Throws Failure(kConfig).
  virtual void replace_pipeline(const ConfigNode& pipeline) = 0;
  virtual void set_epoch(int64_t epoch, int64_t max_epochs) = 0;
};

}  // namespace grapnel::runner
