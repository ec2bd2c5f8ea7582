// CheckpointHook in a small run that writes what the hook asks for: which files are written and when, which
// are left on disk, and what a resume and a refused write do to that.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>

#include "shipped_hook.hpp"

using grapnel::testing::CallResult;
using grapnel::testing::ShippedHookHost;
using grapnel::testing::SavedState;
using grapnel::testing::InMemoryGroup;
using grapnel::testing::Options;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

namespace fs = std::filesystem;

namespace {

using Names = std::vector<std::string>;
using Metrics = std::vector<std::pair<std::string, double>>;

class Folder {
 public:
  Folder() {
    std::string pattern = (fs::temp_directory_path() / "grapnel_checkpoint_XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = pattern;
  }
  ~Folder() { fs::remove_all(path_); }
  const std::string& path() const { return path_; }
  Names files() const {
    Names names;
    for (const auto& entry : fs::directory_iterator(path_)) names.push_back(entry.path().filename());
    return names;
  }

 private:
  std::string path_;
};

// A train run of four iterations an epoch that does what the real runner does with a request to save.
class SmallRun {
 public:
  SmallRun(const Folder& folder, const Options& options, int64_t max_epochs = 5) : folder_(folder) {
    host.work_dir = folder.path();
    host.state.train_epoch_length = 4;
    host.state.max_epochs = max_epochs;
    host.state.max_iters = 4 * max_epochs;
    loaded = host.load("CheckpointHook", options);
  }

  // Each call gives the first failure of the hook, if any.
  CallResult start() { return point("before_train"); }
  CallResult epoch(const Metrics& metrics = {}) {
    CallResult result;
    for (int64_t i = 0; i < 4 && result; ++i) result = iteration();
    if (result) result = point("after_train_epoch");
    ++host.state.epoch;
    return result && !metrics.empty() ? validation(metrics) : result;
  }
  CallResult iteration() {
    host.state.batch_idx = host.state.iter % 4;
    const CallResult result = point("after_train_iter");
    ++host.state.iter;
    return result;
  }
  CallResult validation(const Metrics& metrics) {
    host.metrics = metrics;
    return point("after_val_epoch");
  }
  CallResult end() { return point("after_train"); }
  // A run that goes on from `file`.
  void resume(SavedState& file, int64_t epoch) {
    EXPECT_TRUE(host.load_state(file));
    host.state.epoch = epoch;
    host.state.iter = 4 * epoch;
    EXPECT_TRUE(start());
  }

  ShippedHookHost host;
  CallResult loaded;
  Names vetoed;                            // names that another hook refuses to have written
  Names written;                           // in order
  std::map<std::string, SavedState> state;  // the hook's, in each file
  Names on_disk_at_last_write;

 private:
  CallResult point(const std::string& name) {
    CallResult result = host.call(name);
    const Names asked = std::move(host.requests.saves);
    host.requests.saves.clear();
    for (const std::string& file : asked) {
      if (result) result = save(file);
    }
    return result;
  }
  CallResult save(const std::string& file) {
    const std::string path = folder_.path() + "/" + file;
    CallResult result = host.call("before_save_checkpoint", path.c_str());
    if (!result) return result;
    if (std::find(vetoed.begin(), vetoed.end(), file) == vetoed.end()) {
      EXPECT_TRUE(host.save_state(state[file]));
      if (host.collectives->rank() == 0) std::ofstream(path) << "weights";
      host.checkpoint.last_path = path;
      written.push_back(file);
      on_disk_at_last_write = folder_.files();
    }
    return host.call("after_save_checkpoint", path.c_str());
  }

