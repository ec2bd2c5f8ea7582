// The blocks' forward passes. Children are registered in Megvii's order, which is the order of the
// state_dict.
#include "tasks/detection/yolox_blocks.hpp"

#include <string>
#include <utility>

#include "tasks/detection/focus.hpp"

namespace grapnel::detection {

torch::Tensor Block::forward_into(const torch::Tensor& x, const torch::Tensor& shortcut, const torch::Tensor&) {
  const torch::Tensor y = forward(x);
  return shortcut.defined() ? y + shortcut : y;
}

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

torch::Tensor ConvBnAct::forward(const torch::Tensor& x) { return conv_norm_silu(x, layer()); }

torch::Tensor ConvBnAct::forward_into(const torch::Tensor& x, const torch::Tensor& shortcut,
                                      const torch::Tensor& into) {
  return conv_norm_silu(x, layer(), shortcut, into);
}

ConvNormSilu ConvBnAct::layer() {
  // As LibTorch's BatchNorm does, which has no use for it with a fixed momentum; other readers of the weights do.
  if (is_training()) bn_->num_batches_tracked.add_(1);
  return {conv_->weight,        conv_->options.stride()->at(0), conv_->options.groups(), bn_->weight,
          bn_->bias,            bn_->running_mean,              bn_->running_var,        *bn_->options.momentum(),
          bn_->options.eps(),   is_training()};
}

DepthwiseConv::DepthwiseConv(const ConvShape& shape) {
  dconv_ = register_module(
      "dconv", std::make_shared<ConvBnAct>(ConvShape{shape.in_channels, shape.in_channels, shape.kernel,
                                                     shape.stride, shape.in_channels}));
  pconv_ =
      register_module("pconv", std::make_shared<ConvBnAct>(ConvShape{shape.in_channels, shape.out_channels}));
}

torch::Tensor DepthwiseConv::forward(const torch::Tensor& x) { return pconv_->forward(dconv_->forward(x)); }

torch::Tensor DepthwiseConv::forward_into(const torch::Tensor& x, const torch::Tensor& shortcut,
                                          const torch::Tensor& into) {
  return pconv_->forward_into(dconv_->forward(x), shortcut, into);
}

std::shared_ptr<Block> make_conv(bool depthwise, const ConvShape& shape) {
  if (depthwise) return std::make_shared<DepthwiseConv>(shape);
  return std::make_shared<ConvBnAct>(shape);
}

Chain::Chain(std::vector<std::shared_ptr<Block>> blocks) : blocks_(std::move(blocks)) {
  for (size_t i = 0; i < blocks_.size(); ++i) register_module(std::to_string(i), blocks_[i]);
}

torch::Tensor Chain::forward(const torch::Tensor& x) { return forward_into(x, {}, {}); }

torch::Tensor Chain::forward_into(const torch::Tensor& x, const torch::Tensor& shortcut,
                                  const torch::Tensor& into) {
  if (blocks_.empty()) return shortcut.defined() ? x + shortcut : x;
  torch::Tensor y = x;
  for (size_t i = 0; i + 1 < blocks_.size(); ++i) y = blocks_[i]->forward(y);
  return blocks_.back()->forward_into(y, shortcut, into);
}

Bottleneck::Bottleneck(int64_t channels, bool shortcut, bool depthwise) : shortcut_(shortcut) {
  conv1_ = register_module("conv1", std::make_shared<ConvBnAct>(ConvShape{channels, channels}));
  conv2_ = register_module("conv2", make_conv(depthwise, {channels, channels, 3}));
}

torch::Tensor Bottleneck::forward(const torch::Tensor& x) { return forward_into(x, {}, {}); }

torch::Tensor Bottleneck::forward_into(const torch::Tensor& x, const torch::Tensor& shortcut,
                                       const torch::Tensor& into) {
  const torch::Tensor hidden = conv1_->forward(x);
  if (shortcut_ && shortcut.defined()) return conv2_->forward_into(hidden, x, {}) + shortcut;
  return conv2_->forward_into(hidden, shortcut_ ? x : shortcut, into);
}

CspLayer::CspLayer(const CspShape& shape) : hidden_(shape.out_channels / 2) {
  const int64_t hidden = hidden_;
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
  const Join halves(x, hidden_, hidden_);
  const auto [through, past] = conv_norm_silu_pair(x, conv1_->layer(), conv2_->layer(), halves.part(1));
  return conv3_->forward(halves.join(m_->forward_into(through, {}, halves.part(0)), past));
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

torch::Tensor Focus::forward(const torch::Tensor& x) { return conv_->forward(focus(x)); }

}  // namespace grapnel::detection
