// PythonHook and the process around it: signal handlers, instances that come and go, and what outlives them.
#include <signal.h>

#include <cstring>

#include "python_hook_fixture.hpp"

namespace grapnel::testing {
namespace {

using ::testing::IsEmpty;

class PythonHookProcess : public PythonHookTest {};

TEST_F(PythonHookProcess, SignalHandlersStayTheProcesssOwn) {
  struct sigaction before[NSIG];
  for (int number = 1; number < NSIG; ++number) sigaction(number, nullptr, &before[number]);
  ASSERT_TRUE(load("import asyncio, signal, subprocess\nclass A:\n    def before_run(self, runner): pass\n"));
  ASSERT_TRUE(host_.call("before_run"));
  for (int number = 1; number < NSIG; ++number) {
    struct sigaction now {};
    if (sigaction(number, nullptr, &now) != 0) continue;
    EXPECT_EQ(now.sa_handler, before[number].sa_handler) << strsignal(number);
  }
}

TEST_F(PythonHookProcess, ManyInstancesComeAndGo) {
  const std::string file = write("class A:\n    def before_run(self, runner): self.seen = runner\n");
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 3; ++i) {
      ASSERT_TRUE(host_.load("PythonHook", {{"file", file}}, "hook" + std::to_string(i)));
      EXPECT_FALSE(host_.load("PythonHook", {{"file", file}, {"hook", "\"B\""}}, "wrong"));
    }
    ASSERT_TRUE(host_.call("before_run"));
    host_.destroy();
  }
  EXPECT_THAT(host_.log, IsEmpty());
  EXPECT_THAT(host_.watch.after_destroy, IsEmpty());
}

TEST_F(PythonHookProcess, ARunnerThatOutlivesItsHookSaysSo) {
  ASSERT_TRUE(load(R"(
import builtins
class A:
    def before_run(self, runner): builtins.kept_runner = runner
)"));
  ASSERT_TRUE(host_.call("before_run"));
  host_.destroy();
  ASSERT_TRUE(load(R"(
import builtins
class B:
    def before_run(self, runner):
        try:
            builtins.kept_runner.epoch
        except RuntimeError as error:
            runner.logger.info(str(error))
        del builtins.kept_runner
)"));
  ASSERT_TRUE(host_.call("before_run"));
  EXPECT_EQ(host_.log_text(), "the hook that this runner belonged to is gone\n");
}

}  // namespace
}  // namespace grapnel::testing
