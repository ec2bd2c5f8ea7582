// The checkpoint file: everything that a run needs to go on bit for bit, in the zip-and-pickle format that
// Python's torch.load(weights_only=True) opens. Written to a temporary file, fsynced, renamed.
//
// Top-level keys: state_dict, optimizer, meta, message_hub, hooks, rng. Floats are stored as 0-d float64
// tensors (1.13's restricted unpickler refuses Python floats).
#pragma once

#include <torch/torch.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/hook_host.hpp"
#include "runner/message_hub.hpp"

namespace grapnel::runner {

using NamedTensors = std::vector<std::pair<std::string, torch::Tensor>>;

struct OptimizerGroupState {
  std::string name;
  std::map<std::string, double> options;  // lr, initial_lr, momentum, weight_decay, nesterov, betas_0, ...
  std::vector<std::string> parameters;    // names, in order
};

struct Checkpoint {
  NamedTensors state_dict;  // parameters and buffers, state_dict order
  std::string optimizer_type;
  std::vector<OptimizerGroupState> optimizer_groups;
  NamedTensors optimizer_tensors;                  // "momentum_buffer/NAME", "exp_avg/NAME", ...
  std::map<std::string, int64_t> optimizer_steps;  // Adam's step a parameter name
  int64_t epoch = 0;
  int64_t iter = 0;
  int64_t epoch_batch = 0;  // batches of the current epoch already trained on (sampler position)
  int64_t accumulated = 0;  // batches whose gradients wait for a step
  NamedTensors gradients;   // those gradients, if accumulated > 0
  bool validation_due = false;
  int64_t seed = 0;
  std::map<std::string, std::string> meta_texts;        // config, version, time, what hooks added
  std::vector<std::pair<std::string, double>> metrics;  // of the last evaluation
  MessageHub message_hub;
  std::vector<HookState> hooks;
  torch::Tensor rng_state;  // of the default CPU generator, uint8
};

// Failure(kRun) naming path and reason (disk full, no permission); nothing half-written is left under `path`.
void write_checkpoint(const std::string& path, const Checkpoint& checkpoint);

// Reads a file of write_checkpoint. Failure(kConfig) when it is missing, truncated, no checkpoint, or of an
// unknown format version.
Checkpoint read_checkpoint(const std::string& path);

// Only the weights, by WeightsFile: of write_checkpoint's files, of a dict of tensors saved from Python in
// any format of torch.save's, of safetensors; names without "module.". Nothing in the file is imported or
// run. Failure(kConfig) as above, also when there is no tensor in it.
NamedTensors read_weights(const std::string& path);

}  // namespace grapnel::runner
