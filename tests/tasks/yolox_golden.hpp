// Reads the reference numbers of Megvii's YOLOX-nano: tensors from a .bin with its manifest, and what the
// JSON files say of losses, assignment, gradients, training steps and detections. See tests/golden/README.md.
#pragma once

#include <torch/torch.h>

#include <array>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace grapnel::detection {

using NamedTensors = std::vector<std::pair<std::string, torch::Tensor>>;

struct GoldenLosses {
  double total, iou, objectness, classification, l1, foreground_per_box;
};

struct GoldenMatches {
  int64_t image;
  std::vector<int64_t> anchors;
  std::vector<int64_t> truths;
  std::vector<double> ious;
};

struct GoldenGradientNorm {
  double float32, float64;
};

struct GoldenTraining {
  GoldenLosses float32, float64;
  int64_t foreground = 0;
  int64_t boxes = 0;
  std::vector<GoldenMatches> matches;  // images with boxes only
  std::map<std::string, GoldenGradientNorm> gradient_norms;
  double total_gradient_norm = 0;
};

struct GoldenStep {
  double lr, ema_decay, parameter_norm, ema_norm;
  GoldenLosses losses;
};

struct GoldenDetections {
  double score_threshold, iou_threshold;
  bool class_agnostic;
  std::vector<std::vector<std::array<float, 7>>> images;
};

// One folder of reference numbers: "init" (in this repository) or "trained" (beside it, where it exists).
class YoloxGolden {
 public:
  explicit YoloxGolden(const std::string& name);

  bool exists() const;
  // `file` without ".bin"; in the manifest's order.
  NamedTensors tensors(const std::string& file) const;
  GoldenTraining training(bool use_l1) const;
  std::vector<GoldenStep> ten_steps() const;
  std::vector<GoldenDetections> detections() const;

 private:
  std::string folder_;
};

torch::Tensor find_tensor(const NamedTensors& tensors, const std::string& name);

}  // namespace grapnel::detection
