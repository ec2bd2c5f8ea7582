// The last layer of YOLOX's head: three small 1x1 convolutions a level, written straight into the rows of one
// table of predictions instead of being convolved, concatenated and permuted.
#pragma once

#include <torch/torch.h>

#include <array>

namespace grapnel::detection {

// One level's features [B, hidden, H, W] and layers: weights [n, hidden, 1, 1] and biases [n], with n = 4 for the
// box, 1 for the object and the number of classes.
struct LevelPredictions {
  torch::Tensor box_features, class_features;
  torch::Tensor box_weight, box_bias;
  torch::Tensor object_weight, object_bias;
  torch::Tensor class_weight, class_bias;
};

using HeadLevels = std::array<LevelPredictions, 3>;

// [B, A, 5 + classes] with A the sum of H * W: levels one after the other, each row by row.
torch::Tensor head_predictions(const HeadLevels& levels);

// The same by LibTorch's operators, for any type and device.
torch::Tensor head_predictions_reference(const HeadLevels& levels);

}  // namespace grapnel::detection
