#include "tasks/detection/conv_norm_silu.hpp"

#include <ATen/autocast_mode.h>

#include "tasks/detection/channels_last.hpp"
#include "tasks/detection/kernels/convolution.hpp"

namespace grapnel::detection {
namespace {

using kernels::Convolution;
using kernels::NormSaved;
using kernels::NormState;
using kernels::Rows;
using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::tensor_list;

constexpr auto kChannelsLast = at::MemoryFormat::ChannelsLast;

Convolution shape_of(const Tensor& x, const Tensor& weight, int64_t stride, int64_t groups) {
  const int64_t kernel = weight.size(2);
  const int64_t padding = (kernel - 1) / 2;
  const auto out = [&](int64_t size) { return (size + 2 * padding - kernel) / stride + 1; };
  return {x.size(0), x.size(1), x.size(2), x.size(3), weight.size(0), out(x.size(2)), out(x.size(3)),
          kernel,    stride,    groups > 1};
}

bool fits(const Convolution& shape, const Tensor& weight, int64_t groups, bool needs_input_gradient) {
  if (weight.size(2) != weight.size(3)) return false;
  if (groups > 1 && (groups != shape.in_channels || groups != shape.out_channels)) return false;
  return kernels::is_supported(shape, needs_input_gradient);
}

bool is_plain_float(const Tensor& tensor) {
  return tensor.device().is_cpu() && tensor.scalar_type() == torch::kFloat32;
}

NormState state_of(const Tensor& weight, const Tensor& bias, const Tensor& running_mean,
                   const Tensor& running_variance, double momentum, double epsilon) {
  return {weight.data_ptr<float>(),
          bias.data_ptr<float>(),
          running_mean.defined() ? running_mean.data_ptr<float>() : nullptr,
          running_variance.defined() ? running_variance.data_ptr<float>() : nullptr,
          momentum,
          epsilon};
}

NormSaved saved_of(const Tensor& statistics) {
  float* rows = statistics.data_ptr<float>();
  const int64_t channels = statistics.size(1);
  return {rows, rows + channels, rows + 2 * channels, rows + 3 * channels};
}

Tensor empty_statistics(int64_t channels) { return torch::empty({4, channels}, torch::kFloat32); }

// Of one layer or, one after the other, of two. Undefined where they are not tracked.
struct RunningStatistics {
  Tensor mean, variance;
};

// Absent tensors are empty ones: autograd's functions want every argument defined.
bool is_given(const Tensor& tensor) { return tensor.defined() && tensor.numel() > 0; }
Tensor or_empty(const Tensor& tensor) { return tensor.defined() ? tensor : torch::empty({0}); }

Tensor joined(const Tensor& first, const Tensor& second) {
  return is_given(second) ? torch::cat({first, second}) : first;
}

// Columns [first, first + count) of the statistics, as the kernels take them.
NormSaved columns_of(const Tensor& statistics, int64_t first) {
  const NormSaved all = saved_of(statistics);
  return {all.scale + first, all.shift + first, all.mean + first, all.inverse_deviation + first};
}

// Outputs: the first layer's and, if there is one, the second's.
struct FusedConvNormSilu : Function<FusedConvNormSilu> {
  static tensor_list forward(AutogradContext* context, const Tensor& picture, const Tensor& weight,
                             const Tensor& norm_weight, const Tensor& norm_bias, const Tensor& second_weight,
                             const Tensor& second_norm_weight, const Tensor& second_norm_bias,
                             const Tensor& shortcut, const RunningStatistics& running, const std::array<Tensor, 2>& into,
                             int64_t stride, int64_t groups, double momentum, double epsilon) {
    const Tensor x = with_channels_last_rows(picture, groups > 1);
    const Tensor w = joined(weight, second_weight).contiguous(kChannelsLast);
    const Convolution shape = shape_of(x, w, stride, groups);
    const int64_t channels = shape.out_channels;
    const Tensor z = empty_channels_last(shape.batch, channels, shape.out_height, shape.out_width);
    const Tensor statistics = empty_statistics(channels);
    kernels::Moments moments(channels);
    kernels::convolve(shape, channels_last_rows(x), w.data_ptr<float>(), {z.data_ptr<float>(), channels},
                      {&moments, nullptr});
    const Tensor gamma = joined(norm_weight, second_norm_weight);
    const Tensor beta = joined(norm_bias, second_norm_bias);
    kernels::finish_statistics(
        moments, channels,
        state_of(gamma, beta, running.mean, running.variance, momentum, epsilon),
        saved_of(statistics));

    tensor_list outputs;
    const std::array<int64_t, 2> widths{weight.size(0), channels - weight.size(0)};
    int64_t first = 0;
    for (size_t i = 0; i < 2 && widths[i] > 0; first += widths[i++]) {
      Tensor y = is_given(into[i]) ? into[i].detach()
                                   : empty_channels_last(shape.batch, widths[i], shape.out_height, shape.out_width);
      Rows<const float> added{nullptr, 0};
      Tensor rows_of_shortcut;
      if (i == 0 && is_given(shortcut)) {
        rows_of_shortcut = with_channels_last_rows(shortcut);
        added = channels_last_rows(rows_of_shortcut);
      }
      kernels::normalise_silu({z.data_ptr<float>() + first, channels}, shape.out_rows(), widths[i],
                              columns_of(statistics, first), added,
                              {y.data_ptr<float>(), *pixel_stride(y)});
      outputs.push_back(y);
    }
    context->save_for_backward({x, w, z, statistics});
    context->saved_data["stride"] = stride;
    context->saved_data["groups"] = groups;
    context->saved_data["first_channels"] = widths[0];
    return outputs;
  }

