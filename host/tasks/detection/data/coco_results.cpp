// Reads COCO results files and writes an evaluation out, for people and as JSON.
#include <cmath>
#include <cstdio>
#include <unordered_set>

#include "core/config_node.hpp"
#include "tasks/detection/data/coco_eval.hpp"
#include "tasks/detection/data/coco_json.hpp"

namespace grapnel::detection::data {

const std::array<const char*, 12> kCocoStatNames = {"AP",  "AP50", "AP75",  "APs", "APm", "APl",
                                                    "AR1", "AR10", "AR100", "ARs", "ARm", "ARl"};

std::vector<CocoDetection> read_coco_results(const std::string& path, const CocoAnnotations& truth) {
  const JsonFile file(path, "results file");
  simdjson::dom::array list;
  if (file.root().get_array().get(list) != simdjson::SUCCESS) {
    file.fail("no COCO results file", "", file.root().is_object() ? "a JSON object" : "a single JSON value",
              "a list of {image_id, category_id, bbox, score}",
              file.root().is_object() ? "an object is what an annotation file holds" : "");
  }
  std::unordered_set<int64_t> image_ids;
  std::unordered_set<int64_t> category_ids;
  for (const CocoImage& image : truth.images) image_ids.insert(image.id);
  for (const CocoCategory& category : truth.categories) category_ids.insert(category.id);

  std::vector<CocoDetection> detections;
  detections.reserve(list.size());
  size_t at = 0;
  for (const simdjson::dom::element element : list) {
    const JsonEntry entry(file, "result " + std::to_string(at++), element);
    CocoDetection detection;
    detection.image_id = entry.integer("image_id");
    if (image_ids.count(detection.image_id) == 0) {
      entry.fail("unknown image id", std::to_string(detection.image_id),
                 "the id of an image of " + truth.path);
    }
    detection.category_id = entry.integer("category_id");
    if (category_ids.count(detection.category_id) == 0) {
      entry.fail("unknown category", std::to_string(detection.category_id),
                 "the id of a category of " + truth.path);
    }
    detection.bbox_xywh_px = entry.box("bbox");
    if (detection.bbox_xywh_px[2] < 0 || detection.bbox_xywh_px[3] < 0) {
      entry.fail("negative box", json_excerpt(element), "a width and a height of 0 or more");
    }
    detection.score = entry.number("score");
    detections.push_back(detection);
  }
  return detections;
}

CocoEvaluation evaluate_coco_files(const std::string& annotations_path, const std::string& results_path) {
  CocoReadOptions options;
  options.needs_file_names = false;
  const CocoAnnotations truth = read_coco_annotations(annotations_path, options);
  return evaluate_coco(truth, read_coco_results(results_path, truth));
}

std::string coco_table(const CocoEvaluation& evaluation) {
  struct Row {
    bool precision;
    const char* iou;
    const char* area;
    int max_detections;
  };
  static constexpr Row kRows[12] = {{true, "0.50:0.95", "all", 100},     {true, "0.50", "all", 100},
                                    {true, "0.75", "all", 100},          {true, "0.50:0.95", "small", 100},
                                    {true, "0.50:0.95", "medium", 100},  {true, "0.50:0.95", "large", 100},
                                    {false, "0.50:0.95", "all", 1},      {false, "0.50:0.95", "all", 10},
                                    {false, "0.50:0.95", "all", 100},    {false, "0.50:0.95", "small", 100},
                                    {false, "0.50:0.95", "medium", 100}, {false, "0.50:0.95", "large", 100}};
  std::string text;
  char line[160];
  for (size_t i = 0; i < 12; ++i) {
    const Row& row = kRows[i];
    std::snprintf(line, sizeof line, " %-18s %s @[ IoU=%-9s | area=%6s | maxDets=%3d ] = %.3f\n",
                  row.precision ? "Average Precision" : "Average Recall", row.precision ? "(AP)" : "(AR)",
                  row.iou, row.area, row.max_detections, evaluation.stats[i]);
    text += line;
  }
  size_t width = 5;
  for (const CocoClassResult& one : evaluation.classes) width = std::max(width, one.name.size());
  text += "\n class" + std::string(width - 5, ' ') + "     AP\n";
  for (const CocoClassResult& one : evaluation.classes) {
    std::snprintf(line, sizeof line, " %6.3f\n", one.ap);
    text += " " + one.name + std::string(width - one.name.size(), ' ') + (one.ap < 0 ? "      -\n" : line);
  }
  return text;
}

std::string coco_json(const CocoEvaluation& evaluation) {
  std::vector<ConfigNode::Member> stats;
  for (size_t i = 0; i < 12; ++i)
    stats.emplace_back(kCocoStatNames[i], ConfigNode::number(evaluation.stats[i]));
  std::vector<ConfigNode> classes;
  for (const CocoClassResult& one : evaluation.classes) {
    classes.push_back(ConfigNode::table({{"id", ConfigNode::integer(one.category_id)},
                                         {"name", ConfigNode::string(one.name)},
                                         {"AP", ConfigNode::number(one.ap)}}));
  }
  return ConfigNode::table({{"stats", ConfigNode::table(std::move(stats))},
                            {"classes", ConfigNode::list(std::move(classes))}})
      .to_json();
}

}  // namespace grapnel::detection::data
