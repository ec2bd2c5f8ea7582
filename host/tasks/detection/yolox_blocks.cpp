// The blocks' forward passes. Children are registered in Megvii's order, which is the order of the
// state_dict.
#include "tasks/detection/yolox_blocks.hpp"

#include <string>
#include <utility>

namespace grapnel::detection {

ConvBnAct::ConvBnAct(const ConvShape& shape) {
  conv_ = register_module(
      "conv", torch::nn::Conv2d(torch::nn::Conv2dOptions(shape.in_channels, shape.out_channels, shape.kernel)
                                    .stride(shape.stride)
                                    .padding((shape.kernel - 1) / 2)
                                    .groups(shape.groups)
                                    .bias(false)));
  bn_ = register_module(
      "bn",
      torch::nn::BatchNorm2d(torch::nn::BatchNorm2dOptions(shape.out_channels).eps(1e-3).momentum(0.03)));
}

torch::Tensor ConvBnAct::forward(const torch::Tensor& x) { return normalise_and_activate(conv_->forward(x)); }

torch::Tensor ConvBnAct::normalise_and_activate(const torch::Tensor& x) {
  torch::Tensor normalised = bn_->forward(x);
  // In place saves a pass over memory, but only where autograd does not need the input again.
  return normalised.requires_grad() ? torch::silu(normalised) : torch::silu_(normalised);
}

DepthwiseConv::DepthwiseConv(const ConvShape& shape) {
  dconv_ = register_module(
      "dconv", std::make_shared<ConvBnAct>(ConvShape{shape.in_channels, shape.in_channels, shape.kernel,
                                                     shape.stride, shape.in_channels}));
  pconv_ =
      register_module("pconv", std::make_shared<ConvBnAct>(ConvShape{shape.in_channels, shape.out_channels}));
}

torch::Tensor DepthwiseConv::forward(const torch::Tensor& x) { return pconv_->forward(dconv_->forward(x)); }

std::shared_ptr<Block> make_conv(bool depthwise, const ConvShape& shape) {
  if (depthwise) return std::make_shared<DepthwiseConv>(shape);
  return std::make_shared<ConvBnAct>(shape);
}

Chain::Chain(std::vector<std::shared_ptr<Block>> blocks) : blocks_(std::move(blocks)) {
  for (size_t i = 0; i < blocks_.size(); ++i) register_module(std::to_string(i), blocks_[i]);
}

torch::Tensor Chain::forward(const torch::Tensor& x) {
  torch::Tensor y = x;
  for (const std::shared_ptr<Block>& block : blocks_) y = block->forward(y);
  return y;
}

Bottleneck::Bottleneck(int64_t channels, bool shortcut, bool depthwise) : shortcut_(shortcut) {
  conv1_ = register_module("conv1", std::make_shared<ConvBnAct>(ConvShape{channels, channels}));
  conv2_ = register_module("conv2", make_conv(depthwise, {channels, channels, 3}));
}

torch::Tensor Bottleneck::forward(const torch::Tensor& x) {
  torch::Tensor y = conv2_->forward(conv1_->forward(x));
  return shortcut_ ? y + x : y;
}

CspLayer::CspLayer(const CspShape& shape) {
  const int64_t hidden = shape.out_channels / 2;
  conv1_ = register_module("conv1", std::make_shared<ConvBnAct>(ConvShape{shape.in_channels, hidden}));
  conv2_ = register_module("conv2", std::make_shared<ConvBnAct>(ConvShape{shape.in_channels, hidden}));
  conv3_ = register_module("conv3", std::make_shared<ConvBnAct>(ConvShape{2 * hidden, shape.out_channels}));
  std::vector<std::shared_ptr<Block>> bottlenecks;
  for (int64_t i = 0; i < shape.bottlenecks; ++i) {
    bottlenecks.push_back(std::make_shared<Bottleneck>(hidden, shape.shortcut, shape.depthwise));
  }
  m_ = register_module("m", std::make_shared<Chain>(std::move(bottlenecks)));
}

torch::Tensor CspLayer::forward(const torch::Tensor& x) {
  return conv3_->forward(torch::cat({m_->forward(conv1_->forward(x)), conv2_->forward(x)}, 1));
}

SppBottleneck::SppBottleneck(int64_t in_channels, int64_t out_channels) {
  const int64_t hidden = in_channels / 2;
  conv1_ = register_module("conv1", std::make_shared<ConvBnAct>(ConvShape{in_channels, hidden}));
  conv2_ = register_module("conv2", std::make_shared<ConvBnAct>(ConvShape{hidden * 4, out_channels}));
}

torch::Tensor SppBottleneck::forward(const torch::Tensor& x) {
  // The maximum over 9 px is that of 5 px maxima over 5 px, and so on: three small pools instead of 5, 9, 13.
  const torch::Tensor pool1 = conv1_->forward(x);
  const torch::Tensor pool5 = torch::max_pool2d(pool1, {5, 5}, {1, 1}, {2, 2});
  const torch::Tensor pool9 = torch::max_pool2d(pool5, {5, 5}, {1, 1}, {2, 2});
  const torch::Tensor pool13 = torch::max_pool2d(pool9, {5, 5}, {1, 1}, {2, 2});
  return conv2_->forward(torch::cat({pool1, pool5, pool9, pool13}, 1));
}

Focus::Focus(int64_t in_channels, int64_t out_channels) {
  conv_ = register_module("conv", std::make_shared<ConvBnAct>(ConvShape{in_channels * 4, out_channels, 3}));
}

torch::Tensor Focus::forward(const torch::Tensor& x) {
  const int64_t batch = x.size(0);
  const int64_t channels = x.size(1);
  const int64_t height = x.size(2) / 2;
  const int64_t width = x.size(3) / 2;
  // [B, H/2, dy, W/2, dx, C] -> [B, H/2, W/2, dx, dy, C]: the patch's columns vary slowest among the
  // channels.
  const torch::Tensor patches = x.permute({0, 2, 3, 1})
                                    .reshape({batch, height, 2, width, 2, channels})
                                    .permute({0, 1, 3, 4, 2, 5})
                                    .reshape({batch, height, width, 4 * channels});
  return conv_->forward(patches.permute({0, 3, 1, 2}));
}

}  // namespace grapnel::detection
