// Fashion-MNIST straight from its IDX files, with a small pipeline of transforms that hooks can switch.
// No LibTorch in here.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/config_node.hpp"
#include "core/table_shape.hpp"
#include "runner/dataset.hpp"
#include "tasks/idx_file.hpp"

namespace grapnel::classification {

struct ImageSample : runner::Sample {
  std::vector<uint8_t> pixels;  // [height, width] grey values
  int64_t height_px = 0;
  int64_t width_px = 0;
  int64_t label = 0;
};

// Table: type = "FashionMNIST", data_root (default Debian's folder), max_samples (0: all), metainfo =
// {classes}, pipeline = [{type = "RandomFlip", prob}, {type = "RandomShift", max_px}]. Draws come from
// CounterRng.
class FashionMnistDataset : public runner::Dataset {
 public:
  // Failure(kConfig) for a wrong table, Failure(kRun) for wrong files.
  FashionMnistDataset(const ConfigNode& table, const std::string& path, bool train);
  ~FashionMnistDataset() override;
  // Reads the table alone. Failure(kConfig) for a wrong one.
  static void check_config(const ConfigNode& table, const std::string& path);
  // What the table may hold, and what that of a transform may.
  static TableShape config_shape();
  static TableShape transform_shape(const std::string& type);

  int64_t size() const override { return size_; }
  const runner::DatasetMeta& meta() const override { return meta_; }
  std::unique_ptr<runner::Sample> get(const runner::SampleKey& key) const override;
  uint64_t version() const override { return version_.load(std::memory_order_acquire); }
  std::vector<runner::TransformInfo> transforms() const override;
  void set_skipped_types(const std::vector<std::string>& types) override;
  void replace_pipeline(const ConfigNode& pipeline) override;
  void set_epoch(int64_t epoch, int64_t max_epochs) override;

 private:
  struct Pipeline;
  void publish(std::shared_ptr<const Pipeline> pipeline);

  IdxPictures data_;
  int64_t size_ = 0;
  runner::DatasetMeta meta_;
  std::string path_;
  std::shared_ptr<const Pipeline>
      pipeline_;  // read with atomic_load: loader threads keep the one they began with
  std::atomic<uint64_t> version_{0};
};

}  // namespace grapnel::classification
