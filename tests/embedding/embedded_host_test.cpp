// A training loop of one's own with Grapnel's hooks: least squares by gradient descent, without LibTorch.
#include <gmock/gmock.h>
#include <grapnel/host.hpp>

#include <array>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

namespace grapnel {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A vector of floats that can be shown to hooks.
struct Floats {
  std::vector<float> values;
  int64_t size = static_cast<int64_t>(values.size());
  int64_t stride = 1;
  grapnel_tensor view() {
    return {values.data(), {GRAPNEL_DEVICE_CPU, 0}, 1, {GRAPNEL_DTYPE_FLOAT, 32, 1}, &size, &stride, 0};
  }
};

// A config file in a folder of its own, gone when the test is over.
class EmbeddedHostTest : public ::testing::Test {
 protected:
  EmbeddedHostTest() {
    std::string name = ::testing::TempDir() + "embedded_host_XXXXXX";
    folder_ = ::mkdtemp(name.data());
  }
  ~EmbeddedHostTest() override { std::filesystem::remove_all(folder_); }

  HostSettings settings(const std::string& toml) {
    HostSettings settings;
    settings.config = folder_ + "/hooks.toml";
    std::ofstream(settings.config) << toml;
    settings.work_dir = folder_ + "/work";
    return settings;
  }
  static std::string hook(const std::string& type, const std::string& options = "") {
    return "[[custom_hooks]]\ntype = \"" + type + "\"\n" + options + "\n";
  }

  std::string folder_;
};

// Fits y = 2 x + 1 over four points; shows hooks what it has at each point.
class Regression {
 public:
  explicit Regression(Host& host) : host_(host) {
    host.set_parameters({{"line.weight", weights_.view(), gradient_.view()}});
    host.set_groups({{"all", 0.1, 0.1, 0, 0, false, 0, 1}});
    host.set_outputs({{"loss", loss_.view()}});
  }

  // Trains until `epochs` are done or a hook asks for the end; tells how many epochs ran.
  int64_t train(int64_t epochs) {
    Position& at = host_.position();
    at.max_epochs = epochs;
    at.epoch_length = 4;
    at.max_iters = epochs * 4;
    host_.call(GRAPNEL_POINT_BEFORE_RUN);
    host_.call(GRAPNEL_POINT_BEFORE_TRAIN);
    for (at.epoch = 0; at.epoch < epochs; ++at.epoch) {
      host_.call(GRAPNEL_POINT_BEFORE_TRAIN_EPOCH);
      for (at.batch_idx = 0; at.batch_idx < 4; ++at.batch_idx, ++at.iter) step(static_cast<float>(at.batch_idx));
      at.batch_idx = -1;
      host_.call(GRAPNEL_POINT_AFTER_TRAIN_EPOCH);
      host_.set_metrics({{"error", metric}});
      host_.call(GRAPNEL_POINT_AFTER_VAL_EPOCH);
      const Requests asked = host_.take_requests();
      for (const auto& reason : asked.stops) stop_reasons.push_back(reason);
      if (!asked.stops.empty()) break;
    }
    host_.call(GRAPNEL_POINT_AFTER_TRAIN);
    EXPECT_THAT(host_.call_all(GRAPNEL_POINT_AFTER_RUN), IsEmpty());
    return at.epoch;
  }

  void step(float x) {
    host_.call(GRAPNEL_POINT_BEFORE_TRAIN_ITER);
    const float error = weights_.values[0] * x + weights_.values[1] - (2 * x + 1);
    loss_.values[0] = spoil_loss ? std::numeric_limits<float>::quiet_NaN() : error * error;
    gradient_.values = {2 * error * x, 2 * error};
    host_.call(GRAPNEL_POINT_AFTER_BACKWARD);
    host_.call(GRAPNEL_POINT_BEFORE_OPTIMIZER_STEP);
    const auto lr = static_cast<float>(host_.groups()[0].lr);
    rates.push_back(lr);
    for (size_t i = 0; i < 2; ++i) weights_.values[i] -= lr * gradient_.values[i];
    host_.call(GRAPNEL_POINT_AFTER_TRAIN_ITER);
  }

  float loss() const { return loss_.values[0]; }
  std::vector<float>& weights() { return weights_.values; }
  double metric = 1;
  bool spoil_loss = false;
  std::vector<float> rates;
  std::vector<std::string> stop_reasons;

