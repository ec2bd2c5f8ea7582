// Replays MMEngine's own runs (tests/golden/traces, measured with MMEngine 0.11.0rc0) and compares event for
// event. Where Grapnel departs on purpose the departure is spelled out below.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/config_text.hpp"
#include "core/failure.hpp"
#include "test_run.hpp"

namespace grapnel::test {
namespace {

ConfigNode read_trace(const std::string& name) {
  const std::string path = std::string(GRAPNEL_SOURCE_DIR) + "/tests/golden/traces/" + name + ".json";
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return parse_json(text.str(), Source{path, 0});
}

bool has(const ConfigNode& node) { return node.kind() != ConfigNode::Kind::kNone; }

// A null in the file counts as `fallback`.
int64_t integer(const ConfigNode& table, const char* key, int64_t fallback = 0) {
  const ConfigNode* node = table.find(key);
  return node != nullptr && node->kind() == ConfigNode::Kind::kInt ? node->as_int() : fallback;
}

Events events_of(const ConfigNode& list) {
  Events events;
  for (const ConfigNode& item : list.items()) {
    const auto& fields = item.items();
    const int64_t batch = has(fields[3]) ? fields[3].as_int() : -1;
    events.push_back({fields[0].as_string(), fields[1].as_int(), fields[2].as_int(), batch});
  }
  return events;
}

struct Save {
  std::string point;
  int64_t iter;
  std::string file;
};

// What MMEngine's CheckpointHook saves and when, so that the runner is tested without the plugin.
std::vector<Save> planned_saves(const ConfigNode& config) {
  std::vector<Save> saves;
  const ConfigNode& hook = *config.find("checkpoint_hook");
  if (!has(hook)) return saves;
  const bool by_epoch = hook.find("by_epoch")->as_bool();
  const bool save_last = hook.find("save_last")->as_bool();
  const int64_t interval = integer(hook, "interval"), begin = integer(hook, "save_begin");
  const int64_t length = integer(config, "train_iters_per_epoch");
  const int64_t epochs = integer(config, "max_epochs");
  const int64_t last = by_epoch ? epochs : integer(config, "max_iters", epochs * length);
  for (int64_t n = 1; n <= last; ++n) {
    const bool regular = interval > 0 && n >= begin && (n - begin) % interval == 0;
    if (!regular && !(save_last && n == last)) continue;
    if (by_epoch)
      saves.push_back({"after_train_epoch", n * length, "epoch_" + std::to_string(n) + ".pth"});
    else
      saves.push_back({"after_train_iter", n - 1, "iter_" + std::to_string(n) + ".pth"});
  }
  if (has(*hook.find("save_best"))) {
    double best = -1e9;
    const auto& values = config.find("metric_values")->items();
    for (size_t n = 0; n < values.size(); ++n) {
      if (values[n].as_float() <= best) continue;
      best = values[n].as_float();
      const std::string number = std::to_string(n + 1);
      const int64_t iter = static_cast<int64_t>(n + 1) * length;
      saves.push_back({"after_val_epoch", iter, "best_acc_epoch_" + number + ".pth"});
      saves.push_back({"after_val_epoch", iter, "epoch_" + number + ".pth"});
    }
  }
  return saves;
}

RunSpec spec_of(const ConfigNode& config, const std::string& work_dir) {
  RunSpec spec;
  spec.work_dir = work_dir;
  spec.task.train_size = integer(config, "train_dataset_len", 1);
  spec.task.val_size = integer(config, "val_iters", 1);
  spec.task.test_size = integer(config, "test_iters", 1);
  spec.task.raise_at_step = integer(config, "train_step_raises_at_iter", -1);
  spec.batch_size = integer(config, "batch_size", 1);
  spec.train = has(*config.find("loop"));
  spec.val = has(*config.find("val_iters"));
  spec.test = has(*config.find("test_iters"));
  if (has(*config.find("metric_values"))) {
    for (const ConfigNode& value : config.find("metric_values")->items()) {
      spec.task.metric_values.push_back(value.as_float());
    }
  }
  if (spec.train) {
    spec.loop.by_epoch = config.find("loop")->as_string() == "EpochBasedTrainLoop";
    spec.loop.max_epochs = integer(config, "max_epochs");
    spec.loop.max_iters = integer(config, "max_iters");
    spec.loop.val_begin = integer(config, "val_begin", 1);
    spec.loop.val_interval = integer(config, "val_interval", 1);
    if (has(*config.find("dynamic_intervals"))) {
      for (const ConfigNode& pair : config.find("dynamic_intervals")->items()) {
        spec.loop.dynamic_intervals.emplace_back(pair.items()[0].as_int(), pair.items()[1].as_int());
      }
    }
    spec.optimizer.lr = 0.1;
  }
  return spec;
}

// The file that a resumed trace starts from, made by the run that its path names.
std::string make_start_file(const std::string& from, const TemporaryFolder& folder) {
  const size_t slash = from.find('/');
  const std::string source = from.substr(0, slash), file = from.substr(slash + 1);
  // One trace starts from a run that is not among the reference files: epoch_e3, saved at iteration 5 only.
  const bool by_iter_5 = source == "epoch_e3_ckpt_byiter5_nosavelast";
  const ConfigNode trace = read_trace(by_iter_5 ? "epoch_e3_ckpt_byiter5_savelast" : source);
  TestRun run(spec_of(*trace.find("config"), folder.path(source)));
  for (const Save& save : planned_saves(*trace.find("config"))) {
    run.act(save.point, save.iter,
            [save](TraceHook& hook, const Point&) { hook.runner().request_save(save.file); });
  }
  run.train();
  return folder.path(from);
}

// A resume inside an epoch: MMEngine begins the epoch again, Grapnel goes on at the next batch. So the
// batches that were trained on before drop out of the resumed epoch and every later iteration number is
// smaller by as many.
Events going_on_at_the_next_batch(const Events& golden, int64_t done) {
  Events result;
  int64_t epoch = -1;
  for (Event event : golden) {
    if (event.point == "before_train_epoch" && epoch < 0) epoch = event.epoch;
    if (epoch >= 0) {
      if (event.epoch == epoch && event.batch_idx >= 0 && event.batch_idx < done) continue;
      if (!(event.epoch == epoch && event.point == "before_train_epoch")) event.iter -= done;
    }
    result.push_back(event);
  }
  return result;
}

class Trace : public testing::TestWithParam<std::string> {};

TEST_P(Trace, IsMMEngines) {
  const ConfigNode trace = read_trace(GetParam());
  const ConfigNode& config = *trace.find("config");
  TemporaryFolder folder;
  RunSpec spec = spec_of(config, folder.path("run"));
  Events expected = events_of(*trace.find("events"));
  const std::string from = has(*config.find("load_from")) ? config.find("load_from")->as_string() : "";
  const bool resume = config.find("resume")->as_bool();
  int64_t shift = 0;  // iterations that Grapnel does not repeat
  if (!from.empty()) {
    const std::string path = make_start_file(from, folder);
    spec.resume = resume;
    (resume ? spec.resume_from : spec.load_from) = path;
    const ConfigNode& meta = *config.find("loaded_meta");
    if (resume && spec.loop.by_epoch) {
      shift = integer(meta, "iter") - integer(meta, "epoch") * spec.task.train_size;
      if (shift > 0) expected = going_on_at_the_next_batch(expected, shift);
    }
  }
  TestRun run(spec);
  for (const Save& save : planned_saves(config)) {
    run.act(save.point, save.iter,
            [save](TraceHook& hook, const Point&) { hook.runner().request_save(save.file); });
  }
  const int64_t stop_at = integer(config, "stop_training_set_in_after_train_iter_when_runner_iter_is", -1);
  if (stop_at >= 0) {
    run.act("after_train_iter", stop_at,
            [](TraceHook& hook, const Point&) { hook.runner().request_stop("test"); });
  }
  if (has(*config.find(
          "early_stopping"))) {  // its metrics stop getting better: patience 2 is over at epoch 3
    run.act("after_val_epoch", 12,
            [](TraceHook& hook, const Point&) { hook.runner().request_stop("patience"); });
  }

  const std::string call = config.find("calls")->items()[0].as_string();
  if (has(*trace.find("exception"))) {
    EXPECT_THROW(run.train(), Failure);
    // Departure: MMEngine calls nothing after an exception; here after_run comes (after on_exception).
    expected.push_back({"after_run", expected.back().epoch, expected.back().iter, -1});
    ASSERT_GE(run.events.size(), 2u);
    EXPECT_EQ(run.events[run.events.size() - 2].point, "on_exception");
  } else {
    EXPECT_EQ(call == "train" ? run.train() : call == "val" ? run.val() : run.test(), runner::RunEnd::kDone);
  }

  EXPECT_EQ(as_mmengine_sees_it(run.events), expected);
  // Departure: a save happens when all hooks of the point have run, so the last hook sees the same order as
  // the first.
  EXPECT_EQ(as_mmengine_sees_it(run.events_lowest), expected);
  const ConfigNode& final_state = *trace.find("final");
  EXPECT_EQ(run.runner().epoch(), integer(final_state, "epoch"));
  EXPECT_EQ(run.runner().iter(), integer(final_state, "iter") - shift);

  std::vector<std::string> wanted, written;
  for (const auto& [file, meta] : final_state.find("checkpoint_meta")->members()) {
    wanted.push_back(file);
    const runner::Checkpoint checkpoint = runner::read_checkpoint(folder.path("run/" + file));
    EXPECT_EQ(checkpoint.epoch, integer(meta, "epoch")) << file;
    EXPECT_EQ(checkpoint.iter, integer(meta, "iter") - shift) << file;
  }
  for (const auto& entry : std::filesystem::directory_iterator(folder.path("run"))) {
    const std::string name = entry.path().filename().string();
    // Removing the former best file is CheckpointHook's work, not the runner's.
    const bool former_best =
        name.rfind("best_", 0) == 0 && std::count(wanted.begin(), wanted.end(), name) == 0;
    if (entry.path().extension() == ".pth" && !former_best) written.push_back(name);
  }
  std::sort(wanted.begin(), wanted.end());
  std::sort(written.begin(), written.end());
  EXPECT_EQ(written, wanted);
}

std::vector<std::string> trace_names() {
  std::vector<std::string> names;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(GRAPNEL_SOURCE_DIR) + "/tests/golden/traces")) {
    names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

INSTANTIATE_TEST_SUITE_P(MMEngine, Trace, testing::ValuesIn(trace_names()),
                         [](const testing::TestParamInfo<std::string>& each) { return each.param; });

TEST(TraceFiles, AreAllThere) { EXPECT_EQ(trace_names().size(), 26u); }

}  // namespace
}  // namespace grapnel::test
