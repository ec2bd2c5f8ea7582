// What record_megvii.py wrote down of Megvii's run: numbers for the ordinary test, whole tensors for the one
// that runs Megvii's code beside ours.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace grapnel::equality {

// One tensor of the float64 run.
struct Digest {
  double norm;           // Euclidean
  double signed_sum;     // recipe.hpp
  double float32_error;  // of Megvii's own float32 run: |difference| / norm
  std::array<double, 2> first;
};

using Digests = std::map<std::string, Digest>;  // by name

struct Losses {
  double total, iou, objectness, classification, l1, foreground_per_box;
};

struct LossPair {
  Losses exact, float32;
};

struct Matches {
  int64_t image;
  std::vector<int64_t> anchors, truths;
  std::vector<double> ious;
};

struct Step {
  double lr, ema_decay;
  bool use_l1;
  LossPair losses;
};

struct Numbers {
  Digests eval, gradients, gradients_l1, statistics, stepped, averaged;
  LossPair losses, losses_l1;
  std::vector<Matches> matches;  // images with boxes only
  std::vector<Step> steps;
};

// Throws when anything is missing: a test never passes for want of its numbers.
Numbers read_numbers(const std::string& path);

struct WholeTensor {
  std::vector<int64_t> shape;
  std::vector<double> values;
};

// By "GROUP/NAME", the groups being named as in numbers.json.
std::map<std::string, WholeTensor> read_whole(const std::string& folder);

}  // namespace grapnel::equality