 private:
  Host& host_;
  Floats weights_{{0, 0}};
  Floats gradient_{{0, 0}};
  Floats loss_{{0}};
};

TEST_F(EmbeddedHostTest, ALoopOfOnesOwnTrainsWithShippedHooks) {
  Host host(settings(hook("EMAHook", "momentum = 0.5\n") + hook("CheckInvalidLossHook", "interval = 1\n")));
  Regression regression(host);
  host.load();
  EXPECT_EQ(host.size(), 2u);
  EXPECT_TRUE(host.subscribed(GRAPNEL_POINT_AFTER_TRAIN_ITER));
  EXPECT_EQ(regression.train(50), 50);
  EXPECT_LT(regression.loss(), 1e-3f);
  EXPECT_THAT(host.order_table(), HasSubstr("after_train_iter: "));
  EXPECT_THAT(host.time_table(), HasSubstr("EMAHook"));
}

TEST_F(EmbeddedHostTest, AHookThatFailsEndsTheLoopWithItsMessage) {
  Host host(settings(hook("CheckInvalidLossHook", "interval = 1\n")));
  Regression regression(host);
  regression.spoil_loss = true;
  host.load();
  try {
    regression.train(1);
    FAIL() << "a loss that is not finite went through";
  } catch (const HostError& error) {
    EXPECT_FALSE(error.is_config());
    EXPECT_THAT(error.what(), HasSubstr("CheckInvalidLossHook failed in after_train_iter"));
  }
}

TEST_F(EmbeddedHostTest, ARequestToStopReachesTheLoop) {
  Host host(settings(hook("EarlyStoppingHook", "monitor = \"error\"\nrule = \"less\"\npatience = 3\n")));
  Regression regression(host);
  host.load();
  EXPECT_LT(regression.train(50), 10);
  ASSERT_EQ(regression.stop_reasons.size(), 1u);
  EXPECT_THAT(regression.stop_reasons[0], HasSubstr("error"));
}

TEST_F(EmbeddedHostTest, SchedulesDriveTheLoopsOwnParameterGroups) {
  Host host(settings(hook("ParamSchedulerHook",
                          "schedulers = [{ type = \"LinearLR\", by_epoch = false, begin = 0, end = 4, "
                          "start_factor = 0.5 }]\n")));
  Regression regression(host);
  std::vector<double> told;
  host.on_group_change([&](size_t index, const ParamGroup& group) {
    EXPECT_EQ(index, 0u);
    told.push_back(group.lr);
  });
  host.load();
  regression.train(1);
  EXPECT_FLOAT_EQ(regression.rates.front(), 0.05f);
  EXPECT_LT(regression.rates.front(), regression.rates.back());
  EXPECT_THAT(told, ::testing::Not(IsEmpty()));
}

TEST_F(EmbeddedHostTest, StatesGoThroughBytesAndBack) {
  const std::string toml = hook("EMAHook", "momentum = 0.5\n");
  std::vector<uint8_t> bytes;
  {
    Host host(settings(toml));
    Regression regression(host);
    host.load();
    regression.train(2);
    host.update_scalar("train/loss", 0.25);
    bytes = host.save_states();
  }
  Host host(settings(toml));
  Regression regression(host);
  host.load();
  host.call(GRAPNEL_POINT_BEFORE_RUN);
  EXPECT_TRUE(std::isnan(host.scalar("train/loss", NAN)));
  host.load_states(bytes);
  EXPECT_EQ(host.scalar("train/loss", NAN), 0.25);
  EXPECT_EQ(host.save_states(), bytes);
}

TEST_F(EmbeddedHostTest, DamagedStatesAreRefusedAndChangeNothing) {
  Host host(settings(hook("EMAHook")));
  Regression regression(host);
  host.load();
  regression.train(1);
  const std::vector<uint8_t> bytes = host.save_states();
  host.update_scalar("kept", 1);
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THROW(host.load_states({bytes.begin(), bytes.begin() + static_cast<int64_t>(size)}), HostError) << size;
  }
  auto longer = bytes;
  longer.push_back(0);
  EXPECT_THROW(host.load_states(longer), HostError);
  EXPECT_EQ(host.scalar("kept", NAN), 1);
}

TEST_F(EmbeddedHostTest, StatesOfHooksThatAreNotThereAreRefused) {
  std::vector<uint8_t> bytes;
  {
    Host host(settings(hook("EMAHook")));
    Regression regression(host);
    host.load();
    regression.train(1);
    bytes = host.save_states();
  }
  Host host(settings(""));
  host.load();
  try {
    host.load_states(bytes);
    FAIL();
  } catch (const HostError& error) {
    EXPECT_TRUE(error.is_config());
    EXPECT_THAT(error.what(), HasSubstr("EMAHook"));
  }
}

TEST_F(EmbeddedHostTest, ThereAreNoHooksButThoseTheConfigNames) {
  Host host(settings(""));
  host.load();
  EXPECT_EQ(host.size(), 0u);
  EXPECT_FALSE(host.subscribed(GRAPNEL_POINT_BEFORE_RUN));
  EXPECT_NO_THROW(host.call(GRAPNEL_POINT_BEFORE_RUN));
  EXPECT_EQ(host.order_table(), "");
}

