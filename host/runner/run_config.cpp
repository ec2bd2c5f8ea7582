// Reads the runner's part of the config through Section, which checks types, ranges and unknown keys.
#include "runner/run_config.hpp"

#include <spdlog/spdlog.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "core/config_file.hpp"
#include "core/failure.hpp"
#include "core/section.hpp"

namespace grapnel::runner {
namespace {

constexpr int64_t kManyEpochs = 1'000'000;
constexpr int64_t kManyIters = 1'000'000'000'000;

// The part of a dotted key below `path`; null when it is not directly below. A key of all three loaders is
// written with '*'.
const char* key_below(const char* dotted, const std::string& path) {
  std::string prefix = path.empty() ? "" : path + ".";
  for (const char* split : {"train_dataloader", "val_dataloader", "test_dataloader"}) {
    if (prefix.rfind(split, 0) == 0) prefix = "*_dataloader" + prefix.substr(std::strlen(split));
  }
  if (std::strncmp(dotted, prefix.c_str(), prefix.size()) != 0) return nullptr;
  const char* rest = dotted + prefix.size();
  return std::strchr(rest, '.') == nullptr ? rest : nullptr;
}

// Warns of the keys that are knowingly ignored in this table and refuses those that can't be honoured.
void apply_verdicts(Section& section) {
  for (const ConfigKey& entry : config_keys()) {
    if (entry.verdict == KeyVerdict::kTaken) continue;
    const char* key = key_below(entry.key, section.path());
    if (key == nullptr) continue;
    if (section.records()) {
      section.ignore(key);
      if (entry.verdict == KeyVerdict::kRefused) section.expect_refusal(key);
    }
    if (!section.has(key)) continue;
    if (entry.verdict == KeyVerdict::kRefused) {
      section.fail(key, "this MMEngine key cannot be honoured", "", "", entry.note);
    }
    section.ignore(key);
    const std::string dotted = section.path().empty() ? key : section.path() + "." + key;
    spdlog::warn("{}: {} is ignored: {}", section.raw(key)->source().text(), dotted, entry.note);
  }
}

// Everything read: the keys that stay are unknown ones.
void finish(Section& section) {
  apply_verdicts(section);
  section.finish();
}

LoopConfig read_train_cfg(Section cfg) {
  LoopConfig loop;
  const std::vector<std::string> types = {"EpochBasedTrainLoop", "IterBasedTrainLoop"};
  if (cfg.has("type")) {
    loop.by_epoch = cfg.choice("type", types) == types[0];
    if (cfg.boolean_or("by_epoch", loop.by_epoch) != loop.by_epoch) {
      cfg.fail("by_epoch", "by_epoch contradicts the type", loop.by_epoch ? "false" : "true",
               loop.by_epoch ? "true" : "false", "leave by_epoch out");
    }
  } else {
    loop.by_epoch = cfg.boolean_or("by_epoch", true);
  }
  const char* other = loop.by_epoch ? "max_iters" : "max_epochs";
  if (cfg.has(other)) {
    cfg.fail(other, "the loop does not count by that", other, loop.by_epoch ? "max_epochs" : "max_iters",
             "type = \"" + types[loop.by_epoch ? 1 : 0] + "\" would");
  }
  if (loop.by_epoch)
    loop.max_epochs = cfg.integer("max_epochs", {0, kManyEpochs});
  else
    loop.max_iters = cfg.integer("max_iters", {0, kManyIters});
  loop.val_begin = cfg.integer_or("val_begin", 1, {0, kManyIters});
  loop.val_interval = cfg.integer_or("val_interval", loop.by_epoch ? 1 : 1000, {1, kManyIters});
  const ConfigNode pair = shape::list(shape::integer({1}), 2);
  cfg.expect("dynamic_intervals", shape::list(pair), ConfigNode::list({}));
  if (const ConfigNode* pairs = cfg.raw("dynamic_intervals")) {
    const auto refuse = [&](const char* got) {
      cfg.fail("dynamic_intervals", "wrong dynamic_intervals", got,
               "[[milestone, interval], ...], both at least 1, milestones rising");
    };
    if (pairs->kind() != ConfigNode::Kind::kList) refuse(ConfigNode::kind_name(pairs->kind()));
    for (const ConfigNode& item : pairs->items()) {
      if (item.kind() != ConfigNode::Kind::kList || item.items().size() != 2 ||
          item.items()[0].kind() != ConfigNode::Kind::kInt ||
          item.items()[1].kind() != ConfigNode::Kind::kInt) {
        refuse("an item that is no pair of integers");
      }
      const int64_t milestone = item.items()[0].as_int();
      const int64_t interval = item.items()[1].as_int();
      if (milestone < 1 || interval < 1) refuse("a number below 1");
      if (!loop.dynamic_intervals.empty() && milestone <= loop.dynamic_intervals.back().first) {
        refuse("milestones that do not rise");
      }
      loop.dynamic_intervals.emplace_back(milestone, interval);
    }
  }
  finish(cfg);
  return loop;
}

DataloaderConfig read_dataloader(Section section, bool train) {
  DataloaderConfig loader;
  loader.path = section.path();
  loader.batch_size = section.integer("batch_size", {1, 65536});
  loader.num_workers = static_cast<int>(section.integer_or("num_workers", 0, {0, 256}));
  loader.prefetch_factor = static_cast<int>(section.integer_or("prefetch_factor", 2, {1, 1024}));
  loader.drop_last = section.boolean_or("drop_last", false);
  loader.shuffle = train;
  if (auto sampler = section.table("sampler")) {
    sampler->choice_or("type", "DefaultSampler", {"DefaultSampler"});
    loader.shuffle = sampler->boolean_or("shuffle", train);
    finish(*sampler);
  }
  section.required_table("dataset");
  if (const ConfigNode* dataset = section.raw("dataset")) loader.dataset = *dataset;
  finish(section);
  return loader;
}

void read_clip_grad(Section clip, OptimizerConfig& config) {
  config.clip_grad_max_norm = clip.number("max_norm", {0, std::numeric_limits<double>::max(), true});
  config.clip_grad_norm_type =
      clip.number_or("norm_type", 2.0, {0, std::numeric_limits<double>::infinity(), true});
  finish(clip);
}

void read_optimizer(Section section, OptimizerConfig& config) {
  config.type = section.choice("type", {"SGD", "Adam", "AdamW"});
  const double largest = std::numeric_limits<double>::max();
  config.lr = section.number("lr", {0, largest});
  config.weight_decay = section.number_or("weight_decay", config.type == "AdamW" ? 0.01 : 0.0, {0, largest});
  if (config.type == "SGD") {
    config.momentum = section.number_or("momentum", 0, {0, 1, false, true});
    config.dampening = section.number_or("dampening", 0, {0, 1});
    config.nesterov = section.boolean_or("nesterov", false);
    if (config.nesterov && (config.momentum <= 0 || config.dampening != 0)) {
      section.fail("nesterov", "nesterov needs a momentum and no dampening",
                   "momentum = " + std::to_string(config.momentum) +
                       ", dampening = " + std::to_string(config.dampening),
                   "momentum > 0, dampening = 0");
    }
  } else {
    const auto betas = section.numbers_or("betas", {0.9, 0.999}, 2, {0, 1, false, true});
    config.betas = {betas[0], betas[1]};
    config.eps = section.number_or("eps", 1e-8, {0, 1});
    config.amsgrad = section.boolean_or("amsgrad", false);
  }
  finish(section);
}

void read_half_type(Section& wrapper, bool used) {
  if (!wrapper.records() && wrapper.has("dtype") && wrapper.string("dtype") == "float16") {
    wrapper.fail("dtype", "float16 cannot be trained in on a CPU", "\"float16\"", "\"bfloat16\"",
                 "bfloat16 is as fast and has float32's range: loss_scale is not needed either");
  }
  wrapper.choice_or("dtype", "bfloat16", {"bfloat16"});
  if (used || !wrapper.has("dtype")) return;
  spdlog::warn("{}: optim_wrapper.dtype is ignored: only AmpOptimWrapper has one",
               wrapper.raw("dtype")->source().text());
}

OptimizerConfig read_optim_wrapper(Section wrapper) {
  OptimizerConfig config;
  config.bfloat16 =
      wrapper.choice_or("type", "OptimWrapper", {"OptimWrapper", "AmpOptimWrapper"}) == "AmpOptimWrapper";
  read_half_type(wrapper, config.bfloat16);
  config.accumulative_counts = wrapper.integer_or("accumulative_counts", 1, {1, 1'000'000});
  read_optimizer(wrapper.required_table("optimizer"), config);
  if (auto clip = wrapper.table("clip_grad")) read_clip_grad(*clip, config);
  if (auto paramwise = wrapper.table("paramwise_cfg")) {
    const double largest = std::numeric_limits<double>::max();
    if (paramwise->has("norm_decay_mult"))
      config.norm_decay_mult = paramwise->number("norm_decay_mult", {0, largest});
    if (paramwise->has("bias_decay_mult"))
      config.bias_decay_mult = paramwise->number("bias_decay_mult", {0, largest});
    finish(*paramwise);
  }
  finish(wrapper);
  return config;
}

// The batch size that the rate is written for; empty when it holds for any.
std::optional<int64_t> read_auto_scale_lr(Section section) {
  const bool enabled = section.boolean_or("enable", false);
  const int64_t size = section.integer("base_batch_size", {1, 1'000'000'000});
  finish(section);
  return enabled ? std::optional<int64_t>(size) : std::nullopt;
}

// val_cfg or test_cfg: whether its loop is wanted. `false` switches it off although there is a dataloader.
bool read_eval_cfg(Section& root, const char* key, const char* loop_type, bool has_dataloader,
                   const std::string& dataloader_key, bool& bfloat16) {
  const bool is_there = root.has(key);
  auto cfg = root.table_or_false(key);
  if (!cfg) return !is_there && has_dataloader;
  cfg->choice_or("type", loop_type, {loop_type});
  bfloat16 = cfg->boolean_or("fp16", false);
  finish(*cfg);
  if (!has_dataloader) {
    root.fail(key, std::string(key) + " without " + dataloader_key, "no " + dataloader_key, "a table",
              "add [" + dataloader_key + "] or remove [" + key + "]");
  }
  return true;
}

ConfigNode read_evaluator(Section& root, const char* key, bool has_dataloader) {
  if (!root.table(key)) return {};
  if (!has_dataloader) {
    const std::string dataloader = std::string(key, std::strchr(key, '_') - key) + "_dataloader";
    root.fail(key, "an evaluator without data", "no " + dataloader, "a table", "");
  }
  const ConfigNode* node = root.raw(key);
  return node ? *node : ConfigNode();
}

void read_randomness(Section section, RunConfig& run) {
  run.seed_given = section.has("seed");
  run.seed = static_cast<uint64_t>(section.integer_or("seed", 0, {0, std::numeric_limits<int64_t>::max()}));
  run.deterministic = section.boolean_or("deterministic", true);
  finish(section);
}

std::string default_work_dir(const ConfigNode& config) {
  const std::string stem = std::filesystem::path(config.source().file).stem().string();
  return "work_dirs/" + (stem.empty() ? "run" : stem);
}

// Relative to the file that names it, where that exists, else to the current folder.
std::string resolve_load_from(const ConfigNode& node) {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path beside = resolve_path(node);
  const fs::path chosen = fs::exists(beside, error) ? beside : fs::path(node.as_string());
  return fs::absolute(chosen).lexically_normal().string();
}

void read_start(Section& root, RunConfig& run) {
  run.resume = root.boolean_or("resume", false);
  run.waive_hook_states = root.boolean_or("waive_hook_states", false);
  if (!root.string_or("load_from", "").empty()) {
    (run.resume ? run.resume_from : run.load_from) = resolve_load_from(*root.raw("load_from"));
  }
}

// What must come together.
void check_consistency(Section& root, const RunConfig& run) {
  const auto need = [&](const char* have, const char* lacks) {
    root.fail(have, std::string(have) + " without " + lacks, std::string("no ") + lacks, "a table",
              std::string("add [") + lacks + "] or remove [" + have + "]");
  };
  if (run.train && !run.train_dataloader) need("train_cfg", "train_dataloader");
  if (run.train && !run.optimizer) need("train_cfg", "optim_wrapper");
  if (run.train_dataloader && !run.train) need("train_dataloader", "train_cfg");
  if (run.optimizer && !run.train) need("optim_wrapper", "train_cfg");
  if (!run.train && !run.val && !run.test) {
    throw Failure(FailureKind::kConfig, {"the config has no loop to run", root.source().text(),
                                         "neither train_cfg nor a dataloader",
                                         "[train_cfg], [val_dataloader] or [test_dataloader]", ""});
  }
}

// All sections; `root` is the section of `config`.
RunConfig read_root(Section& root, const ConfigNode& config) {
  RunConfig run;
  const std::string work_dir = root.string_or("work_dir", default_work_dir(config));
  root.expect("work_dir", shape::text(false));  // the default depends on the file's name
  if (work_dir.empty()) root.fail("work_dir", "no folder", "\"\"", "a path");
  run.work_dir = std::filesystem::absolute(work_dir).lexically_normal().string();
  read_start(root, run);
  run.log_level = root.choice_or("log_level", "INFO", {"DEBUG", "INFO", "WARNING", "ERROR"});
  if (auto section = root.table("randomness")) read_randomness(*section, run);
  if (auto section = root.table("env_cfg")) {
    run.threads = static_cast<int>(section->integer_or("num_threads", 0, {0, 4096}));
    finish(*section);
  }
  for (const char* key : {"plugins", "default_hooks", "custom_hooks", "param_scheduler"}) root.ignore(key);

  root.required_table("model");
  if (const ConfigNode* model = root.raw("model")) run.model = *model;
  if (auto section = root.table("train_cfg")) run.train = read_train_cfg(*section);
  if (auto section = root.table("train_dataloader")) run.train_dataloader = read_dataloader(*section, true);
  if (auto section = root.table("val_dataloader")) run.val_dataloader = read_dataloader(*section, false);
  if (auto section = root.table("test_dataloader")) run.test_dataloader = read_dataloader(*section, false);
  if (auto section = root.table("optim_wrapper")) run.optimizer = read_optim_wrapper(*section);
  if (auto section = root.table("auto_scale_lr")) run.lr_base_batch_size = read_auto_scale_lr(*section);
  run.val = read_eval_cfg(root, "val_cfg", "ValLoop", run.val_dataloader.has_value(), "val_dataloader",
                          run.val_bfloat16);
  run.test = read_eval_cfg(root, "test_cfg", "TestLoop", run.test_dataloader.has_value(), "test_dataloader",
                           run.test_bfloat16);
  run.val_evaluator = read_evaluator(root, "val_evaluator", run.val_dataloader.has_value());
  run.test_evaluator = read_evaluator(root, "test_evaluator", run.test_dataloader.has_value());
  finish(root);
  run.whole = config;
  return run;
}

}  // namespace

RunConfig read_run_config(const ConfigNode& config) {
  Section root(config, "");
  RunConfig run = read_root(root, config);
  check_consistency(root, run);
  return run;
}

TableShape run_config_shape(const ConfigNode& sample) {
  TableShape shape;
  Section root(sample, "", shape);
  read_root(root, sample);
  return shape;
}

}  // namespace grapnel::runner