  static tensor_list backward(AutogradContext* context, tensor_list gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor& x = saved[0];
    const Tensor& w = saved[1];
    const Tensor& z = saved[2];
    const Convolution shape =
        shape_of(x, w, context->saved_data["stride"].toInt(), context->saved_data["groups"].toInt());
    const int64_t channels = shape.out_channels;
    const int64_t first_channels = context->saved_data["first_channels"].toInt();
    const Tensor v = torch::empty_like(z);
    const Tensor norm_weight_gradient = torch::empty({channels}, torch::kFloat32);
    const Tensor norm_bias_gradient = torch::empty({channels}, torch::kFloat32);
    const Rows<const float> z_rows{z.data_ptr<float>(), channels};
    const Rows<float> v_rows{v.data_ptr<float>(), channels};
    kernels::NormGradient gradient;
    int64_t first = 0;
    for (const Tensor& given : gradients) {
      const int64_t width = first == 0 ? first_channels : channels - first_channels;
      // An output that nothing came of has no gradient.
      const Tensor dy = given.defined()
                            ? with_channels_last_rows(given.to(torch::kFloat32))
                            : torch::zeros({1}).expand({shape.batch, width, shape.out_height, shape.out_width})
                                  .contiguous(kChannelsLast);
      gradient.append(kernels::silu_backward({z_rows.data + first, channels}, channels_last_rows(dy),
                                             shape.out_rows(), width, columns_of(saved[3], first),
                                             {v_rows.data + first, channels},
                                             norm_weight_gradient.data_ptr<float>() + first,
                                             norm_bias_gradient.data_ptr<float>() + first));
      first += width;
    }
    Tensor dx;
    Rows<float> dx_rows{nullptr, shape.in_channels};
    if (context->needs_input_grad(0)) {
      dx = empty_channels_last(shape.batch, shape.in_channels, shape.height, shape.width);
      dx_rows.data = dx.data_ptr<float>();
    }
    const Tensor dw = torch::empty_like(w);
    kernels::convolve_backward(shape, channels_last_rows(x), w.data_ptr<float>(), z_rows, v_rows, gradient,
                               dx_rows, dw.data_ptr<float>());
    tensor_list all{dx};
    const std::array<Tensor, 3> joint{dw, norm_weight_gradient, norm_bias_gradient};
    for (const Tensor& tensor : joint) all.push_back(tensor.narrow(0, 0, first_channels));
    for (const Tensor& tensor : joint) {
      const int64_t second = channels - first_channels;
      all.push_back(second > 0 ? tensor.narrow(0, first_channels, second) : Tensor());
    }
    all.push_back(context->needs_input_grad(7) ? gradients[0] : Tensor());
    all.resize(all.size() + 6);
    return all;
  }
};

tensor_list apply_fused(const Tensor& x, const ConvNormSilu& first, const ConvNormSilu* second,
                        const Tensor& shortcut, const std::array<Tensor, 2>& into) {
  const Tensor none = torch::empty({0});
  RunningStatistics running{first.running_mean, first.running_variance};
  if (second != nullptr && first.running_mean.defined()) {
    running.mean = torch::cat({first.running_mean, second->running_mean});
    running.variance = torch::cat({first.running_variance, second->running_variance});
  }
  tensor_list outputs = FusedConvNormSilu::apply(
      x, first.weight, first.norm_weight, first.norm_bias, second != nullptr ? second->weight : none,
      second != nullptr ? second->norm_weight : none, second != nullptr ? second->norm_bias : none,
      or_empty(shortcut), running, into, first.stride, first.groups, first.momentum, first.epsilon);
  if (second != nullptr && first.running_mean.defined()) {
    const int64_t split = first.weight.size(0);
    const int64_t rest = second->weight.size(0);
    const auto move_back = [](Tensor buffer, const Tensor& joint, int64_t begin, int64_t count) {
      buffer.copy_(joint.narrow(0, begin, count));
    };
    move_back(first.running_mean, running.mean, 0, split);
    move_back(first.running_variance, running.variance, 0, split);
    move_back(second->running_mean, running.mean, split, rest);
    move_back(second->running_variance, running.variance, split, rest);
  }
  return outputs;
}

// Two parts that lie side by side in one buffer already.
struct JoinParts : Function<JoinParts> {
  static Tensor forward(AutogradContext* context, const Tensor& first, const Tensor& second, const Tensor& buffer) {
    context->saved_data["first_channels"] = first.size(1);
    context->saved_data["second_channels"] = second.size(1);
    return buffer.detach();
  }
  static tensor_list backward(AutogradContext* context, tensor_list gradients) {
    const int64_t first = context->saved_data["first_channels"].toInt();
    const int64_t second = context->saved_data["second_channels"].toInt();
    return {gradients[0].narrow(1, 0, first), gradients[0].narrow(1, first, second), {}};
  }
};

// BatchNorm + SiLU of a convolution that LibTorch made.
struct FusedNormSilu : Function<FusedNormSilu> {
  static Tensor forward(AutogradContext* context, const Tensor& convolved, const Tensor& norm_weight,
                        const Tensor& norm_bias, const Tensor& running_mean, const Tensor& running_variance,
                        double momentum, double epsilon) {
    const Tensor z = with_channels_last_rows(convolved.to(torch::kFloat32), true);
    const int64_t channels = z.size(1);
    const int64_t rows = z.numel() / channels;
    const Tensor statistics = empty_statistics(channels);
    kernels::Moments moments(channels);
    kernels::add_moments({z.data_ptr<float>(), channels}, rows, channels, moments);
    kernels::finish_statistics(
        moments, channels,
        state_of(norm_weight, norm_bias, running_mean, running_variance, momentum, epsilon), saved_of(statistics));
    Tensor y = empty_channels_last(z.size(0), channels, z.size(2), z.size(3));
    kernels::normalise_silu({z.data_ptr<float>(), channels}, rows, channels, saved_of(statistics), {nullptr, 0},
                            {y.data_ptr<float>(), channels});
    context->save_for_backward({z, statistics});
    context->saved_data["type"] = static_cast<int64_t>(convolved.scalar_type());
    return y;
  }