TEST_F(EmbeddedHostTest, AWrongConfigIsToldBeforeAnythingRuns) {
  const auto message = [&](const std::string& toml) -> std::string {
    try {
      Host host(settings(toml));
      host.load();
    } catch (const HostError& error) {
      EXPECT_TRUE(error.is_config()) << error.what();
      return error.what();
    }
    return "nothing was refused";
  };
  EXPECT_THAT(message("custom_hooks = 3\n"), HasSubstr("custom_hooks"));
  EXPECT_THAT(message(hook("EMAHok")), HasSubstr("no usable plugin for the hook EMAHok"));
  EXPECT_THAT(message(hook("EMAHook", "momentumm = 1\n")), HasSubstr("momentum"));
  EXPECT_THAT(message("default_hooks = 1\n"), HasSubstr("default_hooks"));
}

TEST_F(EmbeddedHostTest, AConfigMayBeMadeOfOverridesAlone) {
  HostSettings plain;
  plain.overrides = {"custom_hooks=[{type=\"EMAHook\"}]", "custom_hooks.0.momentum=0.25"};
  plain.work_dir = folder_;
  Host host(plain);
  Regression regression(host);
  host.load();
  EXPECT_EQ(host.size(), 1u);
}

TEST_F(EmbeddedHostTest, FoldersOfTheProgramComeBeforeTheInstallationsOwn) {
  std::filesystem::create_directory(folder_ + "/plugins");
  std::filesystem::copy(GRAPNEL_BUILD_DIR "/plugins/EMAHook.so", folder_ + "/plugins/EMAHook.so");
  std::ofstream(folder_ + "/plugins/CheckInvalidLossHook.so") << "no plugin at all";
  HostSettings own = settings(hook("EMAHook") + hook("CheckInvalidLossHook"));
  own.plugin_folders = {folder_ + "/plugins"};
  Host host(own);
  Regression regression(host);
  host.load();  // the broken file is passed over for the installation's
  EXPECT_EQ(host.size(), 2u);
}

TEST_F(EmbeddedHostTest, PointsBeforeLoadAreRefused) {
  Host host(settings(""));
  EXPECT_THROW(host.call(GRAPNEL_POINT_BEFORE_RUN), HostError);
  EXPECT_THROW(host.save_states(), HostError);
  host.load();
  EXPECT_THROW(host.load(), HostError);
}

TEST_F(EmbeddedHostTest, AServiceOfTheLoopsOwnReplacesABuiltInOne) {
  struct Lines {
    std::vector<std::string> texts;
    static void write(const grapnel_host* host, int32_t, const char* text) {
      static_cast<Lines*>(Host::context_of(host))->texts.emplace_back(text);
    }
    static int32_t is_enabled(const grapnel_host*, int32_t) { return 1; }
  } lines;
  const grapnel_log_service log = {sizeof log, 0, &Lines::write, &Lines::is_enabled};
  Host host(settings(hook("MemoryProfilerHook", "interval = 1\n")));
  host.provide(GRAPNEL_SERVICE_LOG, &log);
  host.set_context(&lines);
  Regression regression(host);
  host.load();
  regression.train(1);
  EXPECT_THAT(lines.texts, ::testing::Contains(HasSubstr("emory")));
}

TEST_F(EmbeddedHostTest, DestroyedHooksAreNeverCalledAgain) {
  Host host(settings(hook("EMAHook")));
  Regression regression(host);
  host.load();
  regression.train(1);
  host.destroy();
  EXPECT_FALSE(host.subscribed(GRAPNEL_POINT_AFTER_TRAIN_ITER));
  EXPECT_NO_THROW(host.call(GRAPNEL_POINT_AFTER_TRAIN_ITER));
  EXPECT_NO_THROW(host.destroy());
}

TEST(HostLibrary, ExportsTheEmbeddingApiAndNothingElse) {
  FILE* symbols =
      ::popen("nm -DC --defined-only " GRAPNEL_BUILD_DIR "/lib/libgrapnel-host.so | cut -d' ' -f3-", "r");
  ASSERT_NE(symbols, nullptr);
  std::array<char, 4096> line{};
  size_t count = 0;
  while (std::fgets(line.data(), static_cast<int>(line.size()), symbols) != nullptr) {
    EXPECT_THAT(std::string(line.data()), ::testing::ContainsRegex("^grapnel::Host::|for grapnel::HostError"));
    ++count;
  }
  EXPECT_EQ(::pclose(symbols), 0);
  EXPECT_GE(count, 20u);
}

}  // namespace
}  // namespace grapnel
