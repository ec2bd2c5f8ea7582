#include "recipe.hpp"

#include <cmath>
#include <functional>
#include <stdexcept>

#include "runner/module_tree.hpp"
#include "tasks/detection/yolox_config.hpp"

namespace grapnel::equality {
namespace {

constexpr uint64_t kSignStream = 1 << 20;
constexpr uint64_t kPictureStream = 1 << 21;
constexpr uint64_t kBoxStream = 1 << 22;
constexpr int64_t kMaxBoxes = 8;

uint64_t hash64(uint64_t stream, uint64_t at) {
  uint64_t z = (at + (stream << 32) + 1) * 0x9E3779B97F4A7C15U;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31);
}

// Uniform in [0, 1).
double unit(uint64_t stream, uint64_t at) { return static_cast<double>(hash64(stream, at) >> 40) * 0x1p-24; }

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

// What a uniform number becomes in the tensor of that name.
std::function<double(double)> value_rule(const std::string& name, const torch::Tensor& tensor) {
  const bool predicts = name.find("_preds.") != std::string::npos;
  // The first layer sees 0..255: its statistics bring that to the size that the others work on.
  const double stem = name.rfind("backbone.backbone.stem.", 0) == 0 ? 128.0 : 1.0;
  if (tensor.dim() == 4) {
    const auto fan_in = static_cast<double>(tensor.size(1) * tensor.size(2) * tensor.size(3));
    const double bound = std::sqrt((predicts ? 0.5 : 4.0) / fan_in);
    return [bound](double u) { return bound * (2.0 * u - 1.0); };
  }
  if (ends_with(name, ".running_var")) return [stem](double u) { return stem * stem * (0.5 + u); };
  if (ends_with(name, ".running_mean")) return [stem](double u) { return stem * 0.5 * (u - 0.5); };
  if (ends_with(name, ".bn.weight")) return [](double u) { return 0.5 + u; };
  if (ends_with(name, ".bn.bias") || name.find("reg_preds") != std::string::npos) {
    return [](double u) { return u - 0.5; };
  }
  return [](double u) { return u - 2.0; };  // scores
}

}  // namespace

const Variant& variant_named(const std::string& name) {
  static const Variant kVariants[] = {{"tiny", 80, 128, 160, {7, 0, 3}}, {"s", 5, 160, 96, {4, 0}}};
  for (const Variant& variant : kVariants) {
    if (variant.name == name) return variant;
  }
  throw std::out_of_range("no variant " + name);
}

detection::Yolox make_network(const Variant& variant) {
  const torch::NoGradGuard no_grad;
  detection::Yolox model(*detection::find_yolox_variant(variant.name), variant.classes);
  uint64_t index = 0;
  for (auto& [name, tensor] : runner::model_tensors(*model)) {
    if (tensor.is_floating_point()) {
      const auto rule = value_rule(name, tensor);
      torch::Tensor values = torch::empty(tensor.sizes(), torch::kFloat);
      float* out = values.data_ptr<float>();
      for (int64_t i = 0; i < values.numel(); ++i) {
        out[i] = static_cast<float>(rule(unit(index, static_cast<uint64_t>(i))));
      }
      tensor.copy_(values);
    }
    ++index;
  }
  return model;
}

Batch make_batch(const Variant& variant) {
  const auto pictures = static_cast<int64_t>(variant.boxes.size());
  Batch batch;
  batch.images = torch::empty({pictures, 3, variant.height_px, variant.width_px}, torch::kFloat);
  float* pixel = batch.images.data_ptr<float>();
  for (int64_t i = 0; i < batch.images.numel(); ++i) {
    pixel[i] = static_cast<float>(std::floor(unit(kPictureStream, static_cast<uint64_t>(i)) * 256.0));
  }
  batch.targets = torch::zeros({pictures, kMaxBoxes, 5}, torch::kFloat);
  float* target = batch.targets.data_ptr<float>();
  const auto width = static_cast<double>(variant.width_px);
  const auto height = static_cast<double>(variant.height_px);
  const auto quarter = [](double px) { return static_cast<float>(std::floor(px * 4.0) / 4.0); };
  for (int64_t picture = 0; picture < pictures; ++picture) {
    for (int64_t row = 0; row < variant.boxes[static_cast<size_t>(picture)]; ++row) {
      const int64_t at = (picture * kMaxBoxes + row) * 5;
      const auto u = [at](int64_t column) { return unit(kBoxStream, static_cast<uint64_t>(at + column)); };
      target[at] = static_cast<float>(std::floor(u(0) * static_cast<double>(variant.classes)));
      target[at + 1] = quarter((0.1 + 0.8 * u(1)) * width);
      target[at + 2] = quarter((0.1 + 0.8 * u(2)) * height);
      target[at + 3] = quarter(8.0 + u(3) * 0.5 * width);
      target[at + 4] = quarter(8.0 + u(4) * 0.5 * height);
    }
  }
  return batch;
}

double signed_sum(const torch::Tensor& tensor) {
  const torch::Tensor values = tensor.detach().to(torch::kDouble).contiguous();
  const double* value = values.data_ptr<double>();
  double sum = 0;
  for (int64_t i = 0; i < values.numel(); ++i) {
    const bool negative = (hash64(kSignStream, static_cast<uint64_t>(i)) >> 63) != 0;
    sum += negative ? -value[i] : value[i];
  }
  return sum;
}

}  // namespace grapnel::equality
