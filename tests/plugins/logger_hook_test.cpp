// LoggerHook: the form of its console lines, the lines of scalars.json, when it writes either, and that a
// file which cannot be written costs a warning and no more.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>

#include "shipped_hook.hpp"

using grapnel::testing::CallResult;
using grapnel::testing::ShippedHookHost;
using grapnel::testing::InMemoryGroup;
using grapnel::testing::LogLine;
using grapnel::testing::Options;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::StartsWith;

namespace fs = std::filesystem;

namespace {

using Lines = std::vector<std::string>;

class LoggerHook : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "grapnel_logger_XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    host.log_dir = pattern;
    host.state.train_epoch_length = 100;
    host.state.max_epochs = 3;
    host.state.max_iters = 300;
    host.state.val_epoch_length = 20;
    host.state.test_epoch_length = 20;
  }
  void TearDown() override { fs::remove_all(folder_); }

  void load(const Options& options = {}) {
    const CallResult result = host.load("LoggerHook", options);
    ASSERT_TRUE(result) << result;
    ASSERT_TRUE(host.call("before_run"));
  }
  void update(const std::string& key, double value) {
    if (host.scalars[key].empty()) host.scalar_order.push_back(key);
    host.scalars[key].push_back(value);
  }
  // Iterations whose losses are their number.
  void train(int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      host.state.batch_idx =
          host.state.by_epoch != 0 ? host.state.iter % host.state.train_epoch_length : host.state.iter;
      update("train/lr", 0.0025);
      update("train/data_time", 0.25);
      update("train/time", 0.5);
      update("train/loss", static_cast<double>(host.state.iter + 1));
      ASSERT_TRUE(host.call("after_train_iter"));
      ++host.state.iter;
      host.state.epoch = host.state.by_epoch != 0 ? host.state.iter / host.state.train_epoch_length : 0;
    }
  }
  Lines lines(const std::string& part) const {
    Lines texts;
    for (const LogLine& line : host.log_lines(part)) texts.push_back(line.text);
    return texts;
  }
  // One line a JSON object; the memory, which nobody can foretell, as M.
  Lines scalars() const {
    Lines found;
    std::ifstream file(folder_ / "vis_data" / "scalars.json");
    for (std::string line; std::getline(file, line);) {
      const std::string key = "\"memory\": ";
      size_t at = line.find(key);
      if (at != std::string::npos) {
        at += key.size();
        EXPECT_GT(std::strtod(line.c_str() + at, nullptr), 0);
        line.replace(at, line.find_first_of(",}", at) - at, "M");
      }
      found.push_back(line);
    }
    return found;
  }

  ShippedHookHost host;
  fs::path folder_;
};

// ---- training ------------------------------------------------------------------------------------------

TEST_F(LoggerHook, WritesALineEveryTenthIterationAsMMEngineDoes) {
  load();
  host.texts["eta"] = "3725.7";
  train(20);
  const Lines seen = lines("Epoch(train)");
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_THAT(seen[0], MatchesRegex("Epoch\\(train\\) \\[1\\]\\[ 10/100\\]  lr: 2\\.5000e-03  eta: 1:02:05  "
                                    "time: 0\\.5000  data_time: 0\\.2500  memory: [0-9]+  loss: 5\\.5000"));
  EXPECT_THAT(seen[1], AllOf(StartsWith("Epoch(train) [1][ 20/100]"), HasSubstr("loss: 15.5000")));
  EXPECT_EQ(host.log_lines("Epoch(train)", GRAPNEL_LOG_INFO).size(), 2u);
}

TEST_F(LoggerHook, WritesTheSameToScalarsJson) {
  load();
  train(20);
  const std::string begin = R"({"lr": 0.0025000000000000001, "time": 0.5, "data_time": 0.25, )";
  EXPECT_THAT(scalars(),
              ElementsAre(begin + R"("loss": 5.5, "epoch": 1, "iter": 10, "memory": M, "step": 10})",
                          begin + R"("loss": 15.5, "epoch": 1, "iter": 20, "memory": M, "step": 20})"));
}

TEST_F(LoggerHook, CountsIterationsInAnIterBasedRun) {
  host.state.by_epoch = 0;
  host.state.max_epochs = 1;
  load();
  train(10);
  EXPECT_THAT(lines("(train)"), ElementsAre(StartsWith("Iter(train) [ 10/300]  lr: ")));
  ASSERT_EQ(scalars().size(), 1u);
  EXPECT_THAT(scalars()[0], AllOf(HasSubstr("\"iter\": 10"), Not(HasSubstr("\"epoch\""))));
}

