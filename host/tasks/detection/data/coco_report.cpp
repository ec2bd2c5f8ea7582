// Writes an evaluation out, for people and as JSON.
#include <algorithm>
#include <cstdio>

#include "core/config_node.hpp"
#include "tasks/detection/data/coco_eval.hpp"

namespace grapnel::detection::data {
namespace {

ConfigNode numbers(const std::vector<double>& values) {
  std::vector<ConfigNode> list;
  list.reserve(values.size());
  for (const double value : values) list.push_back(ConfigNode::number(value));
  return ConfigNode::list(std::move(list));
}

}  // namespace

const std::array<const char*, 12> kCocoStatNames = {"AP",  "AP50", "AP75",  "APs", "APm", "APl",
                                                    "AR1", "AR10", "AR100", "ARs", "ARm", "ARl"};

std::string coco_table(const CocoEvaluation& evaluation) {
  struct Row {
    bool precision;
    const char* iou;
    const char* area;
    size_t limit;
  };
  static constexpr Row kRows[12] = {
      {true, "0.50:0.95", "all", 2},    {true, "0.50", "all", 2},          {true, "0.75", "all", 2},
      {true, "0.50:0.95", "small", 2},  {true, "0.50:0.95", "medium", 2},  {true, "0.50:0.95", "large", 2},
      {false, "0.50:0.95", "all", 0},   {false, "0.50:0.95", "all", 1},    {false, "0.50:0.95", "all", 2},
      {false, "0.50:0.95", "small", 2}, {false, "0.50:0.95", "medium", 2}, {false, "0.50:0.95", "large", 2}};
  std::string text;
  char line[160];
  for (size_t i = 0; i < 12; ++i) {
    const Row& row = kRows[i];
    std::snprintf(line, sizeof line, " %-18s %s @[ IoU=%-9s | area=%6s | maxDets=%3lld ] = %.3f\n",
                  row.precision ? "Average Precision" : "Average Recall", row.precision ? "(AP)" : "(AR)",
                  row.iou, row.area, static_cast<long long>(evaluation.max_detections[row.limit]),
                  evaluation.stats[i]);
    text += line;
  }
  if (evaluation.classes.empty()) return text;
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
  std::vector<ConfigNode::Member> members{{"stats", ConfigNode::table(std::move(stats))},
                                          {"classes", ConfigNode::list(std::move(classes))}};
  std::vector<ConfigNode> notes;
  for (const std::string& note : evaluation.notes) notes.push_back(ConfigNode::string(note));
  members.emplace_back("notes", ConfigNode::list(std::move(notes)));
  if (!evaluation.precision.empty()) {
    members.emplace_back("precision", numbers(evaluation.precision));
    members.emplace_back("recall", numbers(evaluation.recall));
  }
  return ConfigNode::table(std::move(members)).to_json();
}

}  // namespace grapnel::detection::data
