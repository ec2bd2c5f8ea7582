// A network's weights and a batch made from a counter-based hash, the same as record_megvii.py makes them, so
// that the recorded numbers need no stored weights. Multiples of 2^-24 and correctly rounded operations only:
// both sides get the same bits.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tasks/detection/yolox_model.hpp"

namespace grapnel::equality {

struct Variant {
  std::string name;  // tiny, s
  int64_t classes;
  int64_t height_px, width_px;
  std::vector<int64_t> boxes;  // of each picture of the batch
};

const Variant& variant_named(const std::string& name);

struct Batch {
  torch::Tensor images;   // [B, 3, H, W] float, 0..255
  torch::Tensor targets;  // [B, 8, 5] class, cx, cy, w, h in px
};

// Megvii's network of that name with the recipe's weights, in float32.
detection::Yolox make_network(const Variant& variant);
Batch make_batch(const Variant& variant);

// The sum of all elements under fixed random signs, in the order of the indices: hardly any wrong element
// can hide in it.
double signed_sum(const torch::Tensor& tensor);

}  // namespace grapnel::equality
