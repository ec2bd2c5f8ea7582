// The command line from outside, with the classifier: a run takes a second or two.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>

#include "../core/temporary_folder.hpp"
#include "command.hpp"

namespace grapnel::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// 40 batches an epoch, two epochs.
constexpr const char* kSmallRun = R"(
work_dir = "run"
[randomness]
seed = 3
[model]
type = "SmallConvNet"
channels = 4
[train_dataloader]
batch_size = 16
dataset = { type = "FashionMNIST", max_samples = 640, pipeline = [{ type = "RandomShift" }] }
[val_dataloader]
batch_size = 50
dataset = { type = "FashionMNIST", max_samples = 100 }
[val_cfg]
type = "ValLoop"
[val_evaluator]
type = "Accuracy"
[train_cfg]
type = "EpochBasedTrainLoop"
max_epochs = 2
[optim_wrapper.optimizer]
type = "SGD"
lr = 0.05
momentum = 0.9
)";

class ClassifierRun : public ::testing::Test {
 protected:
  CommandResult grapnel(const std::vector<std::string>& arguments, CommandOptions options = {}) {
    options.folder = folder_.path();
    return run_grapnel(arguments, options);
  }
  std::string config(const std::string& more = "", const std::string& name = "run.toml") {
    return folder_.write(name, kSmallRun + more);
  }
  TemporaryFolder folder_;
};

TEST_F(ClassifierRun, TrainsEvaluatesAndLeavesACheckpoint) {
  const auto result = grapnel({"train", config()});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("accuracy/top1"), HasSubstr("Time in hooks"), HasSubstr("LoggerHook")));
  EXPECT_THAT(result.err,
              AllOf(HasSubstr("Epoch(train)"), HasSubstr("before_train_iter"), HasSubstr("LibTorch")));
  EXPECT_TRUE(fs::exists(folder_.file("run/epoch_2.pth")));

  const auto val = grapnel({"val", folder_.file("run.toml"), "--checkpoint", "run/epoch_2.pth"});
  EXPECT_EQ(val.exit_code, 0) << val.err;
  EXPECT_THAT(val.out, HasSubstr("accuracy/top1"));
}

TEST_F(ClassifierRun, GivesTheSameRunForAnyNumberOfWorkers) {
  std::string losses[3];
  const char* workers[3] = {"0", "1", "8"};
  for (int i = 0; i < 3; ++i) {
    const std::string work_dir = std::string("workers") + workers[i];
    const auto result = grapnel({"train", config(), "--work-dir", work_dir, "--set",
                                 std::string("train_dataloader.num_workers=") + workers[i]});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    const auto at = result.out.find("accuracy/top1");
    losses[i] = result.out.substr(at, result.out.find('\n', at) - at);
    const auto state = grapnel({"val", config(), "--checkpoint", work_dir + "/epoch_2.pth"});
    losses[i] += state.out.substr(0, state.out.find("Time in hooks"));
  }
  EXPECT_EQ(losses[0], losses[1]);
  EXPECT_EQ(losses[0], losses[2]);
}

TEST_F(ClassifierRun, StopsAtASignalWithACheckpointAndGoesOnFromIt) {
  // Long enough that the signal cannot come too late.
  const std::vector<std::string> longer = {"--set", "train_cfg.max_epochs=6"};
  CommandOptions interrupt;
  interrupt.signal = SIGINT;
  interrupt.signal_when = "Epoch(train)";
  const auto stopped =
      grapnel({"train", config("[default_hooks.logger]\ntype = \"LoggerHook\"\ninterval = 7\n"), longer[0], longer[1]},
              interrupt);
  ASSERT_EQ(stopped.exit_code, 3) << stopped.err;
  EXPECT_THAT(stopped.err, HasSubstr("--resume"));
  const auto resumed = grapnel({"train", folder_.file("run.toml"), longer[0], longer[1], "--resume"});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;

  const auto whole = grapnel({"train", folder_.file("run.toml"), longer[0], longer[1], "--work-dir", "whole"});
  ASSERT_EQ(whole.exit_code, 0) << whole.err;
  const auto line = [](const CommandResult& result) {
    const auto at = result.out.find("accuracy/top1");
    return result.out.substr(at, result.out.find('\n', at) - at);
  };
  EXPECT_EQ(line(resumed), line(whole));
}

TEST_F(ClassifierRun, RefusesWrongConfigsWithOneMessageAndExitCodeTwo) {
  const auto refuses = [&](const std::string& more, const std::string& needle) {
    const auto result = grapnel({"train", config(more, "wrong.toml")});
    EXPECT_EQ(result.exit_code, 2) << more << result.err;
    EXPECT_THAT(result.err, AllOf(HasSubstr(needle), HasSubstr("wrong.toml:"))) << more;
    EXPECT_THAT(result.err, Not(HasSubstr("Epoch(train)")));
  };
  refuses("[[custom_hooks]]\ntype = \"MemoryProfilerHok\"\n", "MemoryProfilerHok");
  refuses("[[custom_hooks]]\ntype = \"MemoryProfilerHook\"\nintervall = 5\n", "did you mean \"interval\"?");
  refuses("[[custom_hooks]]\ntype = \"MemoryProfilerHook\"\ninterval = \"often\"\n", "\"often\"");
  refuses("[[custom_hooks]]\ntype = \"MemoryProfilerHook\"\ninterval = 0\n", "interval");
  refuses("[[custom_hooks]]\ntype = \"MemoryProfilerHook\"\npriority = \"URGENT\"\n", "URGENT");
  refuses("[optim_wrappper]\n", "did you mean \"optim_wrapper\"?");
}

