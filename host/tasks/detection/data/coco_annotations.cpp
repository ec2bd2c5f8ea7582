#include "tasks/detection/data/coco_annotations.hpp"

#include <optional>
#include <string_view>
#include <unordered_set>

#include "tasks/detection/data/coco_json.hpp"
#include "tasks/detection/data/coco_rle.hpp"
#include "tasks/detection/data/coco_stream.hpp"

namespace grapnel::detection::data {
namespace {

using IdSet = std::unordered_set<int64_t>;

std::string entry_name(const char* list, size_t at) {
  return std::string(list) + "[" + std::to_string(at) + "]";
}

// The list under `key`; empty when the file has none.
std::optional<simdjson::dom::array> find_list(const JsonFile& file, const char* key) {
  simdjson::dom::element element;
  if (file.root().at_key(key).get(element) != simdjson::SUCCESS) return std::nullopt;
  simdjson::dom::array list;
  if (element.get_array().get(list) != simdjson::SUCCESS) {
    file.fail(std::string("wrong \"") + key + "\"", "", json_excerpt(element), "a list");
  }
  return list;
}

void take_id(const JsonEntry& entry, int64_t id, const char* what, IdSet& ids) {
  if (!ids.insert(id).second)
    entry.fail(std::string("duplicate ") + what + " id", std::to_string(id), "ids that occur once");
}

std::vector<CocoImage> read_images(const JsonFile& file, const CocoReadOptions& options, IdSet& ids) {
  const auto list = find_list(file, "images");
  if (!list)
    file.fail("no images in the annotation file", "", "no \"images\" list", "a COCO file with images");
  std::vector<CocoImage> images;
  images.reserve(list->size());
  size_t at = 0;
  for (const simdjson::dom::element element : *list) {
    JsonEntry entry(file, entry_name("images", at++), element);
    CocoImage image;
    image.id = entry.integer("id");
    entry.set_id(image.id);
    take_id(entry, image.id, "image", ids);
    if (options.needs_file_names || entry.has("file_name")) image.file_name = entry.text("file_name");
    if (options.needs_file_names && image.file_name.empty()) {
      entry.fail("wrong \"file_name\"", "an empty string", "the picture's file");
    }
    image.width_px = entry.optional_integer("width").value_or(0);
    image.height_px = entry.optional_integer("height").value_or(0);
    if (image.width_px < 0 || image.height_px < 0) {
      entry.fail("wrong picture size",
                 std::to_string(image.width_px) + " x " + std::to_string(image.height_px),
                 "a positive width and height");
    }
    images.push_back(std::move(image));
  }
  if (images.empty())
    file.fail("no images in the annotation file", "", "an empty \"images\" list", "at least one image");
  return images;
}

std::vector<CocoCategory> read_categories(const JsonFile& file, IdSet& ids) {
  const auto list = find_list(file, "categories");
  std::vector<CocoCategory> categories;
  std::unordered_set<std::string> names;
  size_t at = 0;
  if (list) {
    for (const simdjson::dom::element element : *list) {
      JsonEntry entry(file, entry_name("categories", at++), element);
      CocoCategory category;
      category.id = entry.integer("id");
      entry.set_id(category.id);
      category.name = entry.text("name");
      take_id(entry, category.id, "category", ids);
      if (!names.insert(category.name).second) {
        entry.fail("duplicate category name", "\"" + category.name + "\"", "names that occur once");
      }
      categories.push_back(std::move(category));
    }
  }
  if (categories.empty()) {
    file.fail("no categories in the annotation file", "", list ? "an empty list" : "no \"categories\" list",
              "at least one category");
  }
  return categories;
}

std::string known_categories(const std::vector<CocoCategory>& categories) {
  std::string text = "one of the categories";
  constexpr size_t kMost = 12;
  for (size_t i = 0; i < categories.size() && i < kMost; ++i) {
    text += (i == 0 ? " " : ", ") + std::to_string(categories[i].id);
  }
  return categories.size() > kMost ? text + ", ..." : text;
}

[[noreturn]] void refuse_box(const JsonEntry& entry, const std::array<double, 4>& box) {
  std::string got = "[";
  for (size_t i = 0; i < 4; ++i) {
    char text[32];
    std::snprintf(text, sizeof text, "%s%g", i ? ", " : "", box[i]);
    got += text;
  }
  const bool negative = box[2] < 0 || box[3] < 0;
  entry.fail(
      negative ? "negative box" : "empty box", got + "]",
      "[left, top, width, height] with width and height above 0",
      "correct the file, or leave such boxes out with invalid_boxes = \"drop\" in the dataset's table");
}

bool is_empty_list(const std::optional<simdjson::dom::element>& element) {
  simdjson::dom::array list;
  return element && element->get_array().get(list) == simdjson::SUCCESS && list.size() == 0;
}

void read_box_and_area(const JsonEntry& entry, CocoAnnotation& annotation) {
  const auto box = entry.find("bbox");
  const auto segmentation = entry.find("segmentation");
  const bool has_box = box && !is_empty_list(box);
  const bool has_mask = segmentation && segmentation->is_object();
  const auto area = entry.optional_number("area");
  std::optional<CocoRle> mask;
  if (has_mask && (!has_box || !area)) mask = read_coco_rle(entry, *segmentation);
  annotation.bbox_xywh_px = mask && !has_box ? rle_box_xywh_px(*mask) : entry.box("bbox");
  annotation.area_px2 = area   ? *area
                        : mask ? rle_area_px2(*mask)
                               : annotation.bbox_xywh_px[2] * annotation.bbox_xywh_px[3];
}

// By way of the whole document: the reader for files that are odd or wrong, with a message for each way.
CocoAnnotations read_document(const std::string& path, const CocoReadOptions& options) {
  const JsonFile file(path, "annotation file");
  if (!file.root().is_object()) {
    file.fail("no COCO annotation file", "", file.root().is_array() ? "a JSON list" : "a single JSON value",
              "an object with images, annotations and categories",
              file.root().is_array() ? "a list is what a results file holds" : "");
  }
  CocoAnnotations result;
  result.path = path;
  IdSet image_ids;
  IdSet category_ids;
  result.images = read_images(file, options, image_ids);
  result.categories = read_categories(file, category_ids);

  const auto list = find_list(file, "annotations");
  if (!list) {
    if (!options.needs_annotations) return result;
    file.fail("no annotations in the annotation file", "", "no \"annotations\" list",
              "a COCO file with annotations");
  }
  IdSet ids;
  result.annotations.reserve(list->size());
  size_t at = 0;
  for (const simdjson::dom::element element : *list) {
    JsonEntry entry(file, entry_name("annotations", at++), element);
    CocoAnnotation annotation;
    annotation.id = entry.optional_integer("id").value_or(static_cast<int64_t>(at));
    entry.set_id(annotation.id);
    take_id(entry, annotation.id, "annotation", ids);
    annotation.image_id = entry.integer("image_id");
    const bool image_known = image_ids.count(annotation.image_id) != 0;
    if (!image_known && !options.as_pycocotools) {
      entry.fail("unknown image id", std::to_string(annotation.image_id),
                 "the id of one of the file's images");
    }
    annotation.category_id = entry.integer("category_id");
    const bool category_known = category_ids.count(annotation.category_id) != 0;
    if (!category_known && !options.as_pycocotools) {
      entry.fail("unknown category", std::to_string(annotation.category_id),
                 known_categories(result.categories));
    }
    read_box_and_area(entry, annotation);
    if (annotation.is_empty() && !options.as_pycocotools) {
      if (!options.drop_invalid_boxes) refuse_box(entry, annotation.bbox_xywh_px);
      ++result.dropped_boxes;
    }
    annotation.iscrowd = entry.flag("iscrowd");
    if (image_known && category_known) {
      result.annotations.push_back(annotation);
    } else {
      ++result.unknown_annotations;
    }
  }
  return result;
}

}  // namespace

CocoAnnotations read_coco_annotations(const std::string& path, const CocoReadOptions& options) {
  if (auto read = stream_coco_annotations(path, options)) return std::move(*read);
  return read_document(path, options);
}

}  // namespace grapnel::detection::data
