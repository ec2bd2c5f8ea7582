#include "tasks/detection/data/coco_dataset.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <limits>
#include <mutex>
#include <opencv2/imgproc.hpp>
#include <unordered_map>
#include <utility>

#include "core/failure.hpp"
#include "core/philox.hpp"
#include "core/section.hpp"
#include "tasks/detection/data/coco_ids.hpp"
#include "tasks/detection/data/drawing.hpp"
#include "tasks/detection/data/image_cache.hpp"
#include "tasks/detection/data/picture_file.hpp"
#include "tasks/detection/data/pipeline.hpp"

namespace grapnel::detection::data {
namespace {

// The dataset's table, read and checked; nothing of the data is touched yet.
struct DatasetConfig {
  std::string path;
  std::string ann_file;
  std::string image_folder;
  std::vector<std::string> classes;
  bool classes_given = false;
  bool classes_given_as_string = false;
  bool filter_empty = false;
  int64_t min_size_px = 0;
  bool test_mode = false;
  int64_t cache_bytes = 0;
  bool drop_invalid_boxes = false;
  std::vector<std::string> skipped;
  std::shared_ptr<const Pipeline> pipeline;
};

std::string joined(const std::string& root, const std::string& path) {
  if (path.empty()) return root;
  return (std::filesystem::path(root) / path).lexically_normal().string();
}

void read_classes(Section& section, DatasetConfig& config) {
  ConfigNode names = shape::list(shape::text());
  names.set("minItems", ConfigNode::integer(1));
  names.set("uniqueItems", ConfigNode::boolean(true));
  section.expect("classes", shape::either({shape::text(), names}));
  const ConfigNode* node = section.raw("classes");
  if (!node || config.classes_given) return;
  config.classes_given = true;
  if (node->kind() == ConfigNode::Kind::kString) {
    config.classes_given_as_string = true;
    config.classes = {node->as_string()};
    return;
  }
  config.classes = section.strings_or("classes", {});
  for (size_t i = 0; i < config.classes.size(); ++i) {
    if (std::count(config.classes.begin(), config.classes.end(), config.classes[i]) > 1) {
      section.fail("classes", "duplicate class name", "\"" + config.classes[i] + "\"",
                   "names that occur once");
    }
  }
  if (config.classes.empty())
    section.fail("classes", "no classes", "an empty list", "class names, or no such key");
}

void read_table(Section& section, DatasetConfig& config) {
  const std::string root = section.string_or("data_root", ".");
  config.ann_file = joined(root, section.string("ann_file"));
  std::string folder = section.string_or("img_prefix", "");
  if (auto prefix = section.table("data_prefix")) {
    folder = prefix->string_or("img", "");
    prefix->finish();
  }
  config.image_folder = joined(root, folder);
  if (auto metainfo = section.table("metainfo")) {
    read_classes(*metainfo, config);
    metainfo->ignore("palette");
    metainfo->finish();
  }
  read_classes(section, config);
  config.test_mode = section.boolean_or("test_mode", false);
  if (auto filter = section.table("filter_cfg")) {
    config.filter_empty = filter->boolean_or("filter_empty_gt", false);
    config.min_size_px = filter->integer_or("min_size", 0, {0, 1 << 20});
    filter->finish();
  }
  config.cache_bytes = section.integer_or("cache_mb", 2048, {0, 1 << 24}) << 20;
  config.drop_invalid_boxes = section.choice_or("invalid_boxes", "refuse", {"refuse", "drop"}) == "drop";
  section.ignore("backend_args");
  section.ignore("file_client_args");
}

DatasetConfig read_config(Section outer) {
  DatasetConfig config;
  const std::string path = outer.path();
  config.path = path;
  const std::string type = outer.choice_or("type", "CocoDataset", {"CocoDataset", "MultiImageMixDataset"});
  if (type == "CocoDataset") {
    read_table(outer, config);
    config.pipeline =
        std::make_shared<const Pipeline>(nullptr, "", outer.raw("pipeline"), path + ".pipeline");
    outer.finish();
    return config;
  }
  config.path = path + ".dataset";
  Section inner = outer.required_table("dataset");
  inner.choice_or("type", "CocoDataset", {"CocoDataset"});
  read_table(inner, config);
  config.pipeline = std::make_shared<const Pipeline>(inner.raw("pipeline"), path + ".dataset.pipeline",
                                                     outer.raw("pipeline"), path + ".pipeline");
  inner.finish();
  config.skipped = outer.strings_or("skip_type_keys", {});
  outer.ignore("max_refetch");
  outer.finish();
  return config;
}

struct Item {
  int64_t image_id = 0;
  std::string file_name;
  int64_t width_px = 0;
  int64_t height_px = 0;
  std::vector<LabelledBox> boxes;  // in px of the original picture
};

// Settings that a change replaces as a whole.
struct Settings {
  uint64_t version = 1;
  std::shared_ptr<const Pipeline> pipeline;
  std::vector<std::string> skipped;
  cv::Size output_size;
};

cv::Size round_up_to_32(cv::Size size) { return {(size.width + 31) / 32 * 32, (size.height + 31) / 32 * 32}; }

}  // namespace

struct CocoDataset::Impl : PictureSource {
  Impl(const ConfigNode& dataset, const std::string& path, Size fallback)
      : config(read_config(Section(dataset, path))),
        fallback_size(fallback.width_px, fallback.height_px),
        cache(config.cache_bytes) {
    CocoReadOptions options;
    options.drop_invalid_boxes = config.drop_invalid_boxes;
    options.needs_annotations = !config.test_mode;
    coco = read_coco_annotations(config.ann_file, options);
    choose_classes();
    collect_items();
    check_pictures();
    meta.ann_file = config.ann_file;
    meta.config_key = config.path;
    meta.classes_given_as_string = config.classes_given_as_string;
    settings = make_settings(1, config.pipeline, config.skipped);
  }

