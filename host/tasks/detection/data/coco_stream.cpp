#include "tasks/detection/data/coco_stream.hpp"

#include <fcntl.h>
#include <simdjson.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <exception>
#include <string_view>
#include <unordered_set>

#include "tasks/detection/data/coco_ids.hpp"

namespace grapnel::detection::data {
namespace {

namespace json = simdjson::ondemand;

struct OddDocument : std::exception {};

void require(bool usual) {
  if (!usual) throw OddDocument();
}

// A whole file in memory with the room behind it that the parser reads into. In huge pages where there are
// any: touching a hundred megabytes page by page costs as much as parsing them.
class FileText {
 public:
  explicit FileText(const std::string& path) {
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return;
    struct stat status {};
    if (fstat(file, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0) {
      read_all(file, static_cast<size_t>(status.st_size));
    }
    close(file);
  }
  ~FileText() {
    if (memory_ != MAP_FAILED) munmap(memory_, mapped_);
  }
  FileText(const FileText&) = delete;
  FileText& operator=(const FileText&) = delete;

  bool complete() const { return complete_; }
  simdjson::padded_string_view view() const {
    return simdjson::padded_string_view(static_cast<const char*>(memory_), size_, mapped_);
  }

 private:
  void read_all(int file, size_t size) {
    size_ = size;
    mapped_ = size + simdjson::SIMDJSON_PADDING;
    memory_ = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory_ == MAP_FAILED) return;
    madvise(memory_, mapped_, MADV_HUGEPAGE);
    size_t done = 0;
    while (done < size) {
      const ssize_t got = read(file, static_cast<char*>(memory_) + done, size - done);
      if (got <= 0) return;
      done += static_cast<size_t>(got);
    }
    complete_ = true;
  }

  void* memory_ = MAP_FAILED;
  size_t size_ = 0;
  size_t mapped_ = 0;
  bool complete_ = false;
};

// The key as it is written. One with an escape in it is odd: it might be one of ours in disguise.
std::string_view key_of(json::field& field) {
  const char* start = field.key().raw();
  const char* end = start;
  while (*end != '"') require(*end++ != '\\');
  return {start, static_cast<size_t>(end - start)};
}

// Keys of one object that have been seen; a second time is odd.
class SeenKeys {
 public:
  void take(unsigned key) {
    require((seen_ & (1U << key)) == 0);
    seen_ |= 1U << key;
  }
  bool has(unsigned key) const { return (seen_ & (1U << key)) != 0; }

