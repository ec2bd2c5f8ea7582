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

std::vector<Transform> parse_pipeline(const ConfigNode& list, const std::string& path) {
  std::vector<Transform> transforms;
  const ConfigNode wrapper = ConfigNode::table({{"pipeline", list}}, list.source());
  for (Section& item : Section(wrapper, path).tables("pipeline")) {
    Transform transform;
    transform.type = item.choice("type", {"RandomFlip", "RandomShift"});
    if (transform.type == "RandomFlip")
      transform.prob = item.number_or("prob", 0.5, {0, 1});
    else
      transform.max_px = item.integer_or("max_px", 2, {0, 14});
    item.finish();
    transforms.push_back(std::move(transform));
  }
  return transforms;
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
  Section section(table, path);
  section.choice("type", {"FashionMNIST"});
  const std::string folder = section.string_or("data_root", "/usr/share/datasets/fashion-mnist");
  const int64_t max_samples = section.integer_or("max_samples", 0, {0, 1 << 30});
  meta_.classes = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                   "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};
  if (auto info = section.table("metainfo")) {
    const ConfigNode* classes = info->raw("classes");
    if (classes && classes->kind() == ConfigNode::Kind::kString) {
      meta_.classes_given_as_string = true;
      meta_.classes = {classes->as_string()};
    } else {
      meta_.classes = info->strings_or("classes", meta_.classes);
    }
    info->finish();
  }
  auto pipeline = std::make_shared<Pipeline>();
  if (const ConfigNode* list = section.raw("pipeline")) pipeline->transforms = parse_pipeline(*list, path);
  section.finish();

  data_ = read_idx_pictures(folder, train ? "train" : "t10k", 10);
  size_ = max_samples > 0 ? std::min(max_samples, data_.count) : data_.count;
  meta_.ann_file = folder + (train ? "/train" : "/t10k") + "-labels-idx1-ubyte.gz";
  meta_.config_key = path;
  if (size_ > 0) {
    const auto [low, high] = std::minmax_element(data_.labels.begin(), data_.labels.begin() + size_);
    meta_.label_min = *low;
    meta_.label_max = *high;
  }
  pipeline_ = std::move(pipeline);
}

FashionMnistDataset::~FashionMnistDataset() = default;

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
