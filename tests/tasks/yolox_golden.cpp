// Missing keys and short files end in an exception: a golden test never passes for want of its numbers.
#include "yolox_golden.hpp"

#include <simdjson.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace grapnel::detection {
namespace {

using simdjson::dom::element;

GoldenLosses read_losses(const element& json) {
  return {double(json["total_loss"]), double(json["iou_loss"]), double(json["conf_loss"]),
          double(json["cls_loss"]),   double(json["l1_loss"]),  double(json["num_fg"])};
}

std::vector<int64_t> read_integers(const element& json) {
  std::vector<int64_t> values;
  for (const element& value : json.get_array()) values.push_back(int64_t(value));
  return values;
}

std::string read_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

torch::Dtype dtype_named(std::string_view name) {
  if (name == "float32") return torch::kFloat;
  if (name == "float64") return torch::kDouble;
  if (name == "int64") return torch::kLong;
  throw std::runtime_error("unknown dtype " + std::string(name));
}

}  // namespace

YoloxGolden::YoloxGolden(const std::string& name)
    : folder_(name == "init" ? GRAPNEL_SOURCE_DIR "/tests/golden/yolox/init/"
                             : GRAPNEL_SOURCE_DIR "/../shared/golden/yolox/" + name + "/") {}

bool YoloxGolden::exists() const { return std::filesystem::is_directory(folder_); }

NamedTensors YoloxGolden::tensors(const std::string& file) const {
  const std::string bytes = read_bytes(folder_ + file + ".bin");
  simdjson::dom::parser parser;
  NamedTensors tensors;
  for (const element& entry : parser.load(folder_ + file + ".manifest.json").get_array()) {
    const auto offset = static_cast<size_t>(uint64_t(entry["offset"]));
    const auto size = static_cast<size_t>(uint64_t(entry["nbytes"]));
    torch::Tensor tensor =
        torch::empty(read_integers(entry["shape"]), dtype_named(std::string_view(entry["dtype"])));
    if (tensor.nbytes() != size || offset + size > bytes.size()) {
      throw std::runtime_error(file + ": the manifest and the data disagree");
    }
    std::copy_n(bytes.data() + offset, size, static_cast<char*>(tensor.data_ptr()));
    tensors.emplace_back(std::string(std::string_view(entry["name"])), tensor);
  }
  return tensors;
}

GoldenTraining YoloxGolden::training(bool use_l1) const {
  simdjson::dom::parser parser;
  const element json = parser.load(folder_ + "train.json")[use_l1 ? "use_l1" : "no_l1"];
  GoldenTraining training;
  training.float32 = read_losses(json["loss"]);
  training.float64 = read_losses(json["loss_f64"]);
  training.foreground = int64_t(json["num_fg_total"]);
  training.boxes = int64_t(json["num_gts"]);
  for (const element& image : json["assignments"].get_array()) {
    GoldenMatches matches;
    matches.image = int64_t(image["image"]);
    matches.anchors = read_integers(image["fg_anchor_index"]);
    matches.truths = read_integers(image["matched_gt"]);
    for (const element& iou : image["pred_iou"].get_array()) matches.ious.push_back(double(iou));
    training.matches.push_back(std::move(matches));
  }
  for (const auto& [name, norms] : json["grads"].get_object()) {
    training.gradient_norms[std::string(name)] = {double(norms["l2"]), double(norms["l2_f64"])};
  }
  training.total_gradient_norm = double(json["total_grad_norm"]);
  return training;
}

std::vector<GoldenStep> YoloxGolden::ten_steps() const {
  simdjson::dom::parser parser;
  const element json = parser.load(folder_ + "train.json")["ten_sgd_steps_same_batch"];
  std::vector<GoldenStep> steps;
  for (const element& step : json["steps"].get_array()) {
    steps.push_back({double(step["lr_used"]), double(step["ema_decay"]), double(step["param_l2"]),
                     double(step["ema_param_l2"]), read_losses(step)});
  }
  return steps;
}

std::vector<GoldenDetections> YoloxGolden::detections() const {
  simdjson::dom::parser parser;
  std::vector<GoldenDetections> settings;
  for (const element& json : parser.load(folder_ + "detections.json").get_array()) {
    GoldenDetections setting{
        double(json["conf_thre"]), double(json["nms_thre"]), bool(json["class_agnostic"]), {}};
    for (const element& image : json["images"].get_array()) {
      std::vector<std::array<float, 7>> rows;
      for (const element& row : image.get_array()) {
        std::array<float, 7> values{};
        size_t column = 0;
        for (const element& value : row.get_array()) values.at(column++) = static_cast<float>(double(value));
        rows.push_back(values);
      }
      setting.images.push_back(std::move(rows));
    }
    settings.push_back(std::move(setting));
  }
  return settings;
}

torch::Tensor find_tensor(const NamedTensors& tensors, const std::string& name) {
  for (const auto& [key, tensor] : tensors) {
    if (key == name) return tensor;
  }
  throw std::runtime_error("no tensor " + name);
}

}  // namespace grapnel::detection