  std::shared_ptr<const Settings> make_settings(uint64_t version, std::shared_ptr<const Pipeline> pipeline,
                                                std::vector<std::string> skipped) const {
    auto made = std::make_shared<Settings>();
    made->version = version;
    made->output_size = round_up_to_32(pipeline->output_size().value_or(fallback_size));
    made->pipeline = std::move(pipeline);
    made->skipped = std::move(skipped);
    return made;
  }

  std::shared_ptr<const Settings> current() const { return std::atomic_load(&settings); }
  void change(std::shared_ptr<const Pipeline> pipeline, std::vector<std::string> skipped) {
    std::atomic_store(&settings,
                      make_settings(current()->version + 1, std::move(pipeline), std::move(skipped)));
    cache.clear();  // other transforms want other sizes
  }

  // Labels: the order of the configured classes, else of the category ids.
  void choose_classes() {
    std::vector<CocoCategory> categories = coco.categories;
    std::sort(categories.begin(), categories.end(),
              [](const CocoCategory& a, const CocoCategory& b) { return a.id < b.id; });
    if (!config.classes_given) {
      for (const CocoCategory& category : categories) {
        meta.classes.push_back(category.name);
        category_ids.push_back(category.id);
      }
      return;
    }
    meta.classes = config.classes;
    for (const std::string& name : config.classes) {
      const auto found = std::find_if(categories.begin(), categories.end(),
                                      [&](const CocoCategory& category) { return category.name == name; });
      if (found != categories.end()) {
        category_ids.push_back(found->id);
      } else if (config.classes_given_as_string) {
        category_ids.push_back(
            std::numeric_limits<int64_t>::min());  // a hook reports the string, with its remedy
      } else {
        fail_for_class(name, categories);
      }
    }
  }

  [[noreturn]] void fail_for_class(const std::string& name,
                                   const std::vector<CocoCategory>& categories) const {
    std::vector<std::string> names;
    std::string known;
    for (const CocoCategory& category : categories) {
      names.push_back(category.name);
      if (names.size() <= 12) known += (known.empty() ? "" : ", ") + category.name;
    }
    if (names.size() > 12) known += ", ...";
    const std::string near = nearest_name(name, names);
    throw Failure(FailureKind::kRun,
                  {"class is no category of the annotation file",
                   config.ann_file + ", " + config.path + ".metainfo.classes", "\"" + name + "\"",
                   "one of " + known, near.empty() ? "" : "did you mean \"" + near + "\"?"});
  }

