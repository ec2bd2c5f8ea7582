// LibTorch's SGD, Adam and AdamW behind what the runner, hooks and checkpoints need of an optimiser: named
// groups whose options can be read and set, and a state that survives a save (1.13's own loses the options).
#pragma once

#include <torch/torch.h>

#include <memory>
#include <string>
#include <vector>

#include "runner/checkpoint_file.hpp"
#include "runner/run_config.hpp"
#include "runner/task.hpp"

namespace grapnel::runner {

class Optimizer {
 public:
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

  void zero_grad();  // keeps the gradients' memory
  void step();
  // Clips all gradients together as config says; gives the norm before, 0 when clipping is off.
  double clip_gradients();

  void save(Checkpoint& checkpoint) const;
  // Failure(kConfig) when type, groups or shapes differ from the checkpoint's.
  void load(const Checkpoint& checkpoint);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace grapnel::runner
