// Children are registered in Megvii's order, which is the order of the state_dict.
#include "tasks/detection/yolox_model.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "core/failure.hpp"
#include "core/philox.hpp"
#include "tasks/detection/head_predictions.hpp"
#include "tasks/detection/weight_names.hpp"

namespace grapnel::detection {
namespace {

constexpr std::array<int64_t, 3> kStrides{8, 16, 32};
constexpr std::array<int64_t, 3> kFeatureChannels{256, 512, 1024};  // at width 1
constexpr int64_t kHeadChannels = 256;                              // at width 1
constexpr double kPriorProbability = 0.01;

int64_t scaled(int64_t channels, const YoloxVariant& variant) {
  return static_cast<int64_t>(static_cast<double>(channels) * variant.width);
}

int64_t bottlenecks(const YoloxVariant& variant) {
  return static_cast<int64_t>(std::nearbyint(3 * variant.depth));
}

torch::Tensor upsampled(const torch::Tensor& x) {
  return torch::upsample_nearest2d(x, {x.size(2) * 2, x.size(3) * 2});
}

// Uniform in +-bound, in the order of the tensor's indices whatever its memory format.
void fill_uniform(torch::Tensor tensor, double bound, uint64_t seed, int64_t stream) {
  CounterRng rng(seed, 0, stream, CounterRng::Purpose::kModel);
  torch::Tensor values = torch::empty(tensor.sizes(), torch::kFloat);
  float* out = values.data_ptr<float>();
  const int64_t count = values.numel();
  for (int64_t i = 0; i < count; ++i) {
    const double unit = static_cast<double>(rng.next_u32() >> 8) * 0x1p-24;
    out[i] = static_cast<float>(bound * (2 * unit - 1));
  }
  tensor.copy_(values);
}

}  // namespace

CspDarknet::CspDarknet(const YoloxVariant& variant) {
  const bool depthwise = variant.depthwise;
  const int64_t base = scaled(64, variant);
  const int64_t depth = std::max<int64_t>(bottlenecks(variant), 1);
  const auto stage = [depthwise](int64_t in, int64_t blocks) {
    return std::make_shared<Chain>(std::vector<std::shared_ptr<Block>>{
        make_conv(depthwise, {in, in * 2, 3, 2}),
        std::make_shared<CspLayer>(CspShape{in * 2, in * 2, blocks, true, depthwise})});
  };
  stem_ = register_module("stem", std::make_shared<Focus>(3, base));
  dark2_ = register_module("dark2", stage(base, depth));
  dark3_ = register_module("dark3", stage(base * 2, depth * 3));
  dark4_ = register_module("dark4", stage(base * 4, depth * 3));
  dark5_ = register_module(
      "dark5", std::make_shared<Chain>(std::vector<std::shared_ptr<Block>>{
                   make_conv(depthwise, {base * 8, base * 16, 3, 2}),
                   std::make_shared<SppBottleneck>(base * 16, base * 16),
                   std::make_shared<CspLayer>(CspShape{base * 16, base * 16, depth, false, depthwise})}));
}

FeatureMaps CspDarknet::forward(const torch::Tensor& images) {
  const torch::Tensor dark3 = dark3_->forward(dark2_->forward(stem_->forward(images)));
  const torch::Tensor dark4 = dark4_->forward(dark3);
  return {dark3, dark4, dark5_->forward(dark4)};
}

YoloxPafpn::YoloxPafpn(const YoloxVariant& variant) {
  const bool depthwise = variant.depthwise;
  const int64_t c3 = scaled(kFeatureChannels[0], variant);
  const int64_t c4 = scaled(kFeatureChannels[1], variant);
  const int64_t c5 = scaled(kFeatureChannels[2], variant);
  const int64_t depth = bottlenecks(variant);
  const auto csp = [depth, depthwise](int64_t in, int64_t out) {
    return std::make_shared<CspLayer>(CspShape{in, out, depth, false, depthwise});
  };
  backbone_ = register_module("backbone", std::make_shared<CspDarknet>(variant));
  lateral_conv0_ = register_module("lateral_conv0", std::make_shared<ConvBnAct>(ConvShape{c5, c4}));
  c3_p4_ = register_module("C3_p4", csp(2 * c4, c4));
  reduce_conv1_ = register_module("reduce_conv1", std::make_shared<ConvBnAct>(ConvShape{c4, c3}));
  c3_p3_ = register_module("C3_p3", csp(2 * c3, c3));
  bu_conv2_ = register_module("bu_conv2", make_conv(depthwise, {c3, c3, 3, 2}));
  c3_n3_ = register_module("C3_n3", csp(2 * c3, c4));
  bu_conv1_ = register_module("bu_conv1", make_conv(depthwise, {c4, c4, 3, 2}));
  c3_n4_ = register_module("C3_n4", csp(2 * c4, c5));
}

FeatureMaps YoloxPafpn::forward(const torch::Tensor& images) {
  const auto [dark3, dark4, dark5] = backbone_->forward(images);
  const torch::Tensor lateral5 = lateral_conv0_->forward(dark5);
  const torch::Tensor down4 = c3_p4_->forward(torch::cat({upsampled(lateral5), dark4}, 1));
  const torch::Tensor lateral4 = reduce_conv1_->forward(down4);
  const torch::Tensor out3 = c3_p3_->forward(torch::cat({upsampled(lateral4), dark3}, 1));
  const torch::Tensor out4 = c3_n3_->forward(torch::cat({bu_conv2_->forward(out3), lateral4}, 1));
  const torch::Tensor out5 = c3_n4_->forward(torch::cat({bu_conv1_->forward(out4), lateral5}, 1));
  return {out3, out4, out5};
}

YoloxHead::YoloxHead(const YoloxVariant& variant, int64_t classes) : num_classes(classes) {
  const int64_t hidden = scaled(kHeadChannels, variant);
  const auto branch = [&variant, hidden] {
    return std::make_shared<Chain>(
        std::vector<std::shared_ptr<Block>>{make_conv(variant.depthwise, {hidden, hidden, 3}),
                                            make_conv(variant.depthwise, {hidden, hidden, 3})});
  };
  auto cls_convs = register_module("cls_convs", torch::nn::ModuleList());
  auto reg_convs = register_module("reg_convs", torch::nn::ModuleList());
  auto cls_preds = register_module("cls_preds", torch::nn::ModuleList());
  auto reg_preds = register_module("reg_preds", torch::nn::ModuleList());
  auto obj_preds = register_module("obj_preds", torch::nn::ModuleList());
  auto stems = register_module("stems", torch::nn::ModuleList());
  for (const int64_t channels : kFeatureChannels) {
    cls_convs_.push_back(branch());
    reg_convs_.push_back(branch());
    cls_preds_.emplace_back(torch::nn::Conv2dOptions(hidden, classes, 1));
    reg_preds_.emplace_back(torch::nn::Conv2dOptions(hidden, 4, 1));
    obj_preds_.emplace_back(torch::nn::Conv2dOptions(hidden, 1, 1));
    stems_.push_back(std::make_shared<ConvBnAct>(ConvShape{scaled(channels, variant), hidden}));
    cls_convs->push_back(cls_convs_.back());
    reg_convs->push_back(reg_convs_.back());
    cls_preds->push_back(cls_preds_.back());
    reg_preds->push_back(reg_preds_.back());
    obj_preds->push_back(obj_preds_.back());
    stems->push_back(stems_.back());
  }
}

HeadOutput YoloxHead::forward(const FeatureMaps& features) {
  HeadOutput output;
  HeadLevels levels;
  for (size_t i = 0; i < features.size(); ++i) {
    const torch::Tensor stem = stems_[i]->forward(features[i]);
    levels[i] = {reg_convs_[i]->forward(stem), cls_convs_[i]->forward(stem), reg_preds_[i]->weight,
                 reg_preds_[i]->bias,          obj_preds_[i]->weight,        obj_preds_[i]->bias,
                 cls_preds_[i]->weight,        cls_preds_[i]->bias};
    output.levels.push_back({stem.size(2), stem.size(3), kStrides[i]});
  }
  output.predictions = head_predictions(levels);
  return output;
}

YoloxImpl::YoloxImpl(const YoloxVariant& variant, int64_t num_classes) {
  backbone_ = register_module("backbone", std::make_shared<YoloxPafpn>(variant));
  head_ = register_module("head", std::make_shared<YoloxHead>(variant, num_classes));
  for (torch::Tensor& parameter : parameters()) {
    if (parameter.dim() == 4) parameter.set_data(parameter.contiguous(torch::MemoryFormat::ChannelsLast));
  }
}

void YoloxImpl::init_weights(uint64_t seed) {
  const torch::NoGradGuard no_grad;
  int64_t stream = 0;
  for (const auto& item : named_modules()) {
    if (auto* conv = item.value()->as<torch::nn::Conv2d>()) {
      const auto fan_in = static_cast<double>(conv->weight[0].numel());
      fill_uniform(conv->weight, 1 / std::sqrt(fan_in), seed, stream++);
      if (conv->bias.defined()) fill_uniform(conv->bias, 1 / std::sqrt(fan_in), seed, stream++);
    } else if (auto* norm = item.value()->as<torch::nn::BatchNorm2d>()) {
      norm->reset_parameters();
      norm->reset_running_stats();
    }
  }
  const double prior_logit = -std::log((1 - kPriorProbability) / kPriorProbability);
  for (const auto& item : head_->named_parameters()) {
    const std::string& name = item.key();
    const bool is_score = name.rfind("cls_preds.", 0) == 0 || name.rfind("obj_preds.", 0) == 0;
    if (is_score && item.value().dim() == 1) item.value().fill_(prior_logit);
  }
}

FeatureMaps YoloxImpl::features(const torch::Tensor& images) {
  const bool well_shaped = images.dim() == 4 && images.size(1) == 3 && images.size(2) > 0 &&
                           images.size(3) > 0 && images.size(2) % kStrides.back() == 0 &&
                           images.size(3) % kStrides.back() == 0;
  if (!well_shaped) {
    std::ostringstream shape;
    shape << images.sizes();
    throw Failure(FailureKind::kRun, {"wrong shape of a batch of images", "YOLOX", shape.str(),
                                      "[B, 3, H, W] with H and W multiples of 32", ""});
  }
  return backbone_->forward(images.contiguous(torch::MemoryFormat::ChannelsLast));
}

std::string YoloxImpl::translate_names(std::vector<std::string>& names) const {
  return translate_mmdet_names(names) ? "MMDetection" : "";
}

HeadOutput YoloxImpl::forward(const torch::Tensor& images) { return head_->forward(features(images)); }

}  // namespace grapnel::detection
