// Convolution + BatchNorm + SiLU as one differentiable operator, the unit that all of YOLOX is made of. In
// float32 on the processor it runs on this project's own kernels: the convolution's output is normalised while
// it is in the cache, and neither the normalised value nor its gradient is ever written to memory on its own.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <utility>

namespace grapnel::detection {

// A layer's tensors and options. Convolution without bias, padding (kernel - 1) / 2.
struct ConvNormSilu {
  torch::Tensor weight;  // [out, in / groups, kernel, kernel]
  int64_t stride = 1;
  int64_t groups = 1;
  torch::Tensor norm_weight;       // [out]
  torch::Tensor norm_bias;         // [out]
  torch::Tensor running_mean;      // [out]
  torch::Tensor running_variance;  // [out]
  double momentum = 0.03;
  double epsilon = 1e-3;
  bool training = true;  // batch statistics, which also move the running ones; else the running ones
};

// silu(batch_norm(conv2d(x))), [B, in, H, W] -> [B, out, H', W'] in channels-last memory. float32 pictures on the
// processor, the kernels' shapes (1x1, 3x3, depthwise 3x3, channels in multiples of 8) and no autocast: the fused
// kernels; everything else: LibTorch's own operators, with the fused BatchNorm + SiLU where that applies.
//
// `shortcut`, where defined, is added to the result. `into`, where defined, is memory of the result's shape that
// autograd knows nothing of (a part of a join, below); it may be used or not.
torch::Tensor conv_norm_silu(const torch::Tensor& x, const ConvNormSilu& layer,
                             const torch::Tensor& shortcut = {}, const torch::Tensor& into = {});

// Two 1x1 layers over the same picture, which is read once for both. `second_into` as `into` above.
std::pair<torch::Tensor, torch::Tensor> conv_norm_silu_pair(const torch::Tensor& x, const ConvNormSilu& first,
                                                            const ConvNormSilu& second,
                                                            const torch::Tensor& second_into = {});

// Concatenation over channels whose parts are written where they belong in the first place: take the parts'
// memory with part(), give it as `into`, and join() what came of it. A part that lies elsewhere is copied.
class Join {
 public:
  // For [B, channels, H, W] pictures; pictures that the kernels do not take get no memory.
  Join(const torch::Tensor& like, int64_t first_channels, int64_t second_channels);
  torch::Tensor part(int64_t index) const;  // undefined where there is no memory
  torch::Tensor join(const torch::Tensor& first, const torch::Tensor& second) const;

 private:
  torch::Tensor buffer_;
  int64_t first_channels_;
};

// The same by LibTorch's operators only, for any type and device: the definition that the kernels are held to.
torch::Tensor conv_norm_silu_reference(const torch::Tensor& x, const ConvNormSilu& layer);

}  // namespace grapnel::detection
