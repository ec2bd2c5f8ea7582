#include "network_run.hpp"

#include "runner/module_tree.hpp"
#include "runner/optimizer.hpp"
#include "tasks/detection/postprocess.hpp"

namespace grapnel::equality {

NetworkRun::NetworkRun(const std::string& variant, torch::Dtype dtype)
    : variant_(variant_named(variant)), model_(make_network(variant_)), batch_(make_batch(variant_)) {
  at::set_num_threads(2);
  // Module::to would make numbers of another kind of the counts too.
  for (auto& [name, tensor] : runner::model_tensors(*model_)) {
    if (tensor.is_floating_point()) tensor.set_data(tensor.to(dtype));
  }
  batch_.images = batch_.images.to(dtype);
  batch_.targets = batch_.targets.to(dtype);
}

TensorsByName NetworkRun::evaluate() {
  const torch::NoGradGuard no_grad;
  model_->eval();
  const detection::FeatureMaps maps = model_->features(batch_.images);
  const detection::HeadOutput output = model_->forward(batch_.images);
  torch::Tensor raw = output.predictions.clone();
  raw.narrow(2, 4, raw.size(2) - 4).sigmoid_();
  return {{"fpn0", maps[0]},
          {"fpn1", maps[1]},
          {"fpn2", maps[2]},
          {"raw", raw},
          {"decoded", detection::decode(output)}};
}

detection::YoloxLosses NetworkRun::forward_in_training(bool use_l1) {
  model_->train();
  return detection::compute_losses(model_->forward(batch_.images), batch_.targets, use_l1);
}

std::vector<std::vector<detection::AnchorMatch>> NetworkRun::assign() {
  const torch::NoGradGuard no_grad;
  model_->train();
  return detection::assign_anchors(model_->forward(batch_.images), batch_.targets);
}

TensorsByName NetworkRun::gradients(bool use_l1) {
  model_->zero_grad();
  forward_in_training(use_l1).total.backward();
  TensorsByName gradients;
  for (const auto& item : model_->named_parameters()) gradients[item.key()] = item.value().grad();
  return gradients;
}

TensorsByName NetworkRun::statistics() {
  TensorsByName statistics;
  for (const auto& item : model_->named_buffers()) {
    if (item.key().find(".running_") != std::string::npos) statistics[item.key()] = item.value();
  }
  return statistics;
}

std::set<int64_t> NetworkRun::batches_tracked() {
  std::set<int64_t> numbers;
  for (const auto& item : model_->named_buffers()) {
    if (item.value().scalar_type() == torch::kLong) numbers.insert(item.value().item<int64_t>());
  }
  return numbers;
}

// The optimiser is the runner's own, with the recipes' option for norms and biases.
NetworkRun::Stepped NetworkRun::train(const std::vector<Step>& steps) {
  runner::OptimizerConfig config;
  config.type = "SGD";
  config.momentum = 0.9;
  config.nesterov = true;
  config.weight_decay = 5e-4;
  config.norm_decay_mult = 0.0;
  config.bias_decay_mult = 0.0;
  runner::ParameterGroup all{"all", {}, 1.0, std::nullopt};
  for (const auto& item : model_->named_parameters()) all.parameters.emplace_back(item.key(), item.value());
  runner::Optimizer optimizer(config, runner::paramwise_groups(*model_, {all}, config));

  std::vector<std::pair<std::string, torch::Tensor>> state;
  for (const auto& [name, tensor] : runner::model_tensors(*model_)) {
    if (tensor.is_floating_point()) state.emplace_back(name, tensor.detach());
  }
  TensorsByName start, average;
  for (const auto& [name, tensor] : state) {
    start[name] = tensor.clone();
    average[name] = tensor.clone();
  }

  Stepped stepped;
  for (const Step& step : steps) {
    for (size_t group = 0; group < optimizer.group_count(); ++group) optimizer.set_lr(group, step.lr);
    optimizer.zero_grad();
    const detection::YoloxLosses losses = forward_in_training(step.use_l1);
    losses.total.backward();
    optimizer.step();
    const torch::NoGradGuard no_grad;
    for (const auto& [name, tensor] : state)
      average[name].mul_(step.ema_decay).add_(tensor, 1 - step.ema_decay);
    stepped.losses.push_back(numbers_of(losses));
  }
  for (const auto& [name, tensor] : state) {
    stepped.way[name] = tensor - start[name];
    stepped.average_way[name] = average[name] - start[name];
  }
  return stepped;
}

Losses numbers_of(const detection::YoloxLosses& losses) {
  return {losses.total.item<double>(),
          losses.iou.item<double>(),
          losses.objectness.item<double>(),
          losses.classification.item<double>(),
          losses.l1.item<double>(),
          static_cast<double>(losses.foreground) / static_cast<double>(losses.boxes)};
}

}  // namespace grapnel::equality
