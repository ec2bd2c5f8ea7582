// The YOLOX recipes of host/configs, resolved, against a table of the numbers in MMDetection's and Megvii's
// own files (tests/golden/recipes).
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "core/config_file.hpp"
#include "runner/run_config.hpp"
#include "tasks/detection/detection_config.hpp"
#include "tasks/detection/yolox_config.hpp"

namespace grapnel::detection {
namespace {

using Row = std::map<std::string, std::string>;

std::vector<std::string> split_at_tabs(const std::string& line) {
  std::vector<std::string> cells;
  std::stringstream stream(line);
  for (std::string cell; std::getline(stream, cell, '\t');) cells.push_back(cell);
  return cells;
}

std::vector<Row> recorded() {
  std::ifstream file(std::string(GRAPNEL_SOURCE_DIR) + "/tests/golden/recipes/recipes.tsv");
  std::string line;
  std::getline(file, line);
  const std::vector<std::string> names = split_at_tabs(line);
  std::vector<Row> rows;
  while (std::getline(file, line)) {
    const std::vector<std::string> cells = split_at_tabs(line);
    EXPECT_EQ(cells.size(), names.size()) << line;
    Row row;
    for (size_t i = 0; i < std::min(cells.size(), names.size()); ++i) row[names[i]] = cells[i];
    rows.push_back(row);
  }
  return rows;
}

std::string text(double value) {
  char buffer[40];
  std::snprintf(buffer, sizeof buffer, "%.6g", value);
  return buffer;
}

double number(const ConfigNode& node) {
  return node.kind() == ConfigNode::Kind::kInt ? static_cast<double>(node.as_int()) : node.as_float();
}

std::string range(const ConfigNode& pair) {
  return text(number(pair.items().at(0))) + ".." + text(number(pair.items().at(1)));
}

const ConfigNode& at(const ConfigNode& node, const std::vector<std::string>& path) {
  const ConfigNode* found = &node;
  for (const std::string& key : path) {
    found = found->find(key);
    if (found == nullptr) throw std::out_of_range("no " + key);
  }
  return *found;
}

const ConfigNode* of_type(const ConfigNode& list, const std::string& type) {
  for (const ConfigNode& item : list.items()) {
    if (at(item, {"type"}).as_string() == type) return &item;
  }
  return nullptr;
}

// The peak rate for batches of `batch` over all ranks.
double rate(const runner::RunConfig& run, double batch) {
  return run.optimizer->lr *
         (run.lr_base_batch_size ? batch / static_cast<double>(*run.lr_base_batch_size) : 1.0);
}

void add_pipeline(Row& row, const ConfigNode& pipeline) {
  const ConfigNode& mosaic = *of_type(pipeline, "Mosaic");
  const ConfigNode& affine = *of_type(pipeline, "RandomAffine");
  const ConfigNode* mixup = of_type(pipeline, "MixUp");
  const ConfigNode& filter = *of_type(pipeline, "FilterAnnotations");
  const std::string px = text(number(at(mosaic, {"img_scale"}).items().at(0)));
  row["train_px"] = px;
  EXPECT_EQ(range(at(mosaic, {"img_scale"})), px + ".." + px);
  EXPECT_EQ(range(at(*of_type(pipeline, "Resize"), {"scale"})), px + ".." + px);
  row["mosaic"] = mosaic.find("prob") == nullptr ? "1" : text(number(at(mosaic, {"prob"})));
  row["affine"] = range(at(affine, {"scaling_ratio_range"}));
  row["border"] = text(number(at(affine, {"border"}).items().at(1)));
  for (const char* usual : {"max_rotate_degree", "max_translate_ratio", "max_shear_degree"}) {
    EXPECT_EQ(affine.find(usual), nullptr) << usual;  // 10, 0.1 and 2, as both sources have it
  }
  row["mixup"] = mixup == nullptr ? "none" : range(at(*mixup, {"ratio_range"}));
  if (mixup != nullptr) {
    EXPECT_EQ(range(at(*mixup, {"img_scale"})), px + ".." + px);
  }
  row["mixup_beyond"] = mixup == nullptr ? "none" : "114";
  if (mixup != nullptr && mixup->find("outside_val") != nullptr) {
    row["mixup_beyond"] = text(number(at(*mixup, {"outside_val"})));
  }
  const ConfigNode* rounding = of_type(pipeline, "Resize")->find("rounding");
  row["rounding"] = rounding == nullptr ? "nearest" : rounding->as_string();
  row["flip"] = text(number(at(*of_type(pipeline, "RandomFlip"), {"prob"})));
  row["hsv"] = of_type(pipeline, "YOLOXHSVRandomAug") != nullptr ? "yes" : "no";
  row["min_box"] = text(number(at(filter, {"min_gt_bbox_wh"}).items().at(0)));
  row["keep_empty"] = at(filter, {"keep_empty"}).as_bool() ? "yes" : "no";
}

// MMDetection's three schedules, or YOLOXLrUpdaterHook.
void add_schedule(Row& row, const ConfigNode& config, const runner::RunConfig& run) {
  const ConfigNode& schedulers = at(config, {"param_scheduler"});
  const double epochs = static_cast<double>(run.train->max_epochs);
  if (const ConfigNode* hook = of_type(at(config, {"custom_hooks"}), "YOLOXLrUpdaterHook")) {
    EXPECT_TRUE(schedulers.items().empty());
    EXPECT_FALSE(at(config, {"default_hooks", "param_scheduler"}).as_bool());
    EXPECT_TRUE(at(*hook, {"warmup_by_epoch"}).as_bool());
    row["warmup"] = text(number(at(*hook, {"warmup_iters"})));
    row["plain_epochs"] = text(number(at(*hook, {"num_last_epochs"})));
    row["min_lr"] = text(number(at(*hook, {"min_lr_ratio"})) * rate(run, 64));
    return;
  }
  ASSERT_EQ(schedulers.items().size(), 3U);
  const ConfigNode& cosine = schedulers.items()[1];
  row["warmup"] = text(number(at(schedulers.items()[0], {"end"})));
  EXPECT_EQ(at(schedulers.items()[0], {"type"}).as_string(), "QuadraticWarmupLR");
  EXPECT_EQ(text(number(at(cosine, {"begin"}))), row["warmup"]);
  EXPECT_EQ(text(number(at(cosine, {"T_max"}))), text(number(at(cosine, {"end"}))));
  row["plain_epochs"] = text(epochs - number(at(cosine, {"end"})));
  row["min_lr"] = text(number(at(cosine, {"eta_min"})));
  EXPECT_EQ(number(at(schedulers.items()[2], {"begin"})), number(at(cosine, {"end"})));
  EXPECT_EQ(number(at(schedulers.items()[2], {"end"})), epochs);
  EXPECT_EQ(number(at(schedulers.items()[2], {"factor"})), 1);
}

void add_hooks(Row& row, const ConfigNode& hooks) {
  row["sizes"] = range(at(hooks, {"random_size", "ratio_range"}));
  row["size_every"] = text(number(at(hooks, {"random_size", "interval"})));
  EXPECT_FALSE(at(hooks, {"random_size", "by_epoch"}).as_bool());
  EXPECT_EQ(text(number(at(hooks, {"mode_switch", "num_last_epochs"}))), row["plain_epochs"]);
  EXPECT_EQ(at(hooks, {"ema", "ema_type"}).as_string(), "ExpMomentumEMA");
  EXPECT_TRUE(at(hooks, {"ema", "update_buffers"}).as_bool());
  EXPECT_EQ(at(hooks, {"ema"}).find("gamma"), nullptr);  // 2000
  row["ema"] = text(number(at(hooks, {"ema", "momentum"})));
  row["ema_gamma"] = "2000";
  EXPECT_EQ(at(hooks, {"sync_norm", "type"}).as_string(), "SyncNormHook");
  row["save_every"] = text(number(at(hooks, {"checkpoint", "interval"})));
  const int64_t kept = at(hooks, {"checkpoint", "max_keep_ckpts"}).as_int();
  row["kept"] = kept < 0 ? "all" : std::to_string(kept);
}

Row resolved(const std::string& name) {
  const ConfigNode config =
      load_config(std::string(GRAPNEL_SOURCE_DIR) + "/host/configs/" + name + ".toml", {});
  const runner::RunConfig run = runner::read_run_config(config);
  check_detection_config(run);
  const YoloxConfig model = read_yolox_config(Section(run.model, "model"));
  Row row;
  row["config"] = name;
  row["variant"] = model.variant;
  EXPECT_EQ(model.num_classes, 80);
  add_pipeline(row, at(config, {"train_dataloader", "dataset", "pipeline"}));
  EXPECT_EQ(text(static_cast<double>(model.input_size_px[0])), row["train_px"]);
  EXPECT_EQ(model.input_size_px[0], model.input_size_px[1]);
  row["min_size"] = text(number(at(config, {"train_dataloader", "dataset", "filter_cfg", "min_size"})));
  EXPECT_FALSE(at(config, {"train_dataloader", "dataset", "filter_cfg", "filter_empty_gt"}).as_bool());
  const ConfigNode& val = *of_type(at(config, {"val_dataloader", "dataset", "pipeline"}), "Resize");
  row["val_px"] = text(number(at(val, {"scale"}).items().at(0)));
  EXPECT_EQ(val.find("rounding") != nullptr, row["rounding"] == "down");
  EXPECT_EQ(run.train_dataloader->batch_size, 8);
  row["lr64"] = text(rate(run, 64));
  row["lr16"] = text(rate(run, 16));
  row["momentum"] = text(run.optimizer->momentum);
  row["nesterov"] = run.optimizer->nesterov ? "yes" : "no";
  row["weight_decay"] = text(run.optimizer->weight_decay);
  row["epochs"] = std::to_string(run.train->max_epochs);
  row["val_every"] = std::to_string(run.train->val_interval);
  row["val_every_late"] = "never";
  for (const auto& [milestone, interval] : run.train->dynamic_intervals) {
    row["val_every_late"] = std::to_string(interval) + " from " + std::to_string(milestone);
  }
  add_schedule(row, config, run);
  add_hooks(row, at(config, {"default_hooks"}));
  row["score"] = text(model.postprocess.score_threshold);
  row["nms"] = text(model.postprocess.iou_threshold);
  EXPECT_FALSE(model.postprocess.class_agnostic);
  EXPECT_FALSE(model.postprocess.multi_label);
  return row;
}

TEST(Recipes, HaveTheNumbersOfTheirSources) {
  const std::vector<Row> rows = recorded();
  ASSERT_EQ(rows.size(), 12U);
  for (Row row : rows) {
    SCOPED_TRACE(row["config"]);
    row.erase("parameters");  // recipe_networks_test's
    const Row found = resolved(row["config"]);
    for (const auto& [key, value] : row) {
      ASSERT_EQ(found.count(key), 1U) << key;
      EXPECT_EQ(found.at(key), value) << key;
    }
    EXPECT_EQ(found.size(), row.size());
  }
}

}  // namespace
}  // namespace grapnel::detection
