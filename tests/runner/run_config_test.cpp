// Wrong configs each get one message that names the key; MMEngine's keys are taken, ignored or refused as
// listed.
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "core/config_text.hpp"
#include "core/failure.hpp"
#include "runner/run_config.hpp"

namespace grapnel::runner {
namespace {

constexpr const char* kGood = R"(
work_dir = "out"
load_from = ""
[randomness]
seed = 7
[env_cfg]
num_threads = 2
cudnn_benchmark = true
[model]
type = "YOLOX"
[train_dataloader]
batch_size = 8
num_workers = 2
persistent_workers = true
pin_memory = true
sampler = { type = "DefaultSampler", shuffle = false }
drop_last = true
[train_dataloader.dataset]
type = "CocoDataset"
[val_dataloader]
batch_size = 4
[val_dataloader.dataset]
type = "CocoDataset"
[val_cfg]
type = "ValLoop"
[val_evaluator]
type = "CocoMetric"
[train_cfg]
type = "EpochBasedTrainLoop"
max_epochs = 20
val_interval = 5
val_begin = 2
dynamic_intervals = [[10, 2], [15, 1]]
[optim_wrapper]
type = "OptimWrapper"
accumulative_counts = 4
clip_grad = { max_norm = 35, norm_type = 2 }
paramwise_cfg = { norm_decay_mult = 0.0, bias_decay_mult = 0, bypass_duplicate = true }
[optim_wrapper.optimizer]
type = "SGD"
lr = 0.01
momentum = 0.9
weight_decay = 5e-4
nesterov = true
)";

RunConfig read(const std::string& text) { return read_run_config(parse_toml(text, "demo.toml")); }

// `kGood` with one place replaced.
std::string with(const std::string& from, const std::string& to) {
  std::string text = kGood;
  const size_t at = text.find(from);
  if (at == std::string::npos) throw std::logic_error("the good config lacks " + from);
  return text.replace(at, from.size(), to);
}

void expect_failure(const std::string& text, const std::vector<std::string>& words) {
  try {
    read(text);
    FAIL() << "accepted, expected a message with " << words[0];
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.kind(), FailureKind::kConfig);
    for (const std::string& word : words) {
      EXPECT_NE(std::string(failure.what()).find(word), std::string::npos)
          << failure.what() << "\nlacks " << word;
    }
  }
}

TEST(RunConfig, ReadsMMEnginesKeys) {
  const RunConfig run = read(kGood);
  EXPECT_EQ(run.work_dir, (std::filesystem::current_path() / "out").string());
  EXPECT_EQ(run.seed, 7u);
  EXPECT_TRUE(run.seed_given);
  EXPECT_EQ(run.threads, 2);
  ASSERT_TRUE(run.train);
  EXPECT_TRUE(run.train->by_epoch);
  EXPECT_EQ(run.train->max_epochs, 20);
  EXPECT_EQ(run.train->val_begin, 2);
  EXPECT_EQ(run.train->dynamic_intervals, (std::vector<std::pair<int64_t, int64_t>>{{10, 2}, {15, 1}}));
  EXPECT_EQ(run.train_dataloader->batch_size, 8);
  EXPECT_TRUE(run.train_dataloader->drop_last);
  EXPECT_FALSE(run.train_dataloader->shuffle);
  EXPECT_FALSE(run.val_dataloader->shuffle);
  EXPECT_EQ(run.train_dataloader->dataset.find("type")->as_string(), "CocoDataset");
  EXPECT_EQ(run.optimizer->accumulative_counts, 4);
  EXPECT_EQ(run.optimizer->clip_grad_max_norm, 35.0);
  EXPECT_EQ(run.optimizer->norm_decay_mult, 0.0);
  EXPECT_TRUE(run.optimizer->nesterov);
  EXPECT_DOUBLE_EQ(run.optimizer->weight_decay, 5e-4);
  EXPECT_TRUE(run.val);
  EXPECT_FALSE(run.test);
  EXPECT_EQ(run.val_evaluator.find("type")->as_string(), "CocoMetric");
}

TEST(RunConfig, ReadsAnIterBasedLoop) {
  const RunConfig run =
      read(with("type = \"EpochBasedTrainLoop\"\nmax_epochs = 20", "by_epoch = false\nmax_iters = 100"));
  EXPECT_FALSE(run.train->by_epoch);
  EXPECT_EQ(run.train->max_iters, 100);
}

TEST(RunConfig, ResumesFromLoadFrom) {
  const RunConfig run = read(with("load_from = \"\"", "load_from = \"a.pth\"\nresume = true"));
  EXPECT_TRUE(run.resume);
  EXPECT_TRUE(run.load_from.empty());
  EXPECT_EQ(run.resume_from, (std::filesystem::current_path() / "a.pth").string());
}

