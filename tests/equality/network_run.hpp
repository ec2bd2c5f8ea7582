// Our YOLOX doing what record_megvii.py has Megvii's do: evaluation, one training pass, ten steps with
// Nesterov's SGD and a moving average of the weights.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "recipe.hpp"
#include "recorded_numbers.hpp"
#include "tasks/detection/yolox_loss.hpp"

namespace grapnel::equality {

using TensorsByName = std::map<std::string, torch::Tensor>;

class NetworkRun {
 public:
  NetworkRun(const std::string& variant, torch::Dtype dtype);

  TensorsByName evaluate();  // fpn0, fpn1, fpn2, raw (scores after the sigmoid), decoded
  detection::YoloxLosses forward_in_training(bool use_l1);
  std::vector<std::vector<detection::AnchorMatch>> assign();
  TensorsByName gradients(bool use_l1);  // of every parameter, after one training pass
  TensorsByName statistics();            // BatchNorm's running ones, as they are now
  std::set<int64_t> batches_tracked();   // the numbers that BatchNorms give for the batches they have seen

  struct Stepped {
    std::vector<Losses> losses;
    TensorsByName way, average_way;  // how far each tensor and its average have come
  };
  Stepped train(const std::vector<Step>& steps);

 private:
  Variant variant_;
  detection::Yolox model_{nullptr};
  Batch batch_;
};

Losses numbers_of(const detection::YoloxLosses& losses);

}  // namespace grapnel::equality
