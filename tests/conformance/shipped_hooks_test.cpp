// Every hook that is shipped keeps the whole contract, whatever the generator of the conformance tool draws,
// and with options that set it to work in the few iterations of the tool's runs.
#include <gmock/gmock.h>

#include <algorithm>
#include <string>

#include "checked_plugin.hpp"

namespace grapnel::test {
namespace {

using ::testing::Contains;
using ::testing::SizeIs;

const std::string kFolder = GRAPNEL_BUILD_DIR "/plugins";
constexpr int kSeeds = 3;

using Options = std::vector<std::string>;  // "interval=1"

struct AtWork {
  std::string hook;
  Options options;
};

// "accuracy", "loss" and "coco/bbox_mAP" are the metrics of the tool's evaluations.
std::vector<AtWork> hooks_at_work() {
  return {
      {"CheckInvalidLossHook", {"interval=1"}},
      {"CheckpointHook", {"interval=1", "max_keep_ckpts=2", "save_best=\"accuracy\""}},
      {"CheckpointHook",
       {"by_epoch=false", "interval=2", "save_best=[\"accuracy\", \"loss\"]",
        "rule=[\"greater\", \"less\"]"}},
      {"DetVisualizationHook", {"draw=true", "interval=1"}},
      {"EMAHook", {"ema_type=\"ExpMomentumEMA\"", "update_buffers=true", "begin_iter=2", "strict_load=true"}},
      {"EarlyStoppingHook", {"monitor=\"accuracy\"", "patience=1", "min_delta=0.5"}},
      {"LoggerHook", {"interval=1", "interval_exp_name=2"}},
      {"MemoryProfilerHook", {"interval=1"}},
      {"ProfilerHook", {"by_epoch=false", "profile_times=2", "record_shapes=true"}},
      {"PythonHook", {"file=\"" GRAPNEL_SOURCE_DIR "/tests/conformance/counting_hook.py\""}},
      {"SyncRandomSizeHook", {"by_epoch=false", "interval=1"}},
      {"YOLOXLrUpdaterHook", {"warmup_iters=2", "warmup_by_epoch=false", "num_last_epochs=0"}},
      {"YOLOXModeSwitchHook", {"num_last_epochs=1"}},
  };
}

// What brings LibTorch with it takes a third of a second to load, in each case's own process.
int seeds_for(const std::string& hook) { return hook == "ProfilerHook" ? 1 : kSeeds; }

// Built where Debian's python3-dev is installed.
bool is_optional(const std::string& hook) { return hook == "PythonHook"; }

CheckedPlugin check_shipped(const std::string& hook, int seed, const Options& options) {
  std::vector<std::string> arguments = {"--seed", std::to_string(seed), "--timeout", "60"};
  for (const auto& option : options) arguments.insert(arguments.end(), {"--set", option});
  return check_plugin(kFolder + "/" + hook + ".so", arguments);
}

class ShippedHook : public ::testing::TestWithParam<std::string> {};

TEST_P(ShippedHook, PassesEveryCaseWithDrawnOptions) {
  for (int seed = 0; seed < seeds_for(GetParam()); ++seed) {
    const CheckedPlugin plugin = check_shipped(GetParam(), seed, {});
    EXPECT_EQ(plugin.exit_code, 0) << "seed " << seed << "\n" << plugin.complaints();
    EXPECT_EQ(plugin.type, GetParam());
    EXPECT_THAT(plugin.cases, SizeIs(listed_cases().size()));
    // Nobody can guess the name of a Python file.
    if (GetParam() != "PythonHook") {
      EXPECT_THAT(plugin.with_result("pass"), Contains("points"));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Each, ShippedHook, ::testing::ValuesIn(plugins_in(kFolder)),
                         [](const auto& each) { return each.param; });

class ShippedHookAtWork : public ::testing::TestWithParam<AtWork> {};

TEST_P(ShippedHookAtWork, PassesEveryCase) {
  const auto& [hook, options] = GetParam();
  const std::vector<std::string> built = plugins_in(kFolder);
  if (std::find(built.begin(), built.end(), hook) == built.end()) {
    ASSERT_TRUE(is_optional(hook)) << hook << " is not built";
    GTEST_SKIP() << hook << " was not built: it is optional";
  }
  const CheckedPlugin plugin = check_shipped(hook, 0, options);
  EXPECT_EQ(plugin.exit_code, 0) << plugin.complaints();
  EXPECT_THAT(plugin.with_result("pass"), Contains("points"));
  EXPECT_THAT(plugin.with_result("pass"), Contains("reproducible"));
}

INSTANTIATE_TEST_SUITE_P(Each, ShippedHookAtWork, ::testing::ValuesIn(hooks_at_work()),
                         [](const auto& each) { return each.param.hook + std::to_string(each.index); });

}  // namespace
}  // namespace grapnel::test
