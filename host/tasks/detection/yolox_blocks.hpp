// The building blocks of YOLOX: convolution + BatchNorm + SiLU, its depthwise form, CSP layers, spatial
// pyramid pooling and the focus stem. Child modules carry Megvii YOLOX's names, so that weights go over by
// name.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "tasks/detection/conv_norm_silu.hpp"

namespace grapnel::detection {

// A module from one [B, C, H, W] map to another.
class Block : public torch::nn::Module {
 public:
  virtual torch::Tensor forward(const torch::Tensor& x) = 0;
  // forward(x), plus `shortcut` where it is defined. The result may be put into the memory `into`, a part of a
  // Join; undefined: into its own.
  virtual torch::Tensor forward_into(const torch::Tensor& x, const torch::Tensor& shortcut,
                                     const torch::Tensor& into);
};

struct ConvShape {
  int64_t in_channels;
  int64_t out_channels;
  int64_t kernel = 1;  // odd; padded so that stride 1 keeps the map's size
  int64_t stride = 1;
  int64_t groups = 1;
};

// Children: conv (no bias), bn (eps 1e-3, momentum 0.03).
class ConvBnAct : public Block {
 public:
  explicit ConvBnAct(const ConvShape& shape);
  torch::Tensor forward(const torch::Tensor& x) override;
  torch::Tensor forward_into(const torch::Tensor& x, const torch::Tensor& shortcut,
                             const torch::Tensor& into) override;
  // Its tensors for the operator; in training the batch counts as seen.
  ConvNormSilu layer();

 private:
  torch::nn::Conv2d conv_{nullptr};
  torch::nn::BatchNorm2d bn_{nullptr};
};

// Children: dconv (depthwise, kernel and stride as asked), pconv (1x1).
class DepthwiseConv : public Block {
 public:
  explicit DepthwiseConv(const ConvShape& shape);
  torch::Tensor forward(const torch::Tensor& x) override;
  torch::Tensor forward_into(const torch::Tensor& x, const torch::Tensor& shortcut,
                             const torch::Tensor& into) override;

 private:
  std::shared_ptr<ConvBnAct> dconv_;
  std::shared_ptr<ConvBnAct> pconv_;
};

// A DepthwiseConv or a ConvBnAct.
std::shared_ptr<Block> make_conv(bool depthwise, const ConvShape& shape);

// Blocks one after the other; children 0, 1, ...
class Chain : public Block {
 public:
  explicit Chain(std::vector<std::shared_ptr<Block>> blocks);
  torch::Tensor forward(const torch::Tensor& x) override;
  torch::Tensor forward_into(const torch::Tensor& x, const torch::Tensor& shortcut,
                             const torch::Tensor& into) override;

 private:
  std::vector<std::shared_ptr<Block>> blocks_;
};

// 1x1 then 3x3, with a shortcut around both if asked for. Children: conv1, conv2.
class Bottleneck : public Block {
 public:
  Bottleneck(int64_t channels, bool shortcut, bool depthwise);
  torch::Tensor forward(const torch::Tensor& x) override;
  torch::Tensor forward_into(const torch::Tensor& x, const torch::Tensor& shortcut,
                             const torch::Tensor& into) override;

 private:
  std::shared_ptr<ConvBnAct> conv1_;
  std::shared_ptr<Block> conv2_;
  bool shortcut_;
};

struct CspShape {
  int64_t in_channels;
  int64_t out_channels;
  int64_t bottlenecks;
  bool shortcut;
  bool depthwise;
};

// Cross-stage partial layer: half of the channels go through the bottlenecks. Children: conv1, conv2, conv3,
// m.
class CspLayer : public Block {
 public:
  explicit CspLayer(const CspShape& shape);
  torch::Tensor forward(const torch::Tensor& x) override;

 private:
  std::shared_ptr<ConvBnAct> conv1_;
  std::shared_ptr<ConvBnAct> conv2_;
  std::shared_ptr<ConvBnAct> conv3_;
  std::shared_ptr<Chain> m_;
  int64_t hidden_;
};

// Max pools of 5, 9 and 13 px beside the map itself. Children: conv1, conv2.
class SppBottleneck : public Block {
 public:
  SppBottleneck(int64_t in_channels, int64_t out_channels);
  torch::Tensor forward(const torch::Tensor& x) override;

 private:
  std::shared_ptr<ConvBnAct> conv1_;
  std::shared_ptr<ConvBnAct> conv2_;
};

// The stem: every 2x2 patch's pixels become channels, then a 3x3 convolution. Child: conv.
// Input [B, C, H, W] with even H and W, output [B, out_channels, H/2, W/2].
class Focus : public Block {
 public:
  Focus(int64_t in_channels, int64_t out_channels);
  torch::Tensor forward(const torch::Tensor& x) override;

 private:
  std::shared_ptr<ConvBnAct> conv_;
};

}  // namespace grapnel::detection