  static tensor_list backward(AutogradContext* context, tensor_list gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor& z = saved[0];
    const int64_t channels = z.size(1);
    const int64_t rows = z.numel() / channels;
    const Tensor dy = with_channels_last_rows(gradients[0].to(torch::kFloat32), false);
    const Tensor v = empty_channels_last(z.size(0), channels, z.size(2), z.size(3));
    const Tensor norm_weight_gradient = torch::empty({channels}, torch::kFloat32);
    const Tensor norm_bias_gradient = torch::empty({channels}, torch::kFloat32);
    const Rows<const float> z_rows{z.data_ptr<float>(), channels};
    const Rows<float> v_rows{v.data_ptr<float>(), channels};
    const kernels::NormGradient gradient =
        kernels::silu_backward(z_rows, channels_last_rows(dy), rows, channels, saved_of(saved[1]), v_rows,
                               norm_weight_gradient.data_ptr<float>(), norm_bias_gradient.data_ptr<float>());
    kernels::normalise_backward(v_rows, z_rows, rows, channels, gradient);
    const auto type = static_cast<torch::ScalarType>(context->saved_data["type"].toInt());
    return {v.to(type), norm_weight_gradient, norm_bias_gradient, {}, {}, {}, {}};
  }
};

bool parameters_are_plain(const ConvNormSilu& layer) {
  return is_plain_float(layer.weight) && is_plain_float(layer.norm_weight) && is_plain_float(layer.norm_bias) &&
         (!layer.running_mean.defined() || is_plain_float(layer.running_mean));
}

Tensor convolved(const Tensor& x, const ConvNormSilu& layer) {
  return torch::conv2d(x, layer.weight, {}, layer.stride, (layer.weight.size(2) - 1) / 2, 1, layer.groups);
}

Tensor evaluated(const Tensor& picture, const ConvNormSilu& layer, const Convolution& shape) {
  const Tensor x = with_channels_last_rows(picture, layer.groups > 1);
  const Tensor w = layer.weight.contiguous(kChannelsLast);
  Tensor y = empty_channels_last(shape.batch, shape.out_channels, shape.out_height, shape.out_width);
  const Tensor statistics = empty_statistics(shape.out_channels);
  const NormSaved saved = saved_of(statistics);
  kernels::use_running_statistics(shape.out_channels,
                                  state_of(layer.norm_weight, layer.norm_bias, layer.running_mean,
                                           layer.running_variance, layer.momentum, layer.epsilon),
                                  saved);
  const kernels::Affine affine{saved.scale, saved.shift};
  kernels::convolve(shape, channels_last_rows(x), w.data_ptr<float>(), {y.data_ptr<float>(), shape.out_channels}, {nullptr, &affine});
  return y;
}

}  // namespace

torch::Tensor conv_norm_silu_reference(const torch::Tensor& x, const ConvNormSilu& layer) {
  Tensor normalised =
      torch::batch_norm(convolved(x, layer), layer.norm_weight, layer.norm_bias, layer.running_mean,
                        layer.running_variance, layer.training, layer.momentum, layer.epsilon, false);
  return normalised.requires_grad() ? torch::silu(normalised) : torch::silu_(normalised);
}

namespace {

// How a layer is computed.
enum class Path { kFused, kEvaluated, kNormSilu, kReference };

Path path_of(const Tensor& x, const ConvNormSilu& layer, const Convolution& shape) {
  const bool differentiated = torch::GradMode::is_enabled();
  if (!parameters_are_plain(layer) || x.numel() == 0) return Path::kReference;
  if (is_plain_float(x) && !at::autocast::is_cpu_enabled() &&
      fits(shape, layer.weight, layer.groups, differentiated && x.requires_grad())) {
    if (layer.training) return Path::kFused;
    if (!differentiated && layer.running_mean.defined()) return Path::kEvaluated;
  }
  const bool takes_norm = layer.training && x.device().is_cpu() && shape.out_channels % kernels::kChannelStep == 0;
  return takes_norm ? Path::kNormSilu : Path::kReference;
}

}  // namespace

torch::Tensor conv_norm_silu(const torch::Tensor& x, const ConvNormSilu& layer, const torch::Tensor& shortcut,
                             const torch::Tensor& into) {
  const Convolution shape = shape_of(x, layer.weight, layer.stride, layer.groups);
  const Path path = path_of(x, layer, shape);
  const bool adds = shortcut.defined();
  if (path == Path::kFused && (!adds || is_plain_float(shortcut))) {
    return apply_fused(x, layer, nullptr, shortcut, {into, Tensor()})[0];
  }
  const Tensor y = path == Path::kEvaluated ? evaluated(x, layer, shape)
                   : path == Path::kReference
                       ? conv_norm_silu_reference(x, layer)
                       : FusedNormSilu::apply(convolved(x, layer), layer.norm_weight, layer.norm_bias,
                                              layer.running_mean, layer.running_variance, layer.momentum,
                                              layer.epsilon);
  return adds ? y + shortcut : y;
}

std::pair<torch::Tensor, torch::Tensor> conv_norm_silu_pair(const torch::Tensor& x, const ConvNormSilu& first,
                                                            const ConvNormSilu& second,
                                                            const torch::Tensor& second_into) {
  const Path first_path = path_of(x, first, shape_of(x, first.weight, first.stride, first.groups));
  const Path second_path = path_of(x, second, shape_of(x, second.weight, second.stride, second.groups));
  const bool alike = first.stride == second.stride && first.groups == 1 && second.groups == 1 &&
                     first.weight.size(2) == second.weight.size(2) && first.momentum == second.momentum &&
                     first.epsilon == second.epsilon &&
                     first.running_mean.defined() == second.running_mean.defined();
  if (first_path == Path::kFused && second_path == Path::kFused && alike) {
    const tensor_list outputs = apply_fused(x, first, &second, {}, {Tensor(), second_into});
    return {outputs[0], outputs[1]};
  }
  return {conv_norm_silu(x, first), conv_norm_silu(x, second)};
}

Join::Join(const torch::Tensor& like, int64_t first_channels, int64_t second_channels)
    : first_channels_(first_channels) {
  if (!is_plain_float(like) || at::autocast::is_cpu_enabled() || !torch::GradMode::is_enabled()) return;
  buffer_ = empty_channels_last(like.size(0), first_channels + second_channels, like.size(2), like.size(3));
}

torch::Tensor Join::part(int64_t index) const {
  if (!buffer_.defined()) return {};
  return index == 0 ? buffer_.narrow(1, 0, first_channels_)
                    : buffer_.narrow(1, first_channels_, buffer_.size(1) - first_channels_);
}

torch::Tensor Join::join(const torch::Tensor& first, const torch::Tensor& second) const {
  const auto lies_in = [](const Tensor& tensor, const Tensor& place) {
    return tensor.data_ptr() == place.data_ptr() && tensor.strides() == place.strides();
  };
  if (buffer_.defined() && lies_in(first, part(0)) && lies_in(second, part(1))) {
    return JoinParts::apply(first, second, buffer_);
  }
  return torch::cat({first, second}, 1);
}

}  // namespace grapnel::detection