TEST_F(ClassifierRun, ReportsDataErrorsWithExitCodeOne) {
  const auto result = grapnel({"train", config(), "--set", "train_dataloader.dataset.data_root=nowhere"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("nowhere/train-images-idx3-ubyte.gz"));
}

TEST_F(ClassifierRun, EndsWithHookPointEpochAndIterationWhenAHookFails) {
  const auto result =
      grapnel({"train", config("[[custom_hooks]]\ntype = \"CheckInvalidLossHook\"\ninterval = 1\n"), "--set",
               "optim_wrapper.optimizer.lr=1e30"});
  EXPECT_EQ(result.exit_code, 1) << result.err;
  EXPECT_THAT(result.err,
              AllOf(HasSubstr("CheckInvalidLossHook"), HasSubstr("after_train_iter"), HasSubstr("loss")));
  EXPECT_FALSE(fs::exists(folder_.file("run/epoch_1.pth")));
}

TEST_F(ClassifierRun, LeavesTheLastGoodCheckpointWhenTheDiskIsFull) {
  const auto first = grapnel({"train", config(), "--set", "train_cfg.max_epochs=1"});
  ASSERT_EQ(first.exit_code, 0) << first.err;
  const std::string good = read_file(folder_.file("run/epoch_1.pth"));

  // A limit on file sizes fails the write as a full disk does.
  CommandOptions options;
  options.folder = folder_.path();
  const auto result = run_command({"bash", "-c", "trap '' XFSZ; ulimit -f 8; exec \"$0\" \"$@\"",
                                   GRAPNEL_BUILD_DIR "/bin/grapnel", "train", config(), "--resume"},
                                  options);
  EXPECT_EQ(result.exit_code, 1) << result.err;
  EXPECT_THAT(result.err, HasSubstr("epoch_2.pth"));
  EXPECT_EQ(read_file(folder_.file("run/epoch_1.pth")), good);
  for (const auto& entry : fs::directory_iterator(folder_.file("run"))) {
    const std::string name = entry.path().filename().string();
    EXPECT_THAT(name, Not(HasSubstr(".tmp")));
    EXPECT_THAT(name, Not(HasSubstr("epoch_2")));
  }
}

TEST_F(ClassifierRun, ShowsAndChecksConfigs) {
  const auto shown = grapnel({"config", "show", config(), "--set", "train_cfg.max_epochs=9"});
  EXPECT_EQ(shown.exit_code, 0);
  EXPECT_THAT(shown.out, HasSubstr("max_epochs = 9"));
  EXPECT_EQ(grapnel({"config", "check", config()}).exit_code, 0);
  EXPECT_EQ(grapnel({"config", "check", config("[[custom_hooks]]\ntype = \"Nobody\"\n")}).exit_code, 2);
}

TEST_F(ClassifierRun, RefusesUnknownUsageWithExitCodeTwo) {
  EXPECT_EQ(grapnel({"trian"}).exit_code, 2);
  EXPECT_EQ(grapnel({"train"}).exit_code, 2);
  EXPECT_EQ(grapnel({"train", "gone.toml"}).exit_code, 2);
  EXPECT_EQ(grapnel({"--help"}).exit_code, 0);
  EXPECT_EQ(grapnel({"train", "--help"}).exit_code, 0);
}

TEST_F(ClassifierRun, ListsAndDescribesTheInstalledHooks) {
  const auto listed = grapnel({"hooks", "list"});
  EXPECT_EQ(listed.exit_code, 0) << listed.err;
  for (const char* type :
       {"CheckInvalidLossHook", "NumClassCheckHook", "MemoryProfilerHook", "SetEpochInfoHook", "SyncNormHook",
        "SyncRandomSizeHook", "YOLOXLrUpdaterHook", "YOLOXModeSwitchHook", "RuntimeInfoHook", "IterTimerHook",
        "DistSamplerSeedHook", "LoggerHook", "ParamSchedulerHook", "CheckpointHook", "EMAHook",
        "EarlyStoppingHook"}) {
    EXPECT_THAT(listed.out, HasSubstr(type));
  }
  const auto described = grapnel({"hooks", "describe", "YOLOXModeSwitchHook"});
  EXPECT_EQ(described.exit_code, 0) << described.err;
  EXPECT_THAT(described.out,
              AllOf(HasSubstr("num_last_epochs"), HasSubstr("15"), HasSubstr("before_train_epoch")));
  EXPECT_EQ(grapnel({"hooks", "describe", "Nobody"}).exit_code, 2);
}

}  // namespace
}  // namespace grapnel::test
