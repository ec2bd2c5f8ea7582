// A torch-free dataset for loader tests: a sample is a few numbers drawn from its key and the settings, and
// the dataset records which samples were asked for, by which thread, and can be made slow or failing.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/philox.hpp"
#include "runner/dataset.hpp"

namespace grapnel::runner {

struct NumbersSample : Sample {
  SampleKey key;
  uint32_t draw = 0;
  int64_t setting = 0;
};

class NumbersDataset : public Dataset {
 public:
  explicit NumbersDataset(int64_t size) : size_(size) { meta_.config_key = "train_dataloader.dataset"; }

  int64_t size() const override { return size_; }
  const DatasetMeta& meta() const override { return meta_; }
  uint64_t version() const override { return version_; }
  std::vector<TransformInfo> transforms() const override { return {}; }
  void set_skipped_types(const std::vector<std::string>& types) override {
    set_setting(static_cast<int64_t>(types.size()));
  }
  void replace_pipeline(const ConfigNode&) override { set_setting(100); }
  void set_epoch(int64_t, int64_t) override {}

  std::unique_ptr<Sample> get(const SampleKey& key) const override {
    auto sample = std::make_unique<NumbersSample>();
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      sample->version = version_;
      sample->setting = setting_;
      asked_.push_back({key, std::this_thread::get_id()});
    }
    if (before_get) before_get(key);
    CounterRng rng(key.seed, key.epoch, key.position, CounterRng::Purpose::kPipeline);
    sample->key = key;
    sample->draw = rng.next_u32() + static_cast<uint32_t>(key.index);
    return sample;
  }

  void set_setting(int64_t setting) {
    const std::lock_guard<std::mutex> lock(mutex_);
    setting_ = setting;
    ++version_;
  }

  struct Asked {
    SampleKey key;
    std::thread::id thread;
  };
  std::vector<Asked> asked() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return asked_;
  }

  std::function<void(const SampleKey&)> before_get;  // called on the thread that makes the sample

 private:
  int64_t size_;
  DatasetMeta meta_;
  mutable std::mutex mutex_;
  std::atomic<uint64_t> version_{0};
  int64_t setting_ = 0;
  mutable std::vector<Asked> asked_;
};

}  // namespace grapnel::runner
