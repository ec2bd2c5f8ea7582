// Reads COCO results files, and evaluates one against its annotations.
#include <string>

#include "tasks/detection/data/coco_eval.hpp"
#include "tasks/detection/data/coco_ids.hpp"
#include "tasks/detection/data/coco_json.hpp"
#include "tasks/detection/data/coco_rle.hpp"
#include "tasks/detection/data/coco_stream.hpp"

namespace grapnel::detection::data {
namespace {

IdIndex image_index(const CocoAnnotations& truth) {
  std::vector<int64_t> ids;
  for (const CocoImage& image : truth.images) ids.push_back(image.id);
  return IdIndex(ids);
}

IdIndex category_index(const CocoAnnotations& truth) {
  std::vector<int64_t> ids;
  for (const CocoCategory& category : truth.categories) ids.push_back(category.id);
  return IdIndex(ids);
}

bool has_box(const JsonEntry& entry) {
  const auto box = entry.find("bbox");
  simdjson::dom::array list;
  return box && !(box->get_array().get(list) == simdjson::SUCCESS && list.size() == 0);
}

void read_mask(const JsonEntry& entry, CocoDetection& detection) {
  const auto segmentation = entry.find("segmentation");
  if (!segmentation || !segmentation->is_object()) {
    entry.fail("wrong \"segmentation\"", segmentation ? json_excerpt(*segmentation) : "none",
               "a run-length mask {\"size\", \"counts\"}, as the first result has one",
               "results with polygons are no results of pycocotools either: give boxes as \"bbox\"");
  }
  const CocoRle mask = read_coco_rle(entry, *segmentation);
  detection.mask_area_px2 = rle_area_px2(mask);
  detection.bbox_xywh_px = has_box(entry) ? entry.box("bbox") : rle_box_xywh_px(mask);
}

// By way of the whole document: for files of masks, and those that are odd or wrong.
std::vector<CocoDetection> read_document(const std::string& path, const CocoAnnotations& truth,
                                         const IdIndex& images) {
  const JsonFile file(path, "results file");
  simdjson::dom::array list;
  if (file.root().get_array().get(list) != simdjson::SUCCESS) {
    file.fail("no COCO results file", "", file.root().is_object() ? "a JSON object" : "a single JSON value",
              "a list of {image_id, category_id, bbox, score}",
              file.root().is_object() ? "an object is what an annotation file holds" : "");
  }
  std::vector<CocoDetection> detections;
  bool masks = false;
  for (const simdjson::dom::element element : list) {
    const JsonEntry entry(file, "result " + std::to_string(detections.size()), element);
    // pycocotools takes the first entry's word for the whole file.
    if (detections.empty()) masks = !has_box(entry) && entry.has("segmentation");
    CocoDetection detection;
    detection.image_id = entry.integer("image_id");
    if (!images.has(detection.image_id)) {
      entry.fail("unknown image id", std::to_string(detection.image_id),
                 "the id of an image of " + truth.path);
    }
    detection.category_id = entry.integer("category_id");
    if (masks) {
      read_mask(entry, detection);
    } else {
      detection.bbox_xywh_px = entry.box("bbox");
    }
    detection.score = entry.number("score");
    detections.push_back(detection);
  }
  return detections;
}

std::string counted(size_t count, const std::string& one, const std::string& many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

void add_notes(const CocoAnnotations& truth, const std::vector<CocoDetection>& detections,
               const std::string& results_path, std::vector<std::string>& notes) {
  if (truth.unknown_annotations > 0) {
    notes.push_back(counted(static_cast<size_t>(truth.unknown_annotations), "annotation", "annotations") +
                    " of " + truth.path + " with an unknown image or category: counted for nothing");
  }
  size_t empty_truth = 0;
  for (const CocoAnnotation& one : truth.annotations) empty_truth += one.is_empty();
  if (empty_truth > 0) {
    notes.push_back(counted(empty_truth, "box", "boxes") + " of " + truth.path +
                    " without area: nothing can match, so each counts as missed");
  }
  const IdIndex categories = category_index(truth);
  size_t unknown = 0, negative = 0;
  int64_t first_unknown = 0;
  for (const CocoDetection& one : detections) {
    negative += one.bbox_xywh_px[2] < 0 || one.bbox_xywh_px[3] < 0;
    if (categories.has(one.category_id)) continue;
    if (unknown++ == 0) first_unknown = one.category_id;
  }
  if (unknown > 0) {
    notes.push_back(
        counted(unknown, "result", "results") + " of " + results_path + " with a category that " +
        truth.path + " does not have (the first: " + std::to_string(first_unknown) +
        "): counted for nothing. Are they the network's labels instead of the file's category ids?");
  }
  if (negative > 0) {
    notes.push_back(counted(negative, "result", "results") + " of " + results_path +
                    " with a negative width or height: they match nothing");
  }
}

}  // namespace

std::vector<CocoDetection> read_coco_results(const std::string& path, const CocoAnnotations& truth) {
  const IdIndex images = image_index(truth);
  auto read = stream_coco_results(path);
  if (read) {
    bool known = true;
    for (const CocoDetection& one : *read) known = known && images.has(one.image_id);
    if (known) return std::move(*read);
  }
  return read_document(path, truth, images);
}

CocoEvaluation evaluate_coco_files(const std::string& annotations_path, const std::string& results_path,
                                   const CocoEvalOptions& options) {
  CocoReadOptions reading;
  reading.needs_file_names = false;
  reading.as_pycocotools = true;
  const CocoAnnotations truth = read_coco_annotations(annotations_path, reading);
  const std::vector<CocoDetection> detections = read_coco_results(results_path, truth);
  CocoEvaluation evaluation = evaluate_coco(truth, detections, options);
  add_notes(truth, detections, results_path, evaluation.notes);
  return evaluation;
}

}  // namespace grapnel::detection::data