 private:
  unsigned seen_ = 0;
};

// Nothing but white space follows the document.
void require_end(json::document& document) {
  require(document.current_location().error() == simdjson::OUT_OF_BOUNDS);
}

double finite_number(json::value value) {
  const double number = value.get_double();
  require(std::isfinite(number));
  return number;
}

std::array<double, 4> box_of(json::value value) {
  std::array<double, 4> box{};
  size_t at = 0;
  for (json::value number : value.get_array()) {
    require(at < 4);
    box[at++] = finite_number(number);
  }
  require(at == 4);
  return box;
}

std::vector<CocoImage> read_images(json::value list, const CocoReadOptions& options) {
  std::vector<CocoImage> images;
  for (json::object object : list.get_array()) {
    enum : unsigned { kId, kFileName, kWidth, kHeight };
    SeenKeys seen;
    CocoImage image;
    for (json::field field : object) {
      const std::string_view key = key_of(field);
      if (key == "id") {
        seen.take(kId);
        image.id = field.value().get_int64();
      } else if (key == "file_name") {
        seen.take(kFileName);
        image.file_name = std::string_view(field.value().get_string());
      } else if (key == "width") {
        seen.take(kWidth);
        image.width_px = field.value().get_int64();
      } else if (key == "height") {
        seen.take(kHeight);
        image.height_px = field.value().get_int64();
      }
    }
    require(seen.has(kId) && image.width_px >= 0 && image.height_px >= 0);
    require(!options.needs_file_names || !image.file_name.empty());
    images.push_back(std::move(image));
  }
  require(!images.empty());
  return images;
}

std::vector<CocoCategory> read_categories(json::value list) {
  std::vector<CocoCategory> categories;
  std::unordered_set<std::string> names;
  for (json::object object : list.get_array()) {
    enum : unsigned { kId, kName };
    SeenKeys seen;
    CocoCategory category;
    for (json::field field : object) {
      const std::string_view key = key_of(field);
      if (key == "id") {
        seen.take(kId);
        category.id = field.value().get_int64();
      } else if (key == "name") {
        seen.take(kName);
        category.name = std::string_view(field.value().get_string());
      }
    }
    require(seen.has(kId) && seen.has(kName) && names.insert(category.name).second);
    categories.push_back(std::move(category));
  }
  require(!categories.empty());
  return categories;
}

bool read_flag(json::value value) {
  const json::json_type type = value.type();
  if (type == json::json_type::boolean) return value.get_bool();
  const int64_t number = value.get_int64();
  require(number == 0 || number == 1);
  return number == 1;
}

CocoAnnotation read_annotation(json::object object, size_t place) {
  enum : unsigned { kId, kImage, kCategory, kBox, kArea, kCrowd, kSegmentation };
  SeenKeys seen;
  CocoAnnotation annotation;
  bool is_mask = false;
  for (json::field field : object) {
    const std::string_view key = key_of(field);
    if (key == "id") {
      seen.take(kId);
      annotation.id = field.value().get_int64();
    } else if (key == "image_id") {
      seen.take(kImage);
      annotation.image_id = field.value().get_int64();
    } else if (key == "category_id") {
      seen.take(kCategory);
      annotation.category_id = field.value().get_int64();
    } else if (key == "bbox") {
      seen.take(kBox);
      annotation.bbox_xywh_px = box_of(field.value());
    } else if (key == "area") {
      seen.take(kArea);
      annotation.area_px2 = finite_number(field.value());
    } else if (key == "iscrowd") {
      seen.take(kCrowd);
      annotation.iscrowd = read_flag(field.value());
    } else if (key == "segmentation") {
      seen.take(kSegmentation);
      is_mask = field.value().type() == json::json_type::object;
    }
  }
  require(seen.has(kImage) && seen.has(kCategory) && seen.has(kBox));
  if (!seen.has(kId)) annotation.id = static_cast<int64_t>(place) + 1;
  if (!seen.has(kArea)) {
    require(!is_mask);  // the area is the mask's
    annotation.area_px2 = annotation.bbox_xywh_px[2] * annotation.bbox_xywh_px[3];
  }
  return annotation;
}

template <typename Entry>
std::vector<int64_t> ids_of(const std::vector<Entry>& entries) {
  std::vector<int64_t> ids;
  ids.reserve(entries.size());
  for (const Entry& entry : entries) ids.push_back(entry.id);
  return ids;
}

// What can be told only when all lists are read, since they come in any order.
void check_annotations(CocoAnnotations& read, const CocoReadOptions& options) {
  require(!has_duplicate(ids_of(read.images)) && !has_duplicate(ids_of(read.categories)) &&
          !has_duplicate(ids_of(read.annotations)));
  const IdIndex images(ids_of(read.images));
  const IdIndex categories(ids_of(read.categories));
  size_t kept = 0;
  for (const CocoAnnotation& one : read.annotations) {
    const bool known = images.has(one.image_id) && categories.has(one.category_id);
    require(known || options.as_pycocotools);
    if (!known) {
      ++read.unknown_annotations;
      continue;
    }
    if (one.is_empty() && !options.as_pycocotools) {
      require(options.drop_invalid_boxes);
      ++read.dropped_boxes;
    }
    read.annotations[kept++] = one;
  }
  read.annotations.resize(kept);
}

CocoAnnotations read_annotations(json::document& document, const CocoReadOptions& options) {
  enum : unsigned { kImages, kCategories, kAnnotations };
  SeenKeys seen;
  CocoAnnotations read;
  for (json::field field : document.get_object()) {
    const std::string_view key = key_of(field);
    if (key == "images") {
      seen.take(kImages);
      read.images = read_images(field.value(), options);
    } else if (key == "categories") {
      seen.take(kCategories);
      read.categories = read_categories(field.value());
    } else if (key == "annotations") {
      seen.take(kAnnotations);
      for (json::object object : field.value().get_array()) {
        read.annotations.push_back(read_annotation(object, read.annotations.size()));
      }
    }
  }
  require(seen.has(kImages) && seen.has(kCategories));
  require(seen.has(kAnnotations) || !options.needs_annotations);
  require_end(document);
  check_annotations(read, options);
  return read;
}

CocoDetection read_detection(json::object object) {
  enum : unsigned { kImage, kCategory, kBox, kScore };
  SeenKeys seen;
  CocoDetection detection;
  for (json::field field : object) {
    const std::string_view key = key_of(field);
    if (key == "image_id") {
      seen.take(kImage);
      detection.image_id = field.value().get_int64();
    } else if (key == "category_id") {
      seen.take(kCategory);
      detection.category_id = field.value().get_int64();
    } else if (key == "bbox") {
      seen.take(kBox);
      detection.bbox_xywh_px = box_of(field.value());
    } else if (key == "score") {
      seen.take(kScore);
      detection.score = finite_number(field.value());
    }
  }
  require(seen.has(kImage) && seen.has(kCategory) && seen.has(kBox) && seen.has(kScore));
  return detection;
}

// Runs `read` on the file's document and its size; empty when anything is odd.
template <typename Read>
auto read_file(const std::string& path, Read read)
    -> std::optional<decltype(read(std::declval<json::document&>(), size_t{0}))> {
  const FileText text(path);
  if (!text.complete()) return std::nullopt;
  try {
    json::parser parser;
    json::document document = parser.iterate(text.view());
    return read(document, text.view().size());
  } catch (const OddDocument&) {
    return std::nullopt;
  } catch (const simdjson::simdjson_error&) {
    return std::nullopt;
  }
}

}  // namespace

std::optional<CocoAnnotations> stream_coco_annotations(const std::string& path,
                                                       const CocoReadOptions& options) {
  auto read =
      read_file(path, [&](json::document& document, size_t) { return read_annotations(document, options); });
  if (read) read->path = path;
  return read;
}

std::optional<std::vector<CocoDetection>> stream_coco_results(const std::string& path) {
  constexpr size_t kUsualBytes = 90;  // of an entry: memory that is reserved and not touched costs nothing
  return read_file(path, [](json::document& document, size_t bytes) {
    std::vector<CocoDetection> detections;
    detections.reserve(bytes / kUsualBytes);
    for (json::object object : document.get_array()) detections.push_back(read_detection(object));
    require_end(document);
    return detections;
  });
}

}  // namespace grapnel::detection::data