TEST_F(LoggerHook, AnEpochIsAsWideAsTheLargest) {
  host.state.max_epochs = 300;
  load();
  train(10);
  EXPECT_THAT(lines("(train)"), ElementsAre(StartsWith("Epoch(train)   [1][ 10/100]")));
}

TEST_F(LoggerHook, IntervalSetsTheIterationsBetweenTwoLines) {
  load({{"interval", "25"}});
  train(100);
  EXPECT_EQ(lines("Epoch(train)").size(), 4u);
}

TEST_F(LoggerHook, CountsWithinTheEpoch) {
  load({{"interval", "30"}});
  train(200);
  EXPECT_THAT(lines("Epoch(train)"),
              ElementsAre(HasSubstr("[1][ 30/"), HasSubstr("[1][ 60/"), HasSubstr("[1][ 90/"),
                          HasSubstr("[2][ 30/"), HasSubstr("[2][ 60/"), HasSubstr("[2][ 90/")));
}

TEST_F(LoggerHook, IgnoreLastFalseAlsoWritesTheEndOfAnEpoch) {
  load({{"interval", "60"}, {"ignore_last", "false"}});
  train(100);
  EXPECT_THAT(lines("Epoch(train)"), ElementsAre(HasSubstr("[ 60/100]"), HasSubstr("[100/100]")));
}

TEST_F(LoggerHook, AnEpochShorterThanTheIntervalStillHasALine) {
  host.state.train_epoch_length = 6;
  load();
  train(12);
  EXPECT_THAT(lines("Epoch(train)"), ElementsAre(HasSubstr("[1][6/6]"), HasSubstr("[2][6/6]")));
}

TEST_F(LoggerHook, WindowSizeSmoothesTheLossesAndNothingElse) {
  load({{"window_size", "2"}});
  train(9);
  host.scalars["train/lr"].back() = 0.5;
  train(1);
  EXPECT_THAT(lines("Epoch(train)"),
              ElementsAre(AllOf(HasSubstr("loss: 9.5000"), HasSubstr("lr: 2.5000e-03"))));
}

TEST_F(LoggerHook, NamesTheRunFromTimeToTime) {
  host.texts["experiment_name"] = "work_20260101_000000";
  load({{"interval_exp_name", "40"}});
  train(100);
  const std::string line = "Exp name: work_20260101_000000";
  EXPECT_THAT(lines("Exp name: "), ElementsAre(line, line));
}

TEST_F(LoggerHook, ShowsALossThatIsNotFiniteAsPythonDoes) {
  load({{"interval", "1"}, {"window_size", "1"}});
  train(1);
  for (const double value : {std::numeric_limits<double>::quiet_NaN(), HUGE_VAL, -HUGE_VAL}) {
    host.scalars["train/loss"].back() = value;
    ASSERT_TRUE(host.call("after_train_iter"));
  }
  const Lines written = scalars();
  ASSERT_EQ(written.size(), 4u);
  EXPECT_THAT(written[1], HasSubstr("\"loss\": NaN,"));
  EXPECT_THAT(written[2], HasSubstr("\"loss\": Infinity,"));
  EXPECT_THAT(written[3], HasSubstr("\"loss\": -Infinity,"));
}

// ---- evaluation ----------------------------------------------------------------------------------------

TEST_F(LoggerHook, WritesTheMetricsOfAValidation) {
  load();
  host.state.epoch = 2;
  host.state.iter = 200;
  host.evaluation_table = "| class | AP |";
  host.metrics = {{"coco/bbox_mAP", 0.123456}, {"coco/bbox_mAP_50", 1}};
  for (int i = 0; i < 20; ++i) {
    host.state.batch_idx = i;
    update("val/time", 0.5);
    update("val/data_time", 0.25);
    ASSERT_TRUE(host.call("after_val_iter"));
  }
  ASSERT_TRUE(host.call("after_val_epoch"));
  const Lines seen = lines("Epoch(val)");
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_THAT(seen[0], MatchesRegex("Epoch\\(val\\) \\[2\\]\\[10/20\\]    time: 0\\.5000  "
                                    "data_time: 0\\.2500  memory: [0-9]+"));
  EXPECT_THAT(seen[1], StartsWith("Epoch(val) [2][20/20]    time: 0.5000"));
  EXPECT_EQ(seen[2],
            "Epoch(val) [2][20/20]    coco/bbox_mAP: 0.1235  coco/bbox_mAP_50: 1.0000  data_time: 0.2500  "
            "time: 0.5000");
  EXPECT_EQ(lines("| class | AP |").size(), 1u);
  EXPECT_THAT(scalars(), ElementsAre("{\"coco/bbox_mAP\": 0.123456, \"coco/bbox_mAP_50\": 1, "
                                     "\"data_time\": 0.25, \"time\": 0.5, \"step\": 2}"));
}

