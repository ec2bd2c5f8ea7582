// A plugin of revision 1.0 that uses every function of every service, in a whole run over the real services.
#include <gmock/gmock.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include <fstream>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "test_run.hpp"

namespace grapnel::test {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

// Every line that goes to the log while it lives.
class LogLines {
 public:
  LogLines() : logger_(std::make_shared<spdlog::logger>("lines", sink_)), before_(spdlog::default_logger()) {
    logger_->set_level(spdlog::level::debug);
    spdlog::set_default_logger(logger_);
  }
  ~LogLines() { spdlog::set_default_logger(before_); }
  const std::vector<std::string>& all() const { return sink_->lines; }

 private:
  struct Sink : spdlog::sinks::base_sink<std::mutex> {
    void sink_it_(const spdlog::details::log_msg& message) override {
      lines.emplace_back(message.payload.data(), message.payload.size());
    }
    void flush_() override {}
    std::vector<std::string> lines;
  };
  std::shared_ptr<Sink> sink_ = std::make_shared<Sink>();
  std::shared_ptr<spdlog::logger> logger_;
  std::shared_ptr<spdlog::logger> before_;
};

class OldServices : public ::testing::TestWithParam<const char*> {
 protected:
  static RunSpec spec(const TemporaryFolder& folder) {
    RunSpec spec;
    spec.work_dir = folder.path("run");
    spec.task.train_size = 4;
    spec.task.val_size = 1;
    spec.val = true;
    spec.loop.max_epochs = 3;
    spec.optimizer.lr = 0.1;
    spec.optimizer.momentum = 0.9;
    spec.optimizer.weight_decay = 0.01;
    return spec;
  }
  void add_old_plugin(TestRun& run) {
    HookConfig hook;
    hook.type = "OldServices";
    hook.path = "custom_hooks.3";
    hook.options = ConfigNode::table({});
    run.add_hook(std::string(GRAPNEL_BUILD_DIR) + "/tests/old_plugins/1.0/" + GetParam(), std::move(hook));
  }
};

INSTANTIATE_TEST_SUITE_P(BuiltBy, OldServices, ::testing::Values("gcc", "clang"),
                         [](const auto& compiler) { return std::string(compiler.param); });

TEST_P(OldServices, WorkAsTheyDidIn10) {
  TemporaryFolder folder;
  LogLines log;
  TestRun run(spec(folder));
  add_old_plugin(run);
  EXPECT_EQ(run.train(), runner::RunEnd::kDone);
  for (const char* line :
       {"created as OldServices in grapnel", "run: mode 1 max_epochs 3 epoch length 4 seed 3 resumed 0",
        "attribute fc.gain of kind 3", "model: 3 modules, 3 attributes, 6 parameters, 4 buffers",
        "data: 4 samples of train_dataloader.dataset, class 0 is cat", "transform Shift skipped",
        "transform Turn skipped", "image size was 32 x 32", "batch begins with inputs of 2 dimensions",
        "group 0: lr 0.1 of 0.2", "group 1: lr 0.05 of 0.1", "rank 0 of 1, here 0: sum 6",
        "message hub: mean 1.5", "validation: acc, table given", "writes old.pth at iter 1",
        "after old.pth the last is old.pth", "after vetoed.pth the last is old.pth"}) {
    EXPECT_THAT(log.all(), Contains(HasSubstr(line)));
  }
  // What it asked for came true.
  EXPECT_EQ(run.runner().epoch(), 2);  // stopped in the second of three epochs
  EXPECT_THAT(log.all(), AllOf(Contains(HasSubstr("enough is seen")), Contains(HasSubstr("it is not wanted")),
                               Contains(HasSubstr("the second step is skipped"))));
  EXPECT_TRUE(std::ifstream(folder.path("run") + "/old.pth").good());
  EXPECT_FALSE(std::ifstream(folder.path("run") + "/vetoed.pth").good());
  EXPECT_EQ(run.task().epoch_told, 0);
  EXPECT_EQ(run.task().image_size()[0], 64);

  RunSpec resumed_spec = spec(folder);
  resumed_spec.resume = true;
  resumed_spec.resume_from = folder.path("run") + "/old.pth";
  TestRun resumed(resumed_spec);
  add_old_plugin(resumed);
  EXPECT_EQ(resumed.train(), runner::RunEnd::kDone);
  EXPECT_THAT(log.all(), Contains(HasSubstr("reads iter 1, resume 1: left by revision 1.0")));
}

}  // namespace
}  // namespace grapnel::test
