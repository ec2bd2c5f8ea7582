#include "tasks/classification/fashion_mnist_dataset.hpp"

#include <algorithm>

#include "core/failure.hpp"
#include "core/philox.hpp"
#include "core/section.hpp"

namespace grapnel::classification {
namespace {

struct Transform {
  std::string type;
  double prob = 0.5;   // RandomFlip
  int64_t max_px = 2;  // RandomShift
  bool skipped = false;
};

Transform read_transform(Section item) {
  Transform transform;
  transform.type = item.choice("type", {"RandomFlip", "RandomShift"});
  if (transform.type == "RandomFlip")
    transform.prob = item.number_or("prob", 0.5, {0, 1});
  else
    transform.max_px = item.integer_or("max_px", 2, {0, 14});
  item.finish();
  return transform;
}

std::vector<Transform> parse_pipeline(const ConfigNode& list, const std::string& path) {
  std::vector<Transform> transforms;
  const ConfigNode wrapper = ConfigNode::table({{"pipeline", list}}, list.source());
  for (const Section& item : Section(wrapper, path).tables("pipeline"))
    transforms.push_back(read_transform(item));
  return transforms;
}

// The dataset's table, read and checked; nothing of the data is touched yet.
struct DatasetConfig {
  std::string folder;
  int64_t max_samples = 0;  // 0: all
  std::vector<std::string> classes;
  bool classes_given_as_string = false;
  std::vector<Transform> transforms;
};

DatasetConfig read_config(Section section) {
  DatasetConfig config;
  section.choice("type", {"FashionMNIST"});
  config.folder = section.string_or("data_root", "/usr/share/datasets/fashion-mnist");
  config.max_samples = section.integer_or("max_samples", 0, {0, 1 << 30});
  config.classes = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                    "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};
  if (auto info = section.table("metainfo")) {
    const ConfigNode* classes = info->raw("classes");
    if (classes && classes->kind() == ConfigNode::Kind::kString) {
      config.classes_given_as_string = true;
      config.classes = {classes->as_string()};
    } else {
      config.classes = info->strings_or("classes", config.classes);
    }
    info->expect("classes", shape::either({shape::text(), shape::list(shape::text())}),
                 shape::words(config.classes));
    info->finish();
  }
  if (const ConfigNode* list = section.raw("pipeline"))
    config.transforms = parse_pipeline(*list, section.path());
  section.finish();
  return config;
}

void flip(std::vector<uint8_t>& pixels, int64_t width) {
  for (auto row = pixels.begin(); row != pixels.end(); row += width) std::reverse(row, row + width);
}

void shift(std::vector<uint8_t>& pixels, int64_t height, int64_t width, int64_t dy, int64_t dx) {
  std::vector<uint8_t> moved(pixels.size(), 0);
  for (int64_t y = std::max<int64_t>(0, dy); y < std::min(height, height + dy); ++y) {
    for (int64_t x = std::max<int64_t>(0, dx); x < std::min(width, width + dx); ++x) {
      moved[y * width + x] = pixels[(y - dy) * width + x - dx];
    }
  }
  pixels.swap(moved);
}

}  // namespace

struct FashionMnistDataset::Pipeline {
  std::vector<Transform> transforms;
  std::vector<std::string> skipped_types;
  uint64_t version = 0;

  void apply_skips() {
    for (auto& transform : transforms) {
      transform.skipped = std::count(skipped_types.begin(), skipped_types.end(), transform.type) > 0;
    }
  }
};

FashionMnistDataset::FashionMnistDataset(const ConfigNode& table, const std::string& path, bool train)
    : path_(path) {
  DatasetConfig config = read_config(Section(table, path));
  meta_.classes = std::move(config.classes);
  meta_.classes_given_as_string = config.classes_given_as_string;
  auto pipeline = std::make_shared<Pipeline>();
  pipeline->transforms = std::move(config.transforms);

  data_ = read_idx_pictures(config.folder, train ? "train" : "t10k", 10);
  size_ = config.max_samples > 0 ? std::min(config.max_samples, data_.count) : data_.count;
  meta_.ann_file = config.folder + (train ? "/train" : "/t10k") + "-labels-idx1-ubyte.gz";
  meta_.config_key = path;
  if (size_ > 0) {
    const auto [low, high] = std::minmax_element(data_.labels.begin(), data_.labels.begin() + size_);
    meta_.label_min = *low;
    meta_.label_max = *high;
  }
  pipeline_ = std::move(pipeline);
}

FashionMnistDataset::~FashionMnistDataset() = default;

void FashionMnistDataset::check_config(const ConfigNode& table, const std::string& path) {
  read_config(Section(table, path));
}

TableShape FashionMnistDataset::config_shape() {
  TableShape shape;
  read_config(Section(ConfigNode::table(), "dataset", shape));
  return shape;
}

TableShape FashionMnistDataset::transform_shape(const std::string& type) {
  TableShape shape;
  const ConfigNode sample = ConfigNode::table({{"type", ConfigNode::string(type)}});
  read_transform(Section(sample, "transform", shape));
  return shape;
}

std::unique_ptr<runner::Sample> FashionMnistDataset::get(const runner::SampleKey& key) const {
  const auto pipeline = std::atomic_load(&pipeline_);
  auto sample = std::make_unique<ImageSample>();
  sample->version = pipeline->version;
  const int64_t area = data_.height_px * data_.width_px;
  const auto first = data_.pixels.begin() + key.index * area;
  sample->pixels.assign(first, first + area);
  sample->height_px = data_.height_px;
  sample->width_px = data_.width_px;
  sample->label = data_.labels[static_cast<size_t>(key.index)];
  CounterRng rng(key.seed, key.epoch, key.position, CounterRng::Purpose::kPipeline);
  for (const auto& transform : pipeline->transforms) {
    if (transform.skipped) continue;
    if (transform.type == "RandomFlip") {
      if (rng.chance(transform.prob)) flip(sample->pixels, data_.width_px);
    } else {
      const int64_t dy = rng.integer(-transform.max_px, transform.max_px);
      const int64_t dx = rng.integer(-transform.max_px, transform.max_px);
      shift(sample->pixels, data_.height_px, data_.width_px, dy, dx);
    }
  }
  return sample;
}

std::vector<runner::TransformInfo> FashionMnistDataset::transforms() const {
  std::vector<runner::TransformInfo> infos;
  for (const auto& transform : pipeline_->transforms) infos.push_back({transform.type, transform.skipped});
  return infos;
}

void FashionMnistDataset::publish(std::shared_ptr<const Pipeline> pipeline) {
  const uint64_t version = pipeline->version;
  std::atomic_store(&pipeline_, std::move(pipeline));
  version_.store(version, std::memory_order_release);
}

void FashionMnistDataset::set_skipped_types(const std::vector<std::string>& types) {
  if (types == pipeline_->skipped_types) return;
  auto next = std::make_shared<Pipeline>(*pipeline_);
  next->skipped_types = types;
  next->apply_skips();
  ++next->version;
  publish(std::move(next));
}

void FashionMnistDataset::replace_pipeline(const ConfigNode& pipeline) {
  auto next = std::make_shared<Pipeline>(*pipeline_);
  next->transforms = parse_pipeline(pipeline, path_);
  next->apply_skips();
  ++next->version;
  publish(std::move(next));
}

void FashionMnistDataset::set_epoch(int64_t, int64_t) {}  // draws are keyed by the loader's epoch already

}  // namespace grapnel::classification