  void collect_items() {
    const IdIndex labels(category_ids);
    std::vector<int64_t> ids;
    std::vector<Item> all;
    ids.reserve(coco.images.size());
    all.reserve(coco.images.size());
    for (const CocoImage& image : coco.images) {
      ids.push_back(image.id);
      all.push_back({image.id, image.file_name, image.width_px, image.height_px, {}});
    }
    const IdIndex places(ids);
    for (const CocoAnnotation& one : coco.annotations) {
      const auto label = static_cast<int32_t>(labels.find(one.category_id));
      if (one.iscrowd || one.is_empty() || label < 0) continue;
      const auto& box = one.bbox_xywh_px;
      all[static_cast<size_t>(places.find(one.image_id))].boxes.push_back(
          {static_cast<float>(box[0]), static_cast<float>(box[1]), static_cast<float>(box[0] + box[2]),
           static_cast<float>(box[1] + box[3]), label});
      if (meta.label_min > meta.label_max) meta.label_min = meta.label_max = label;
      meta.label_min = std::min<int64_t>(meta.label_min, label);
      meta.label_max = std::max<int64_t>(meta.label_max, label);
    }
    for (Item& item : all) {
      if (is_filtered(item)) continue;
      image_ids.push_back(item.image_id);
      items.push_back(std::move(item));
    }
    if (items.empty()) {
      throw Failure(FailureKind::kRun,
                    {"no pictures left", config.ann_file + ", " + config.path + ".filter_cfg",
                     "0 of " + std::to_string(coco.images.size()) + " pictures pass the filter",
                     "at least one picture with boxes of the chosen classes", ""});
    }
  }

  bool is_filtered(const Item& item) const {
    if (config.test_mode) return false;
    if (config.filter_empty && item.boxes.empty()) return true;
    const bool size_known = item.width_px > 0 && item.height_px > 0;
    return size_known && std::min(item.width_px, item.height_px) < config.min_size_px;
  }

  std::string picture_path(size_t index) const { return joined(config.image_folder, items[index].file_name); }

  void check_pictures() const {
    size_t missing = 0;
    std::string first;
    const int folder = open(config.image_folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    for (size_t i = 0; i < items.size(); ++i) {
      struct stat status {};
      // Relative to the open folder a look costs a third. What climbs out of it takes the usual way.
      const std::string& name = items[i].file_name;
      if (folder >= 0 && name.find("..") == std::string::npos &&
          fstatat(folder, name.c_str(), &status, 0) == 0 && S_ISREG(status.st_mode)) {
        continue;
      }
      const std::string path = picture_path(i);
      if (stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode)) continue;
      if (missing++ == 0) first = path;
    }
    if (folder >= 0) close(folder);
    if (missing == 0) return;
    throw Failure(
        FailureKind::kRun,
        {"missing picture", first,
         std::to_string(missing) + " of " + std::to_string(items.size()) + " pictures are not there",
         "every picture that " + config.ann_file + " names",
         "pictures are looked for in " + config.image_folder + " (data_root and data_prefix.img)"});
  }

  int64_t size() const override { return static_cast<int64_t>(items.size()); }

  Description describe(int64_t index) const override {
    const Item& item = items[static_cast<size_t>(index)];
    return {size_of(index), item.boxes};
  }

  // As the annotation file says, or where that says nothing, the picture's header: read once.
  cv::Size size_of(int64_t index) const {
    const Item& item = items[static_cast<size_t>(index)];
    if (item.width_px > 0 && item.height_px > 0) {
      return {static_cast<int>(item.width_px), static_cast<int>(item.height_px)};
    }
    {
      const std::lock_guard<std::mutex> lock(sizes_mutex);
      const auto known = sizes.find(index);
      if (known != sizes.end()) return known->second;
    }
    const cv::Size size = picture_size(picture_path(static_cast<size_t>(index)));
    const std::lock_guard<std::mutex> lock(sizes_mutex);
    return sizes.emplace(index, size).first->second;
  }

  cv::Mat read(int64_t index, cv::Size wanted) const override {
    const auto width = static_cast<uint64_t>(wanted.width);
    const ImageCache::Key key{index, width << 32 | static_cast<uint32_t>(wanted.height)};
    cv::Mat image = cache.find(key);
    if (!image.empty()) return image;
    const cv::Size original = size_of(index);
    image = read_picture(picture_path(static_cast<size_t>(index)), original.width, original.height);
    if (image.size() != wanted) {
      cv::Mat resized;
      cv::resize(image, resized, wanted, 0, 0, cv::INTER_LINEAR);
      image = resized;
    }
    cache.put(key, image);
    return image;
  }