TEST(RunConfig, SwitchesAnEvaluationOff) {
  EXPECT_FALSE(read("val_cfg = false\n" + with("[val_cfg]\ntype = \"ValLoop\"", "")).val);
}

TEST(RunConfig, NamesTheNearestKeyForAnUnknownOne) {
  expect_failure(with("work_dir", "work_dirr"), {"demo.toml:2", "work_dirr", "work_dir"});
  expect_failure(with("val_interval", "val_intervall"), {"train_cfg.val_intervall", "val_interval"});
  expect_failure(with("batch_size = 8", "batch_sise = 8"), {"train_dataloader"});
  expect_failure(with("nesterov", "nesterow"), {"optim_wrapper.optimizer.nesterow", "nesterov"});
}

TEST(RunConfig, RefusesWrongValues) {
  expect_failure(with("batch_size = 8", "batch_size = 0"), {"train_dataloader.batch_size", "0"});
  expect_failure(with("batch_size = 8", "batch_size = \"8\""), {"train_dataloader.batch_size", "integer"});
  expect_failure(with("num_workers = 2", "num_workers = -1"), {"num_workers"});
  expect_failure(with("lr = 0.01", "lr = -1"), {"optimizer.lr"});
  expect_failure(with("lr = 0.01", ""), {"optimizer.lr"});
  expect_failure(with("momentum = 0.9", "momentum = 1.0"), {"optimizer.momentum"});
  expect_failure(with("momentum = 0.9", ""), {"nesterov"});
  expect_failure(with("\"SGD\"", "\"RMSprop\""), {"optimizer.type", "RMSprop", "AdamW"});
  expect_failure(with("max_norm = 35", "max_norm = 0"), {"clip_grad.max_norm"});
  expect_failure(with("max_epochs = 20", ""), {"train_cfg.max_epochs"});
  expect_failure(with("max_epochs = 20", "max_epochs = -1"), {"max_epochs"});
  expect_failure(with("max_epochs = 20", "max_iters = 20"), {"max_iters", "max_epochs"});
  expect_failure(with("val_interval = 5", "val_interval = 0"), {"val_interval"});
  expect_failure(with("[[10, 2], [15, 1]]", "[[10, 2], [5, 1]]"), {"dynamic_intervals", "rise"});
  expect_failure(with("[[10, 2], [15, 1]]", "[[10, 2, 3]]"), {"dynamic_intervals"});
  expect_failure(with("EpochBasedTrainLoop", "EpochTrainLoop"), {"train_cfg.type", "EpochBasedTrainLoop"});
  expect_failure(with("DefaultSampler", "RandomSampler"), {"sampler.type", "DefaultSampler"});
  expect_failure(with("seed = 7", "seed = -7"), {"randomness.seed"});
  expect_failure(with("accumulative_counts = 4", "accumulative_counts = 0"), {"accumulative_counts"});
  expect_failure(with("type = \"OptimWrapper\"", "type = \"AmpWrapper\""), {"AmpWrapper", "AmpOptimWrapper"});
  expect_failure(with("type = \"OptimWrapper\"", "type = \"AmpOptimWrapper\"\ndtype = \"float16\""),
                 {"optim_wrapper.dtype", "float16", "CPU", "bfloat16"});
  expect_failure(with("type = \"OptimWrapper\"", "type = \"AmpOptimWrapper\"\ndtype = \"float64\""),
                 {"optim_wrapper.dtype", "float64", "bfloat16"});
}

TEST(RunConfig, TakesHalfPrecisionAsMMEngineNamesIt) {
  const auto read = [](const std::string& text) { return read_run_config(parse_toml(text, "demo.toml")); };
  EXPECT_FALSE(read(kGood).optimizer->bfloat16);
  const std::string amp = with("\"OptimWrapper\"", "\"AmpOptimWrapper\"\nloss_scale = \"dynamic\"");
  EXPECT_TRUE(read(amp).optimizer->bfloat16);
  EXPECT_FALSE(read(amp).val_bfloat16);  // an evaluation is float32 unless val_cfg says otherwise
  const std::string named = with("\"OptimWrapper\"", "\"AmpOptimWrapper\"\ndtype = \"bfloat16\"");
  EXPECT_TRUE(read(named).optimizer->bfloat16);
  ConfigNode config = parse_toml(kGood, "demo.toml");
  config.set("val_cfg", ConfigNode::table({{"fp16", ConfigNode::boolean(true)}}));
  EXPECT_TRUE(read_run_config(config).val_bfloat16);
  EXPECT_FALSE(read_run_config(config).test_bfloat16);
}

