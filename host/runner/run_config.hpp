// What the runner reads from the config, checked whole before anything is built. Task, model and dataset
// tables are the task's own and only carried along.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/config_node.hpp"
#include "core/table_shape.hpp"

namespace grapnel::runner {

struct LoopConfig {
  bool by_epoch = true;
  int64_t max_epochs = 0;  // EpochBased
  int64_t max_iters = 0;   // IterBased
  int64_t val_begin = 1;
  int64_t val_interval = 1;
  std::vector<std::pair<int64_t, int64_t>> dynamic_intervals;  // (milestone, interval)
};

struct DataloaderConfig {
  std::string path;  // "train_dataloader"
  int64_t batch_size = 1;
  int num_workers = 0;
  int prefetch_factor = 2;
  bool drop_last = false;
  bool shuffle = true;  // MMEngine: sampler.shuffle; true for train, false elsewhere
  ConfigNode dataset;
};

struct OptimizerConfig {
  std::string type = "SGD";  // SGD, Adam, AdamW
  double lr = 0;
  double momentum = 0;
  double weight_decay = 0;
  bool nesterov = false;
  double dampening = 0;
  std::array<double, 2> betas = {0.9, 0.999};
  double eps = 1e-8;
  bool amsgrad = false;
  int64_t accumulative_counts = 1;
  std::optional<double> clip_grad_max_norm;
  double clip_grad_norm_type = 2;
  // paramwise_cfg: norm_decay_mult, bias_decay_mult (empty: the task's own groups decide)
  std::optional<double> norm_decay_mult;
  std::optional<double> bias_decay_mult;
  bool bfloat16 = false;  // AmpOptimWrapper: training's forward passes under autocast
};

struct RunConfig {
  std::string work_dir;  // absolute
  uint64_t seed = 0;
  bool seed_given = false;
  bool deterministic = true;
  std::string load_from;  // "" or a path
  bool resume = false;
  std::string resume_from;  // with resume: the file (MMEngine: load_from); "": the newest in work_dir
  bool waive_hook_states = false;
  int threads = 0;  // 0: all processors
  std::string log_level = "INFO";
  std::optional<LoopConfig> train;
  bool val = false;  // val_dataloader is there (and val_cfg, unless false)
  bool test = false;
  bool val_bfloat16 = false;  // val_cfg.fp16: forward passes under autocast
  bool test_bfloat16 = false;
  std::optional<DataloaderConfig> train_dataloader, val_dataloader, test_dataloader;
  std::optional<OptimizerConfig> optimizer;
  std::optional<int64_t> lr_base_batch_size;  // auto_scale_lr: the batch, over all ranks, that lr is for
  ConfigNode val_evaluator, test_evaluator;  // tables; kNone when absent
  ConfigNode model;                          // the task's table, `type` included
  ConfigNode whole;                          // the resolved config
};

// Failure(kConfig) for the first thing that is wrong; each MMEngine key that is ignored is warned of once.
// `load_from` is taken relative to the file that names it, else to the current folder.
RunConfig read_run_config(const ConfigNode& config);

// What read_run_config accepts, as it was asked for while `sample` was read: with the keys of the loop and
// the optimiser that the sample names, every section being there. The keys of model, datasets and evaluators
// are the tasks'.
TableShape run_config_shape(const ConfigNode& sample);

// What happens to a key of an MMEngine or MMDetection config.
enum class KeyVerdict {
  kTaken,
  kIgnored,  // with one warning
  kRefused   // a Failure that says what to write instead
};
struct ConfigKey {
  const char* key;  // dotted: "train_dataloader.pin_memory"; "*_dataloader" stands for all three
  KeyVerdict verdict;
  const char* note;  // meaning, or why it is ignored, or what to write instead
};
// Every key that read_run_config knows, in the order of the README's table.
const std::vector<ConfigKey>& config_keys();

}  // namespace grapnel::runner