TEST_F(LoggerHook, AMetricsStepIsTheIterationWithoutLogMetricByEpoch) {
  load({{"log_metric_by_epoch", "false"}});
  host.state.epoch = 2;
  host.state.iter = 200;
  host.metrics = {{"acc", 0.5}};
  ASSERT_TRUE(host.call("after_val_epoch"));
  EXPECT_THAT(scalars(), ElementsAre("{\"acc\": 0.5, \"step\": 200}"));
}

TEST_F(LoggerHook, TitlesFollowTheLoop) {
  load();
  host.metrics = {{"acc", 0.5}};
  ASSERT_TRUE(host.call("after_test_epoch"));
  EXPECT_THAT(lines("(test)"), ElementsAre("Epoch(test) [20/20]    acc: 0.5000"));
  host.state.by_epoch = 0;
  host.state.iter = 50;
  ASSERT_TRUE(host.call("after_val_epoch"));
  EXPECT_THAT(lines("(val)"), ElementsAre("Iter(val) [20/20]    acc: 0.5000"));
  EXPECT_THAT(scalars().back(), HasSubstr("\"step\": 50"));
}

// ---- the file ------------------------------------------------------------------------------------------

TEST_F(LoggerHook, AppendsToAFileThatIsThere) {
  fs::create_directory(folder_ / "vis_data");
  std::ofstream(folder_ / "vis_data" / "scalars.json") << "{\"step\": 1}\n";
  load();
  train(10);
  const Lines written = scalars();
  ASSERT_EQ(written.size(), 2u);
  EXPECT_EQ(written[0], "{\"step\": 1}");
}

TEST_F(LoggerHook, AFileThatCannotBeMadeIsOneWarning) {
  std::ofstream(folder_ / "vis_data") << "a file where the folder should be";
  load();
  train(30);
  ASSERT_EQ(host.log_lines("scalars.json", GRAPNEL_LOG_WARNING).size(), 1u);
  EXPECT_EQ(lines("Epoch(train)").size(), 3u) << "the console goes on";
}

TEST_F(LoggerHook, AFileThatCannotBeWrittenAnyMoreIsOneWarning) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "this machine has no /dev/full";
  fs::create_directory(folder_ / "vis_data");
  fs::create_symlink("/dev/full", folder_ / "vis_data" / "scalars.json");
  load();
  train(30);
  ASSERT_EQ(host.log_lines("scalars.json", GRAPNEL_LOG_WARNING).size(), 1u);
  EXPECT_THAT(lines("scalars.json")[0], HasSubstr("No space left on device"));
  EXPECT_EQ(lines("Epoch(train)").size(), 3u);
}

TEST_F(LoggerHook, OnlyRankZeroWrites) {
  const InMemoryGroup group(2);
  host.collectives = group.member(1);
  host.metrics = {{"acc", 0.5}};
  load({{"interval_exp_name", "1"}});
  train(20);
  host.state.batch_idx = 9;
  ASSERT_TRUE(host.call("after_val_iter"));
  ASSERT_TRUE(host.call("after_val_epoch"));
  EXPECT_THAT(host.log_text(), IsEmpty());
  EXPECT_FALSE(fs::exists(folder_ / "vis_data"));
}

TEST_F(LoggerHook, WritesBeforeACheckpointIsSaved) {
  load();
  EXPECT_EQ(host.plugin().default_priority, GRAPNEL_PRIORITY_BELOW_NORMAL);
}

TEST_F(LoggerHook, RefusesWrongOptionsAndNamesThem) {
  for (const auto& [option, value] : Options{{"interval", "0"},
                                             {"interval_exp_name", "0"},
                                             {"window_size", "0"},
                                             {"ignore_last", "1"},
                                             {"log_metric_by_epoch", "1"},
                                             {"out_dir", "\"x\""}}) {
    const CallResult result = ShippedHookHost().load("LoggerHook", {{option, value}});
    EXPECT_FALSE(result) << option;
    EXPECT_THAT(result.message, HasSubstr("options." + option + ":"));
  }
}

}  // namespace