  const Folder& folder_;
};

Names files_after(const Options& options, int epochs) {
  Folder folder;
  SmallRun run(folder, options);
  EXPECT_TRUE(run.loaded) << run.loaded;
  EXPECT_TRUE(run.start());
  for (int i = 0; i < epochs; ++i) EXPECT_TRUE(run.epoch());
  EXPECT_TRUE(run.end());
  return run.written;
}

Metrics map_of(double value) { return {{"coco/bbox_mAP", value}, {"coco/bbox_mAP_50", value / 2}}; }

// ---- when ----------------------------------------------------------------------------------------------

TEST(CheckpointHook, SavesTheLastStateOnlyByDefault) {
  EXPECT_THAT(files_after({}, 5), ElementsAre("epoch_5.pth"));
}

TEST(CheckpointHook, SavesAtItsIntervalAndAtTheEnd) {
  EXPECT_THAT(files_after({{"interval", "2"}}, 5), ElementsAre("epoch_2.pth", "epoch_4.pth", "epoch_5.pth"));
}

TEST(CheckpointHook, SaveLastFalseLeavesTheEndOut) {
  EXPECT_THAT(files_after({{"interval", "2"}, {"save_last", "false"}}, 5),
              ElementsAre("epoch_2.pth", "epoch_4.pth"));
  EXPECT_THAT(files_after({{"save_last", "false"}}, 5), IsEmpty());
}

TEST(CheckpointHook, CountsIterationsWithoutByEpoch) {
  EXPECT_THAT(files_after({{"interval", "6"}, {"by_epoch", "false"}}, 5),
              ElementsAre("iter_6.pth", "iter_12.pth", "iter_18.pth", "iter_20.pth"));
}

TEST(CheckpointHook, SaveBeginIsTheFirstThatCounts) {
  EXPECT_THAT(files_after({{"interval", "2"}, {"save_begin", "3"}, {"save_last", "false"}}, 5),
              ElementsAre("epoch_3.pth", "epoch_5.pth"));
  EXPECT_THAT(
      files_after({{"interval", "5"}, {"save_begin", "9"}, {"by_epoch", "false"}, {"save_last", "false"}}, 5),
      ElementsAre("iter_9.pth", "iter_14.pth", "iter_19.pth"));
}

TEST(CheckpointHook, AnEarlyStopIsAnEndToo) {
  EXPECT_THAT(files_after({{"interval", "2"}}, 3), ElementsAre("epoch_2.pth", "epoch_3.pth"));
  EXPECT_THAT(files_after({{"interval", "2"}}, 2), ElementsAre("epoch_2.pth")) << "it is saved already";
  EXPECT_THAT(files_after({{"interval", "3"}, {"by_epoch", "false"}}, 2),
              ElementsAre("iter_3.pth", "iter_6.pth", "iter_8.pth"));
  EXPECT_THAT(files_after({{"interval", "2"}, {"save_last", "false"}}, 3), ElementsAre("epoch_2.pth"));
}

TEST(CheckpointHook, ARunThatHadNothingToTrainSavesNothing) {
  EXPECT_THAT(files_after({{"interval", "1"}}, 0), IsEmpty());
}

TEST(CheckpointHook, FilenameTmplNamesTheFiles) {
  EXPECT_THAT(files_after({{"interval", "4"}, {"filename_tmpl", "\"step_{}.bin\""}}, 5),
              ElementsAre("step_4.bin", "step_5.bin"));
}

TEST(CheckpointHook, SavesAfterTheOtherHooks) {
  ShippedHookHost host;
  ASSERT_TRUE(host.load("CheckpointHook"));
  EXPECT_EQ(host.plugin().default_priority, GRAPNEL_PRIORITY_VERY_LOW);
}

// ---- the best ------------------------------------------------------------------------------------------

TEST(CheckpointHook, WritesTheBestThenTheEpochsFileAgainAndRemovesTheBestBefore) {
  Folder folder;
  SmallRun run(folder, {{"interval", "1"}, {"save_best", "\"coco/bbox_mAP\""}});
  ASSERT_TRUE(run.start());
  for (const double score : {0.1, 0.3, 0.2, 0.4}) ASSERT_TRUE(run.epoch(map_of(score)));
  EXPECT_THAT(run.written,
              ElementsAre("epoch_1.pth", "best_coco_bbox_mAP_epoch_1.pth", "epoch_1.pth", "epoch_2.pth",
                          "best_coco_bbox_mAP_epoch_2.pth", "epoch_2.pth", "epoch_3.pth", "epoch_4.pth",
                          "best_coco_bbox_mAP_epoch_4.pth", "epoch_4.pth"));
  EXPECT_THAT(folder.files(), UnorderedElementsAre("epoch_1.pth", "epoch_2.pth", "epoch_3.pth", "epoch_4.pth",
                                                   "best_coco_bbox_mAP_epoch_4.pth"));
  EXPECT_EQ(run.host.log_lines("The best checkpoint with 0.4000 coco/bbox_mAP is saved").size(), 1u);
}

TEST(CheckpointHook, TheBestWritesItsEpochsFileOnceTheRunHasSavedOne) {
  Folder folder;
  SmallRun run(folder, {{"interval", "2"}, {"save_best", "\"coco/bbox_mAP\""}, {"save_last", "false"}});
  ASSERT_TRUE(run.start());
  ASSERT_TRUE(run.epoch(map_of(0.1)));
  EXPECT_THAT(folder.files(), ElementsAre("best_coco_bbox_mAP_epoch_1.pth"));
  ASSERT_TRUE(run.epoch(map_of(0.2)));
  ASSERT_TRUE(run.epoch(map_of(0.3)));
  EXPECT_THAT(folder.files(),
              UnorderedElementsAre("epoch_2.pth", "epoch_3.pth", "best_coco_bbox_mAP_epoch_3.pth"));
}

TEST(CheckpointHook, TheOldBestIsRemovedOnlyWhenTheNewOneIsOnDisk) {
  Folder folder;
  SmallRun run(folder, {{"save_best", "\"coco/bbox_mAP\""}, {"save_last", "false"}});
  ASSERT_TRUE(run.start());
  ASSERT_TRUE(run.epoch(map_of(0.1)));
  ASSERT_TRUE(run.epoch(map_of(0.2)));
  EXPECT_THAT(run.on_disk_at_last_write,
              UnorderedElementsAre("best_coco_bbox_mAP_epoch_1.pth", "best_coco_bbox_mAP_epoch_2.pth"));
  EXPECT_THAT(folder.files(), ElementsAre("best_coco_bbox_mAP_epoch_2.pth"));
}

TEST(CheckpointHook, SeveralMetricsHaveABestEach) {
  Folder folder;
  SmallRun run(folder, {{"save_best", R"(["acc", "loss"])"}, {"save_last", "false"}});
  ASSERT_TRUE(run.start());
  ASSERT_TRUE(run.epoch({{"loss", 0.5}, {"acc", 0.5}}));
  ASSERT_TRUE(run.epoch({{"loss", 0.4}, {"acc", 0.4}}));
  ASSERT_TRUE(run.epoch({{"loss", 0.6}, {"acc", 0.6}}));
  EXPECT_THAT(folder.files(), UnorderedElementsAre("best_acc_epoch_3.pth", "best_loss_epoch_2.pth"));
}

TEST(CheckpointHook, AutoIsTheFirstMetric) {
  Folder folder;
  SmallRun run(folder, {{"save_best", "\"auto\""}, {"save_last", "false"}});
  ASSERT_TRUE(run.start());
  ASSERT_TRUE(run.epoch(map_of(0.1)));
  EXPECT_THAT(folder.files(), ElementsAre("best_coco_bbox_mAP_epoch_1.pth"));
}

TEST(CheckpointHook, AutoRefusesAMetricOfUnknownRuleAtTheFirstValidation) {
  Folder folder;
  SmallRun run(folder, {{"save_best", "\"auto\""}});
  ASSERT_TRUE(run.start());
  const CallResult result = run.epoch({{"wobble", 1}});
  EXPECT_FALSE(result);
  EXPECT_THAT(result.message, HasSubstr("'wobble'"));
}

TEST(CheckpointHook, CountsIterationsInTheBestsNameToo) {
  Folder folder;
  SmallRun run(folder, {{"by_epoch", "false"}, {"save_best", "\"acc\""}, {"save_last", "false"}});
  ASSERT_TRUE(run.start());
  ASSERT_TRUE(run.epoch({{"acc", 0.5}}));
  EXPECT_THAT(folder.files(), ElementsAre("best_acc_iter_4.pth"));
}

TEST(CheckpointHook, TellsTheRuleFromTheName) {
  struct Case {
    const char* metric;
    const char* rule;  // nullptr: from the name
    bool more_is_better;
  };
  for (const Case& row : {Case{"coco/bbox_mAP", nullptr, true}, Case{"AR@100", nullptr, true},
                          Case{"accuracy/top1", nullptr, true}, Case{"val_loss", nullptr, false},
                          Case{"wobble", "\"less\"", false}, Case{"wobble", "\"greater\"", true},
                          Case{"acc", "\"less\"", false}, Case{"loss", "\"greater\"", true}}) {
    Options options{{"save_best", "\"" + std::string(row.metric) + "\""}, {"save_last", "false"}};
    if (row.rule != nullptr) options["rule"] = row.rule;
    Folder folder;
    SmallRun run(folder, options);
    ASSERT_TRUE(run.loaded) << run.loaded;
    ASSERT_TRUE(run.start());
    ASSERT_TRUE(run.epoch({{row.metric, 0.5}}));
    ASSERT_TRUE(run.epoch({{row.metric, 0.5}}));
    EXPECT_EQ(run.written.size(), 1u) << "an equal score is no better one: " << row.metric;
    ASSERT_TRUE(run.epoch({{row.metric, 0.6}}));
    EXPECT_EQ(run.written.size(), row.more_is_better ? 2u : 1u) << row.metric;
    ASSERT_TRUE(run.epoch({{row.metric, 0.4}}));
    EXPECT_EQ(run.written.size(), 2u) << row.metric;
  }
}

TEST(CheckpointHook, AListGivesEachMetricItsRule) {
  Folder folder;
  SmallRun run(folder, {{"save_best", R"(["wobble", "speed"])"},
                        {"rule", R"(["less", "greater"])"},
                        {"save_last", "false"}});
  ASSERT_TRUE(run.start());
  ASSERT_TRUE(run.epoch({{"wobble", 0.5}, {"speed", 0.5}}));
  ASSERT_TRUE(run.epoch({{"wobble", 0.4}, {"speed", 0.4}}));
  EXPECT_THAT(folder.files(), UnorderedElementsAre("best_wobble_epoch_2.pth", "best_speed_epoch_1.pth"));
}

TEST(CheckpointHook, KeysTellTheRuleInPlaceOfTheKnownOnes) {
  Folder folder;
  SmallRun run(folder, {{"save_best", R"(["wobble", "speed"])"},
                        {"less_keys", R"(["wob"])"},
                        {"greater_keys", R"(["speed"])"},
                        {"save_last", "false"}});
  ASSERT_TRUE(run.loaded) << run.loaded;
  ASSERT_TRUE(run.start());
  ASSERT_TRUE(run.epoch({{"wobble", 0.5}, {"speed", 0.5}}));
  ASSERT_TRUE(run.epoch({{"wobble", 0.4}, {"speed", 0.4}}));
  EXPECT_THAT(folder.files(), UnorderedElementsAre("best_wobble_epoch_2.pth", "best_speed_epoch_1.pth"));
  EXPECT_FALSE(
      ShippedHookHost().load("CheckpointHook", {{"save_best", "\"acc\""}, {"greater_keys", R"(["x"])"}}));
}

TEST(CheckpointHook, WarnsOfAnEvaluationWithoutMetrics) {
  Folder folder;
  SmallRun run(folder, {{"save_best", "\"auto\""}, {"save_last", "false"}});
  ASSERT_TRUE(run.start());
  EXPECT_TRUE(run.validation({}));
  EXPECT_EQ(run.host.log_lines("no metrics", GRAPNEL_LOG_WARNING).size(), 1u);
  EXPECT_THAT(run.written, IsEmpty());
}

TEST(CheckpointHook, AScoreThatIsNoNumberIsNeverTheBest) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  Folder folder;
  SmallRun run(folder, {{"save_best", "\"acc\""}, {"save_last", "false"}});
  ASSERT_TRUE(run.start());
  for (const double score : {nan, 0.2, nan}) ASSERT_TRUE(run.epoch({{"acc", score}}));
  EXPECT_THAT(run.written, ElementsAre("best_acc_epoch_2.pth"));
}

TEST(CheckpointHook, NamesTheNearestMetricWhenOneIsAbsent) {
  Folder folder;
  SmallRun run(folder, {{"save_best", "\"coco/bbox_mAp\""}});
  ASSERT_TRUE(run.start());
  const CallResult result = run.epoch(map_of(0.1));
  EXPECT_FALSE(result);
  EXPECT_THAT(result.message, HasSubstr("\"coco/bbox_mAp\" is not among the metrics"));
  EXPECT_THAT(result.message, HasSubstr("did you mean 'coco/bbox_mAP'?"));
}

TEST(CheckpointHook, AValidationOutsideTrainingSavesNothing) {
  Folder folder;
  SmallRun run(folder, {{"save_best", "\"coco/bbox_mAP\""}});
  EXPECT_TRUE(run.validation(map_of(0.9)));
  EXPECT_THAT(run.written, IsEmpty());
}

// ---- what is kept --------------------------------------------------------------------------------------

TEST(CheckpointHook, RemovesAnOldFileOnlyWhenTheNewerIsOnDisk) {
  Folder folder;
  SmallRun run(folder, {{"interval", "1"}, {"max_keep_ckpts", "2"}});
  ASSERT_TRUE(run.start());
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(run.epoch());
  EXPECT_THAT(folder.files(), UnorderedElementsAre("epoch_1.pth", "epoch_2.pth"));
  ASSERT_TRUE(run.epoch());
  EXPECT_THAT(run.on_disk_at_last_write, UnorderedElementsAre("epoch_1.pth", "epoch_2.pth", "epoch_3.pth"));
  EXPECT_THAT(folder.files(), UnorderedElementsAre("epoch_2.pth", "epoch_3.pth"));
}

TEST(CheckpointHook, TheBestIsNotCountedAmongThoseKept) {
  Folder folder;
  SmallRun run(folder, {{"interval", "1"}, {"max_keep_ckpts", "1"}, {"save_best", "\"acc\""}});
  ASSERT_TRUE(run.start());
  for (const double score : {0.5, 0.4, 0.3}) ASSERT_TRUE(run.epoch({{"acc", score}}));
  EXPECT_THAT(folder.files(), UnorderedElementsAre("epoch_3.pth", "best_acc_epoch_1.pth"));
}

TEST(CheckpointHook, AVetoedFileTakesNothingAway) {
  Folder folder;
  SmallRun run(folder, {{"interval", "1"}, {"max_keep_ckpts", "1"}, {"save_best", "\"acc\""}});
  ASSERT_TRUE(run.start());
  ASSERT_TRUE(run.epoch({{"acc", 0.5}}));
  run.vetoed = {"epoch_2.pth", "best_acc_epoch_2.pth"};
  ASSERT_TRUE(run.epoch({{"acc", 0.9}}));
  EXPECT_THAT(folder.files(), UnorderedElementsAre("epoch_1.pth", "best_acc_epoch_1.pth"));
  // The score that could not be saved is forgotten with its file.
  ASSERT_TRUE(run.epoch({{"acc", 0.7}}));
  EXPECT_THAT(folder.files(), UnorderedElementsAre("epoch_3.pth", "best_acc_epoch_3.pth"));
}

TEST(CheckpointHook, AVetoedSecondWriteStillCountsTheFirst) {
  Folder folder;
  SmallRun run(folder, {{"interval", "1"}, {"max_keep_ckpts", "1"}, {"save_best", "\"acc\""}});
  ASSERT_TRUE(run.start());
  ASSERT_TRUE(run.epoch());
  run.vetoed = {"epoch_1.pth"};
  ASSERT_TRUE(run.validation({{"acc", 0.5}}));
  ASSERT_TRUE(run.epoch());
  EXPECT_THAT(folder.files(), UnorderedElementsAre("epoch_2.pth", "best_acc_epoch_1.pth"));
}

TEST(CheckpointHook, LeavesTheFilesOfOthersAlone) {
  Folder folder;
  SmallRun run(folder, {{"interval", "1"}, {"max_keep_ckpts", "1"}});
  ASSERT_TRUE(run.start());
  ASSERT_TRUE(run.epoch());
  const std::string other = folder.path() + "/interrupted.pth";
  std::ofstream(other) << "weights";
  ASSERT_TRUE(run.host.call("before_save_checkpoint", other.c_str()));
  run.host.checkpoint.last_path = other;
  ASSERT_TRUE(run.host.call("after_save_checkpoint", other.c_str()));
  ASSERT_TRUE(run.epoch());
  ASSERT_TRUE(run.epoch());
  EXPECT_THAT(folder.files(), UnorderedElementsAre("epoch_3.pth", "interrupted.pth"));
}

TEST(CheckpointHook, OnlyRankZeroRemovesFiles) {
  const InMemoryGroup group(2);
  Folder folder;
  SmallRun run(folder, {{"interval", "1"}, {"max_keep_ckpts", "1"}});
  run.host.collectives = group.member(1);
  std::ofstream(folder.path() + "/epoch_1.pth") << "weights of rank 0";
  ASSERT_TRUE(run.start());
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(run.epoch());
  EXPECT_THAT(run.written, ElementsAre("epoch_1.pth", "epoch_2.pth")) << "all ranks ask alike";
  EXPECT_THAT(folder.files(), ElementsAre("epoch_1.pth"));
}

// ---- a resume ------------------------------------------------------------------------------------------

TEST(CheckpointHook, AResumeKnowsWhatIsKeptAndWhatIsBest) {
  const Options options{{"interval", "1"}, {"max_keep_ckpts", "2"}, {"save_best", "\"acc\""}};
  for (const std::string from : {"epoch_2.pth", "best_acc_epoch_2.pth"}) {
    Folder folder;
    SmallRun first(folder, options);
    ASSERT_TRUE(first.start());
    ASSERT_TRUE(first.epoch({{"acc", 0.3}}));
    ASSERT_TRUE(first.epoch({{"acc", 0.6}}));

    SmallRun second(folder, options);
    second.resume(first.state.at(from), 2);
    ASSERT_TRUE(second.epoch({{"acc", 0.5}})) << "no better than before the resume";
    EXPECT_THAT(folder.files(),
                UnorderedElementsAre("epoch_2.pth", "epoch_3.pth", "best_acc_epoch_2.pth"))
        << from;
    ASSERT_TRUE(second.epoch({{"acc", 0.7}}));
    EXPECT_THAT(folder.files(),
                UnorderedElementsAre("epoch_3.pth", "epoch_4.pth", "best_acc_epoch_4.pth"))
        << from;
  }
}

TEST(CheckpointHook, AResumeThatEndsAtOnceSavesNothing) {
  Folder folder;
  SmallRun first(folder, {{"interval", "1"}});
  ASSERT_TRUE(first.start());
  ASSERT_TRUE(first.epoch());
  SmallRun second(folder, {{"interval", "1"}});
  second.resume(first.state.at("epoch_1.pth"), 1);
  ASSERT_TRUE(second.end());
  EXPECT_THAT(second.written, IsEmpty());
}

TEST(CheckpointHook, RefusesADamagedState) {
  Folder folder;
  SmallRun run(folder, {{"interval", "1"}});
  ASSERT_TRUE(run.start());
  ASSERT_TRUE(run.epoch());
  SavedState cut = run.state.at("epoch_1.pth");
  cut.bytes.resize(cut.bytes.size() - 3);
  EXPECT_FALSE(run.host.load_state(cut));
  SavedState negative = run.state.at("epoch_1.pth");
  for (size_t i = 8; i < 16; ++i) negative.bytes[i] = 0xff;  // the number of files kept: -1
  const CallResult result = run.host.load_state(negative);
  EXPECT_FALSE(result);
  EXPECT_THAT(result.message, HasSubstr("damaged"));
}

TEST(CheckpointHook, RefusesAStateThatNamesAFileOutsideTheWorkFolder) {
  Folder folder;
  SmallRun run(folder, {{"interval", "1"}});
  ASSERT_TRUE(run.start());
  ASSERT_TRUE(run.epoch());
  SavedState elsewhere = run.state.at("epoch_1.pth");
  const std::string name = "epoch_1.pth";
  const auto at = std::search(elsewhere.bytes.begin(), elsewhere.bytes.end(), name.begin(), name.end());
  ASSERT_NE(at, elsewhere.bytes.end());
  std::copy_n("../../y.pth", name.size(), at);
  const CallResult result = run.host.load_state(elsewhere);
  EXPECT_FALSE(result);
  EXPECT_THAT(result.message, HasSubstr("\"../../y.pth\" is no name of a file in the work folder"));
}

// ---- options -------------------------------------------------------------------------------------------

TEST(CheckpointHook, RefusesWrongOptionsAndNamesThem) {
  struct Case {
    Options options;
    const char* text;
  };
  const Case cases[] = {
      {{{"interval", "-2"}}, "interval"},
      {{{"max_keep_ckpts", "-2"}}, "max_keep_ckpts"},
      {{{"save_begin", "-1"}}, "save_begin"},
      {{{"rule", "\"more\""}}, "rule"},
      {{{"out_dir", "\"x\""}}, "out_dir"},
      {{{"filename_tmpl", "\"last.pth\""}}, "filename_tmpl"},
      {{{"filename_tmpl", "\"a/{}.pth\""}}, "filename_tmpl"},
      {{{"filename_tmpl", "\"{}_{}.pth\""}}, "filename_tmpl"},
      {{{"rule", R"(["less", "less"])"}, {"save_best", "\"acc\""}}, "rule: got 2 rules for 1 metrics"},
      {{{"rule", "1"}}, "rule"},
      {{{"save_best", R"(["acc", "acc"])"}}, "'acc' comes twice"},
      {{{"save_best", "3"}}, "save_best"},
      {{{"save_best", "[]"}}, "save_best"},
      {{{"save_best", "[\"acc\", 1]"}}, "save_best"},
      {{{"save_best", "[\"auto\", \"acc\"]"}}, "\"auto\""},
      {{{"save_best", "\"wobble\""}}, "set rule to \"greater\" or \"less\""},
  };
  for (const Case& row : cases) {
    const CallResult result = ShippedHookHost().load("CheckpointHook", row.options);
    EXPECT_FALSE(result) << row.text;
    EXPECT_THAT(result.message, HasSubstr(row.text));
  }
}

TEST(CheckpointHook, WarnsThatEveryFileHoldsTheWholeRun) {
  for (const char* option : {"save_optimizer", "save_param_scheduler"}) {
    ShippedHookHost host;
    ASSERT_TRUE(host.load("CheckpointHook", {{option, "false"}}));
    EXPECT_EQ(host.log_lines(option, GRAPNEL_LOG_WARNING).size(), 1u);
  }
  ShippedHookHost host;
  ASSERT_TRUE(host.load("CheckpointHook", {{"published_keys", R"(["meta"])"}}));
  EXPECT_EQ(host.log_lines("published_keys", GRAPNEL_LOG_WARNING).size(), 1u);
}

}  // namespace
