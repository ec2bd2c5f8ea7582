// SGD, Adam and AdamW as LibTorch's, behind what the runner, hooks and checkpoints need of an optimiser:
// named groups whose options can be read and set, and a state that survives a save (1.13's own loses the
// options).
#pragma once

#include <torch/torch.h>

#include <memory>
#include <string>
#include <vector>

#include "runner/checkpoint_file.hpp"
#include "runner/run_config.hpp"
#include "runner/task.hpp"

namespace grapnel::runner {

// The task's groups with optim_wrapper.paramwise_cfg applied as MMEngine's DefaultOptimWrapperConstructor
// does: weight_decay x norm_decay_mult for the parameters of norm layers, x bias_decay_mult for other biases.
// Without a paramwise_cfg the groups come back as they are; groups without parameters are left out.
std::vector<ParameterGroup> paramwise_groups(torch::nn::Module& model, std::vector<ParameterGroup> groups,
                                             const OptimizerConfig& config);

class Optimizer {
 public:
  // Groups must not be empty. A group's lr is the config's times its lr_mult. Parameters are float32 or
  // float64 in main memory and may lie there in any order; Failure(kConfig) for another.
  Optimizer(const OptimizerConfig& config, std::vector<ParameterGroup> groups);
  ~Optimizer();

  size_t group_count() const;
  const std::string& group_name(size_t group) const;
  size_t parameter_count(size_t group) const;
  double lr(size_t group) const;
  void set_lr(size_t group, double lr);
  double initial_lr(size_t group) const;
  bool has_momentum() const;
  double momentum(size_t group) const;  // SGD's momentum, Adam's beta1
  void set_momentum(size_t group, double momentum);
  double initial_momentum(size_t group) const;
  double weight_decay(size_t group) const;
  void set_weight_decay(size_t group, double decay);

  // Every parameter in group order, with its name in the model.
  const NamedTensors& parameters() const;

  // Drops the gradients (they become undefined, not zero): a parameter that the next step does not touch is
  // then left alone by the update, before a resume as after one.
  void zero_grad();
  void step();
  // Measures all gradients together and clips them as config says; gives the norm before, 0 when clipping is
  // off. The gradients are multiplied in the very next step, which is the pass that reads them anyway.
  double clip_gradients();

  void save(Checkpoint& checkpoint) const;
  // Failure(kConfig) when type, groups or shapes differ from the checkpoint's. Options of the checkpoint (lr,
  // momentum, weight decay, ...) replace the config's.
  void load(const Checkpoint& checkpoint);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace grapnel::runner
