// The order of the conformance tool's runs against MMEngine's own (tests/golden/traces, measured with
// MMEngine 0.11.0rc0): whatever a hook is called with there, it is called with in a real run.
#include <gmock/gmock.h>

#include <grapnel/plugin.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <tuple>

#include "conformance/legal_run.hpp"
#include "conformance/option_texts.hpp"
#include "core/config_text.hpp"
#include "core/point_table.hpp"

namespace grapnel::conformance {
namespace {

using Event = std::tuple<std::string, int64_t, int64_t, int64_t>;  // point, epoch, iter, batch; -1: none
using Events = std::vector<Event>;

// A hook of this process that subscribes to everything.
Events* noted = nullptr;

template <size_t number>
grapnel_status note_down(void*, const grapnel_point_args* args, grapnel_error*) {
  noted->emplace_back(kPoints[number].name, args->epoch, args->iter, args->batch_idx);
  return GRAPNEL_STATUS_OK;
}

grapnel_status create(const grapnel_host*, const grapnel_value*, uint64_t, uint64_t, void** self,
                      grapnel_error*) {
  *self = nullptr;
  return GRAPNEL_STATUS_OK;
}

template <size_t... numbers>
grapnel_hook_vtable vtable_of_all(std::index_sequence<numbers...>) {
  grapnel_hook_vtable vtable{};
  vtable.struct_size = sizeof vtable;
  vtable.create = &create;
  vtable.destroy = [](void*) {};
  ((vtable.*kPoints[numbers].slot = &note_down<numbers>), ...);
  return vtable;
}

const grapnel_plugin& observer() {
  static const grapnel_hook_vtable vtable = vtable_of_all(std::make_index_sequence<GRAPNEL_POINT_COUNT>());
  static const grapnel_plugin plugin = {sizeof(grapnel_plugin),
                                        GRAPNEL_ABI_MAJOR,
                                        GRAPNEL_ABI_MINOR,
                                        50,
                                        "Observer",
                                        "1.0.0",
                                        "",
                                        "",
                                        "Notes every call",
                                        "",
                                        nullptr,
                                        0,
                                        sizeof(grapnel_option),
                                        &vtable};
  return plugin;
}

// What the reference does not have: Grapnel's own points.
bool is_mmengines(const Event& event) {
  const std::string& point = std::get<0>(event);
  return point != "after_backward" && point != "before_optimizer_step" && point != "after_save_checkpoint";
}

Events events_of(const RunPlan& plan, const std::string& folder) {
  Events events;
  noted = &events;
  InMemoryHost host;
  host.work_dir = folder;
  furnish(host, plan);
  EXPECT_TRUE(host.create(observer(), OptionValues(), ""));
  EXPECT_TRUE(LegalRun(host, plan).run().is_whole);
  host.destroy();
  Events ours;
  std::copy_if(events.begin(), events.end(), std::back_inserter(ours), is_mmengines);
  return ours;
}

bool has(const ConfigNode& table, const char* key) {
  const ConfigNode* node = table.find(key);
  return node != nullptr && node->kind() != ConfigNode::Kind::kNone;
}

int64_t integer(const ConfigNode& table, const char* key, int64_t fallback) {
  return has(table, key) ? table.find(key)->as_int() : fallback;
}

// A plan can say it: one plain train, val or test, without what other hooks did there.
bool is_plain(const ConfigNode& config) {
  for (const char* key : {"checkpoint_hook", "load_from", "early_stopping", "train_step_raises_at_iter",
                          "stop_training_set_in_after_train_iter_when_runner_iter_is"}) {
    if (has(config, key)) return false;
  }
  return !has(config, "dynamic_intervals") && !config.find("resume")->as_bool() &&
         config.find("calls")->items().size() == 1 && integer(config, "max_epochs", 1) > 0;
}

RunPlan plan_of(const ConfigNode& config) {
  RunPlan plan;
  const std::string call = config.find("calls")->items()[0].as_string();
  plan.loop = call == "val"    ? RunPlan::Loop::kVal
              : call == "test" ? RunPlan::Loop::kTest
                               : RunPlan::Loop::kTrain;
  plan.by_epoch = !has(config, "loop") || config.find("loop")->as_string() == "EpochBasedTrainLoop";
  plan.max_epochs = integer(config, "max_epochs", 0);
  plan.max_iters = integer(config, "max_iters", 0);
  plan.length = integer(config, "train_iters_per_epoch", 1);
  plan.val_length = integer(config, "val_iters", 0);
  plan.test_length = integer(config, "test_iters", 0);
  plan.val_begin = integer(config, "val_begin", 1);
  plan.val_interval = integer(config, "val_interval", 1);
  return plan;
}

TEST(LegalRun, CallsThePointsInMMEnginesOrderWithItsCounters) {
  const std::filesystem::path folder = std::string(GRAPNEL_SOURCE_DIR) + "/tests/golden/traces";
  const std::string scratch = ::testing::TempDir() + "/grapnel_legal_run";
  int replayed = 0, loops[3] = {};
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::stringstream text;
    text << std::ifstream(entry.path()).rdbuf();
    const ConfigNode trace = parse_json(text.str(), Source{entry.path().filename().string(), 0});
    if (!trace.find("config") || !is_plain(*trace.find("config"))) continue;
    Events expected;
    for (const ConfigNode& item : trace.find("events")->items()) {
      const auto& fields = item.items();
      const bool in_batch = fields[3].kind() == ConfigNode::Kind::kInt;
      expected.emplace_back(fields[0].as_string(), fields[1].as_int(), fields[2].as_int(),
                            in_batch ? fields[3].as_int() : -1);
    }
    const RunPlan plan = plan_of(*trace.find("config"));
    EXPECT_EQ(events_of(plan, scratch), expected) << entry.path() << ": " << plan.text();
    ++replayed;
    ++loops[static_cast<int>(plan.loop)];
  }
  EXPECT_GE(replayed, 8);
  EXPECT_GE(loops[static_cast<int>(RunPlan::Loop::kVal)], 1);
  EXPECT_GE(loops[static_cast<int>(RunPlan::Loop::kTest)], 1);
  std::filesystem::remove_all(scratch);
}

TEST(LegalRun, HonoursWhatHooksAskFor) {
  const std::string scratch = ::testing::TempDir() + "/grapnel_legal_run_requests";
  RunPlan plan;
  plan.val_length = 1;
  plan.val_interval = 10;
  plan.stop_at = 0;
  plan.validate_at = 1;
  plan.save_every_iters = 3;
  const Events events = events_of(plan, scratch);
  const auto count = [&](const char* point) {
    return std::count_if(events.begin(), events.end(),
                         [&](const Event& e) { return std::get<0>(e) == point; });
  };
  EXPECT_EQ(count("after_train_iter"), 3) << "a stop lets the epoch come to its end";
  EXPECT_EQ(count("before_val"), 1) << "the validation that was asked for";
  EXPECT_EQ(count("before_save_checkpoint"), 1);
  EXPECT_EQ(count("after_run"), 1);
  std::filesystem::remove_all(scratch);
}

TEST(LegalRun, DrawsTheSamePlanForTheSameSeed) {
  bool differs = false;
  for (size_t n = 0; n < 40; ++n) {
    EXPECT_EQ(draw_plan(5, n).text(), draw_plan(5, n).text());
    differs = differs || draw_plan(5, n).text() != draw_plan(6, n).text();
  }
  EXPECT_TRUE(differs);
}

}  // namespace
}  // namespace grapnel::conformance