TEST(RunConfig, TakesTheBatchSizeThatTheRateIsFor) {
  const auto read = [](const char* text) {
    ConfigNode config = parse_toml(kGood, "demo.toml");
    config.set("auto_scale_lr", *parse_toml(text, "scale.toml").find("auto_scale_lr"));
    return read_run_config(config).lr_base_batch_size;
  };
  EXPECT_EQ(read("auto_scale_lr = { enable = true, base_batch_size = 64 }"), 64);
  EXPECT_EQ(read("auto_scale_lr = { enable = false, base_batch_size = 64 }"), std::nullopt);
  EXPECT_EQ(read("auto_scale_lr = { base_batch_size = 64 }"), std::nullopt);
  EXPECT_THROW(read("auto_scale_lr = { enable = true }"), Failure);
  EXPECT_THROW(read("auto_scale_lr = { enable = true, base_batch_size = 0 }"), Failure);
}

TEST(RunConfig, RefusesWhatDoesNotComeTogether) {
  const std::string no_loader = "[train_cfg]\nmax_epochs = 1\n[model]\ntype = \"X\"\n";
  expect_failure(no_loader, {"train_cfg", "train_dataloader"});
  expect_failure(
      "[train_cfg]\nmax_epochs = 1\n[model]\ntype = \"X\"\n[train_dataloader]\nbatch_size = 1\ndataset = "
      "{}\n",
      {"train_cfg", "optim_wrapper"});
  expect_failure("[val_cfg]\n[model]\ntype = \"X\"\n", {"val_cfg", "val_dataloader"});
  expect_failure("[model]\ntype = \"X\"\n", {"no loop"});
  expect_failure("[test_evaluator]\ntype = \"M\"\n[model]\ntype = \"X\"\n",
                 {"test_evaluator", "test_dataloader"});
  expect_failure("[train_dataloader]\nbatch_size = 1\ndataset = {}\n[model]\ntype = \"X\"\n",
                 {"train_dataloader", "train_cfg"});
  expect_failure("work_dir = \"x\"\n", {"model"});
}

// A table with the key at its place, in an otherwise good config.
ConfigNode config_with(const std::string& dotted) {
  ConfigNode config = parse_toml(kGood, "demo.toml");
  std::vector<std::string> parts;
  std::string name = dotted[0] == '*' ? "train" + dotted.substr(1) : dotted;
  for (size_t dot; (dot = name.find('.')) != std::string::npos; name.erase(0, dot + 1))
    parts.push_back(name.substr(0, dot));
  ConfigNode* table = &config;
  for (const std::string& part : parts) {
    if (table->find(part) == nullptr) table->set(part, ConfigNode::table());
    table = table->find_mutable(part);
  }
  if (parts == std::vector<std::string>{"test_cfg"}) {
    config.set("test_dataloader", *config.find("val_dataloader"));
  }
  if (name == "betas" || name == "eps" || name == "amsgrad") {  // Adam's own
    *table = ConfigNode::table({{"type", ConfigNode::string("Adam")}, {"lr", ConfigNode::number(0.1)}});
  }
  table->set(name, ConfigNode::boolean(true));
  return config;
}

TEST(ConfigKeys, AreIgnoredOrRefusedAsTheTableSays) {
  std::set<std::string> seen;
  for (const ConfigKey& key : config_keys()) {
    EXPECT_TRUE(seen.insert(key.key).second) << key.key << " twice";
    EXPECT_GT(std::string(key.note).size(), 2u) << key.key;
    if (key.verdict == KeyVerdict::kIgnored) {
      EXPECT_NO_THROW(read_run_config(config_with(key.key))) << key.key;
    } else if (key.verdict == KeyVerdict::kRefused) {
      try {
        read_run_config(config_with(key.key));
        ADD_FAILURE() << key.key << " was accepted";
      } catch (const Failure& failure) {
        EXPECT_NE(std::string(failure.what()).find(key.note), std::string::npos) << failure.what();
      }
    }
  }
  EXPECT_GT(seen.size(), 70u);
}

// What the table calls taken is read: it may be refused for its value, never as unknown.
TEST(ConfigKeys, ThatAreTakenAreKnown) {
  for (const ConfigKey& key : config_keys()) {
    if (key.verdict != KeyVerdict::kTaken) continue;
    try {
      read_run_config(config_with(key.key));
    } catch (const Failure& failure) {
      EXPECT_EQ(std::string(failure.what()).find("unknown"), std::string::npos)
          << key.key << ": " << failure.what();
    }
  }
}

}  // namespace
}  // namespace grapnel::runner
