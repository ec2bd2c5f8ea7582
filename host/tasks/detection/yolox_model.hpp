// YOLOX: CSPDarknet backbone, PAFPN neck and decoupled head (Ge et al., "YOLOX: Exceeding YOLO Series in
// 2021"), with Megvii YOLOX's module and parameter names in its state_dict order. Lives in channels-last
// memory.
#pragma once

#include <torch/torch.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "runner/foreign_names.hpp"
#include "tasks/detection/yolox_blocks.hpp"
#include "tasks/detection/yolox_config.hpp"

namespace grapnel::detection {

// The three maps of 8, 16 and 32 px a cell.
using FeatureMaps = std::array<torch::Tensor, 3>;

// Children: stem, dark2, dark3, dark4, dark5.
class CspDarknet : public torch::nn::Module {
 public:
  explicit CspDarknet(const YoloxVariant& variant);
  // [B, 3, H, W] -> dark3, dark4, dark5.
  FeatureMaps forward(const torch::Tensor& images);

 private:
  std::shared_ptr<Focus> stem_;
  std::shared_ptr<Chain> dark2_, dark3_, dark4_, dark5_;
};

// Path aggregation network over the backbone, which is its child `backbone` as in Megvii's.
class YoloxPafpn : public torch::nn::Module {
 public:
  explicit YoloxPafpn(const YoloxVariant& variant);
  FeatureMaps forward(const torch::Tensor& images);

 private:
  std::shared_ptr<CspDarknet> backbone_;
  std::shared_ptr<ConvBnAct> lateral_conv0_, reduce_conv1_;
  std::shared_ptr<CspLayer> c3_p4_, c3_p3_, c3_n3_, c3_n4_;
  std::shared_ptr<Block> bu_conv2_, bu_conv1_;
};

struct FeatureLevel {
  int64_t height;  // cells
  int64_t width;   // cells
  int64_t stride;  // px a cell
};

// What the head says of every anchor; levels one after the other, each row by row, A = sum of height * width.
struct HeadOutput {
  torch::Tensor
      predictions;  // [B, A, 5 + C] raw: dx, dy, log w, log h (cells), objectness logit, class logits
  std::vector<FeatureLevel> levels;
};

class YoloxHead : public torch::nn::Module {
 public:
  YoloxHead(const YoloxVariant& variant, int64_t classes);
  HeadOutput forward(const FeatureMaps& features);

  int64_t num_classes;  // read-only: the layers are made for it
  bool use_l1 = false;  // add the L1 loss on raw boxes: YOLOX does so in its last epochs

 private:
  std::vector<std::shared_ptr<ConvBnAct>> stems_;
  std::vector<std::shared_ptr<Chain>> cls_convs_, reg_convs_;
  std::vector<torch::nn::Conv2d> cls_preds_, reg_preds_, obj_preds_;
};

// Children: backbone (YoloxPafpn), head (YoloxHead).
class YoloxImpl : public torch::nn::Module, public runner::ForeignNames {
 public:
  // num_classes >= 1. The weights are LibTorch's random ones until init_weights or a load.
  YoloxImpl(const YoloxVariant& variant, int64_t num_classes);

  // Megvii's initial weights: convolutions uniform in +-1/sqrt(fan in), BatchNorm 1 and 0, class and
  // objectness biases such that every probability is 0.01. Depends on the seed alone, not on threads or other
  // random draws.
  void init_weights(uint64_t seed);

  // images: [B, 3, H, W] float, BGR 0..255 as Megvii feeds them, H and W multiples of 32.
  // Failure(kRun) for another shape.
  FeatureMaps features(const torch::Tensor& images);
  HeadOutput forward(const torch::Tensor& images);

  // MMDetection's.
  std::string translate_names(std::vector<std::string>& names) const override;

  YoloxHead& head() { return *head_; }
  const YoloxHead& head() const { return *head_; }

 private:
  std::shared_ptr<YoloxPafpn> backbone_;
  std::shared_ptr<YoloxHead> head_;
};
TORCH_MODULE(Yolox);

}  // namespace grapnel::detection