  PicturePart read_part(int64_t index, int halvings, cv::Rect window) const override {
    const ImageCache::Key key{index, static_cast<uint64_t>(halvings)};  // no size has a width of 0
    const cv::Mat known = cache.find(key);
    if (!known.empty()) return {known, {0, 0}};
    const cv::Size original = size_of(index);
    const cv::Size level = halved(original, halvings);
    const bool whole = cache.has_room(static_cast<int64_t>(level.area()) * 3);
    if (whole) window = cv::Rect({0, 0}, level);
    const std::string path = picture_path(static_cast<size_t>(index));
    PicturePart part = read_picture_part(path, original.width, original.height, halvings, window);
    if (whole) cache.put(key, part.image);
    return part;
  }

  const DatasetConfig config;
  const cv::Size fallback_size;
  CocoAnnotations coco;
  std::vector<int64_t> category_ids;
  std::vector<int64_t> image_ids;
  std::vector<Item> items;
  runner::DatasetMeta meta;
  std::shared_ptr<const Settings> settings;  // read and replaced atomically
  mutable ImageCache cache;
  mutable std::mutex sizes_mutex;
  mutable std::unordered_map<int64_t, cv::Size> sizes;  // of pictures whose size only their files know
};

CocoDataset::CocoDataset(const ConfigNode& dataset, const std::string& path, Size fallback_size)
    : impl_(std::make_unique<Impl>(dataset, path, fallback_size)) {}

CocoDataset::~CocoDataset() = default;

void CocoDataset::check_config(const ConfigNode& dataset, const std::string& path) {
  read_config(Section(dataset, path));
}

TableShape CocoDataset::config_shape(const std::string& type) {
  TableShape shape;
  const ConfigNode sample = ConfigNode::table({{"type", ConfigNode::string(type)}});
  read_config(Section(sample, "dataset", shape));
  return shape;
}

int64_t CocoDataset::size() const { return impl_->size(); }

const runner::DatasetMeta& CocoDataset::meta() const { return impl_->meta; }

std::unique_ptr<runner::Sample> CocoDataset::get(const runner::SampleKey& key) const {
  const auto settings = impl_->current();
  auto sample = std::make_unique<DetectionSample>();
  sample->version = settings->version;
  CounterRng rng(key.seed, key.epoch, key.position, CounterRng::Purpose::kPipeline);
  LabelledPicture picture = settings->pipeline->run(key.index, rng, *impl_, settings->skipped);
  letterbox(picture, settings->output_size);
  clip_to_picture(picture.boxes, picture.image.cols, picture.image.rows);
  sample->image = std::move(picture.image);
  sample->boxes = std::move(picture.boxes);
  sample->image_id = impl_->image_ids.at(static_cast<size_t>(picture.index));
  sample->original_width_px = picture.original_width_px;
  sample->original_height_px = picture.original_height_px;
  sample->scale_x = picture.scale_x;
  sample->scale_y = picture.scale_y;
  return sample;
}

uint64_t CocoDataset::version() const { return impl_->current()->version; }

std::vector<runner::TransformInfo> CocoDataset::transforms() const {
  const auto settings = impl_->current();
  std::vector<runner::TransformInfo> infos;
  for (const std::string& type : settings->pipeline->types()) {
    const bool skipped =
        std::find(settings->skipped.begin(), settings->skipped.end(), type) != settings->skipped.end();
    infos.push_back({type, skipped});
  }
  return infos;
}

void CocoDataset::set_skipped_types(const std::vector<std::string>& types) {
  const auto settings = impl_->current();
  if (types == settings->skipped) return;
  impl_->change(settings->pipeline, types);
}

void CocoDataset::replace_pipeline(const ConfigNode& pipeline) {
  auto made = std::make_shared<const Pipeline>(nullptr, "", &pipeline, impl_->config.path + ".pipeline");
  impl_->change(std::move(made), impl_->current()->skipped);
}

void CocoDataset::set_epoch(int64_t, int64_t) {}

CocoDataset::Size CocoDataset::output_size() const {
  const cv::Size size = impl_->current()->output_size;
  return {size.width, size.height};
}

const CocoAnnotations& CocoDataset::annotations() const { return impl_->coco; }

const std::vector<int64_t>& CocoDataset::category_ids() const { return impl_->category_ids; }

const std::vector<int64_t>& CocoDataset::image_ids() const { return impl_->image_ids; }

std::string CocoDataset::picture_path(int64_t index) const {
  return impl_->picture_path(static_cast<size_t>(index));
}

}  // namespace grapnel::detection::data
