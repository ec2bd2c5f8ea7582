// PythonHook: what is wrong with a file, a class or a method is said before the run, and a failure during it
// carries its traceback. State goes into checkpoints as JSON.
#include <filesystem>

#include "python_hook_fixture.hpp"

namespace grapnel::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

class PythonHookLoading : public PythonHookTest {};

TEST_F(PythonHookLoading, AMissingFileIsNamed) {
  const CallResult result = host_.load("PythonHook", {{"file", "\"nowhere/hook.py\""}});
  EXPECT_EQ(result.status, GRAPNEL_STATUS_FAILED);
  EXPECT_THAT(result.message, AllOf(HasSubstr(std::filesystem::current_path() / "nowhere/hook.py"),
                                    HasSubstr("No such file"), HasSubstr("current folder")));
  EXPECT_FALSE(host_.load("PythonHook"));  // the option is required
}

TEST_F(PythonHookLoading, ASyntaxErrorIsNamedWithItsLine) {
  const CallResult result = load("class A:\n    def before_run(self, runner)\n        pass\n");
  EXPECT_THAT(result.message, StartsWith(path_ + ":2: SyntaxError: "));
  EXPECT_THAT(host_.log_lines("def before_run(self, runner)", GRAPNEL_LOG_ERROR), SizeIs(1));
}

TEST_F(PythonHookLoading, AnExceptionWhileTheFileRunsIsNamedWithItsLine) {
  const CallResult result = load("import nothing_of_that_name\n");
  EXPECT_THAT(result.message,
              AllOf(StartsWith(path_ + ":1: ModuleNotFoundError: "), HasSubstr("nothing_of_that_name")));
  EXPECT_THAT(load("raise SystemExit(0)\n").message, HasSubstr("SystemExit"));
}

TEST_F(PythonHookLoading, WhatTheStandInForMMEngineLacksIsSaid) {
  const CallResult result = load("from mmengine.fileio import get\n");
  EXPECT_THAT(result.message, AllOf(StartsWith(path_ + ":1: ModuleNotFoundError: mmengine.fileio"),
                                    HasSubstr("no mmengine is installed"), HasSubstr("mmengine.hooks")));
}

TEST_F(PythonHookLoading, AFileWithoutAHookClassIsRefused) {
  EXPECT_THAT(load("class Point:\n    x = 1\n").message, HasSubstr("defines no hook class"));
  EXPECT_THAT(load("from grapnel import Hook\n").message, HasSubstr("defines no hook class"));
  EXPECT_THAT(load("").message, HasSubstr("defines no hook class"));
}

TEST_F(PythonHookLoading, OfSeveralClassesOneHasToBeNamed) {
  const std::string source =
      "class First:\n    def before_run(self, runner): print('first')\n"
      "class Second:\n    def before_run(self, runner): print('second')\n";
  EXPECT_THAT(load(source).message, AllOf(HasSubstr("option 'hook'"), HasSubstr("First, Second")));
  EXPECT_THAT(load(source, {{"hook", "\"Secnod\""}}).message, HasSubstr("did you mean 'Second'?"));
  EXPECT_THAT(load(source, {{"hook", "\"Zebra\""}}).message, HasSubstr("First, Second"));
  ASSERT_TRUE(load(source, {{"hook", "\"Second\""}}));
  ASSERT_TRUE(host_.call("before_run"));
  EXPECT_EQ(host_.log_text(), "second\n");
}

TEST_F(PythonHookLoading, AClassMayBeImportedOrRegisteredUnderAnotherName) {
  folder_.write("imported_hooks.py", "class Far:\n    def before_run(self, runner): print('far')\n");
  ASSERT_TRUE(load("from imported_hooks import Far\n", {{"hook", "\"Far\""}}));
  ASSERT_TRUE(
      host_.load("PythonHook",
                 {{"file", write("from mmengine.registry import HOOKS\n@HOOKS.register_module(name='Alias')\n"
                                 "class Own:\n    def before_run(self, runner): print('own')\n",
                                 "alias.py")},
                  {"hook", "\"Alias\""}}));
  ASSERT_TRUE(host_.call("before_run"));
  EXPECT_EQ(host_.log_text(), "far\nown\n");
}

TEST_F(PythonHookLoading, AConstructorThatRaisesIsReported) {
  const CallResult result = load(
      "class A:\n"
      "    def __init__(self):\n"
      "        self.look(1)\n"
      "    def look(self, x):\n"
      "        raise ValueError('x is %d' % x)\n"
      "    def before_run(self, runner): pass\n");
  EXPECT_EQ(result.message, path_ + ":5: ValueError: x is 1");
  EXPECT_THAT(host_.log_lines("self.look(1)", GRAPNEL_LOG_ERROR), SizeIs(1));
  EXPECT_THAT(host_.log_lines("<grapnel>"), IsEmpty());
}

TEST_F(PythonHookLoading, WrongArgumentsNameTheSignature) {
  const std::string source =
      "class A:\n    def __init__(self, rate, top=3): pass\n    def before_run(self, runner): pass\n";
  EXPECT_THAT(load(source).message, AllOf(HasSubstr("A(rate, top=3)"), HasSubstr("'rate'")));
  EXPECT_THAT(load(source, {{"kwargs", R"({"rate": 1, "tpo": 2})"}}).message, HasSubstr("'tpo'"));
  EXPECT_THAT(load(source, {{"kwargs", "[1]"}}).message, HasSubstr("expected a table"));
  EXPECT_TRUE(load(source, {{"kwargs", R"({"rate": 1})"}}));
}

TEST_F(PythonHookLoading, AMisspeltMethodIsWarnedOfWithTheNearestName) {
  ASSERT_TRUE(load(R"(
from mmengine.hooks import Hook
class A(Hook):
    def after_train_itr(self, runner, batch_idx, data_batch=None, outputs=None): pass
    def before_launch(self): pass
    def compute(self): pass
    def before_run(self, runner): pass
)"));
  EXPECT_THAT(host_.log_lines("A.after_train_itr is never called", GRAPNEL_LOG_WARNING), SizeIs(1));
  EXPECT_THAT(host_.log_lines("did you mean 'after_train_iter'?"), SizeIs(1));
  EXPECT_THAT(host_.log_lines("A.before_launch is never called"), SizeIs(1));
  EXPECT_THAT(host_.log_lines("compute"), IsEmpty());
}

TEST_F(PythonHookLoading, AMethodThatCannotTakeItsArgumentsIsRefused) {
  const CallResult result = load("class A:\n    def after_train_iter(self, runner, index): pass\n");
  EXPECT_THAT(result.message,
              AllOf(HasSubstr("A.after_train_iter(runner, index)"),
                    HasSubstr("after_train_iter(runner, batch_idx=..., data_batch=..., outputs=...)")));
}

TEST_F(PythonHookLoading, APriorityInTheClassIsWarnedOf) {
  const std::string source = "class A:\n    priority = 'LOW'\n    def before_run(self, runner): pass\n";
  ASSERT_TRUE(load(source));
  EXPECT_THAT(host_.log_lines("priority = \"LOW\"", GRAPNEL_LOG_WARNING), SizeIs(1));
  host_.log.clear();
  host_.config_json =
      R"({"custom_hooks": [{"type": "PythonHook", "priority": 70, "file": ")" + path_ + "\"}]}";
  ASSERT_TRUE(load(source));
  EXPECT_THAT(host_.log, IsEmpty());
}

// ---- during the run ------------------------------------------------------------------------------------

TEST_F(PythonHookLoading, AnExceptionBringsItsTracebackAndItsLine) {
  ASSERT_TRUE(load(R"(import json
class A:
    def before_run(self, runner):
        self.read('{')
    def read(self, text):
        return json.loads(text)
)"));
  const CallResult result = host_.call("before_run");
  EXPECT_EQ(result.status, GRAPNEL_STATUS_FAILED);
  EXPECT_THAT(result.message,
              StartsWith(path_ + ":6: JSONDecodeError: "));  // the innermost line of the hook's own
  EXPECT_THAT(host_.log_text(),
              AllOf(StartsWith("Traceback (most recent call last):\n"), HasSubstr("self.read('{')"),
                    HasSubstr("decoder.py"), HasSubstr("json.decoder.JSONDecodeError: ")));
  for (const LogLine& line : host_.log) EXPECT_EQ(line.level, GRAPNEL_LOG_ERROR);
}

TEST_F(PythonHookLoading, TheNextCallbackWorksAfterAnException) {
  ASSERT_TRUE(load(R"(
class A:
    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if batch_idx == 0: raise KeyboardInterrupt
        runner.logger.info('went on')
)"));
  EXPECT_THAT(host_.call("after_train_iter").message, HasSubstr("KeyboardInterrupt"));
  host_.state.batch_idx = 1;
  EXPECT_TRUE(host_.call("after_train_iter"));
  EXPECT_THAT(host_.log_lines("went on"), SizeIs(1));
}

TEST_F(PythonHookLoading, SysExitEndsTheRunAndNotTheProcess) {
  ASSERT_TRUE(load("import sys\nclass A:\n    def before_run(self, runner): sys.exit(3)\n"));
  const CallResult result = host_.call("before_run");
  EXPECT_THAT(result.message, AllOf(HasSubstr(":3: SystemExit: 3"), HasSubstr("request_stop")));
}

TEST_F(PythonHookLoading, WhatTheHostRefusesIsAnErrorThatCanBeCaught) {
  ASSERT_TRUE(load(R"(
import grapnel
class A:
    def before_run(self, runner):
        try:
            runner.request_save('a/b.pth')
        except grapnel.Error as error:
            runner.logger.info('caught %s', error)
        runner.save_checkpoint
)"));
  const CallResult result = host_.call("before_run");
  EXPECT_THAT(host_.log_lines("caught"), SizeIs(1));
  EXPECT_THAT(result.message, AllOf(HasSubstr("AttributeError"), HasSubstr("no 'save_checkpoint'"),
                                    HasSubstr("request_save")));
}

TEST_F(PythonHookLoading, AHostWithFewServicesIsEnough) {
  host_.missing_services = {
      GRAPNEL_SERVICE_LOG,       GRAPNEL_SERVICE_MESSAGE_HUB, GRAPNEL_SERVICE_MODEL,
      GRAPNEL_SERVICE_OPTIMIZER, GRAPNEL_SERVICE_DATA,        GRAPNEL_SERVICE_COLLECTIVES,
      GRAPNEL_SERVICE_VALUES,    GRAPNEL_SERVICE_CHECKPOINT,  GRAPNEL_SERVICE_RUNNER};
  ASSERT_TRUE(load(R"(
class A:
    seen = []
    def before_train(self, runner):
        print('nobody hears this')
        runner.logger.info('nor this')
        assert runner.epoch == 0 and runner.world_size == 1
        self.seen.append(runner.model)
)"));
  EXPECT_THAT(host_.call("before_train").message, HasSubstr("this host has no service grapnel.model/1"));
}

// ---- state ---------------------------------------------------------------------------------------------

const char* const kCounting = R"(
class Counting:
    def __init__(self): self.count, self.best = 0, {'name': None}
    def before_run(self, runner): self.count += 1
    def after_run(self, runner): runner.message_hub.update_info('count', [self.count, self.best])
    def state_dict(self): return {'count': self.count, 'best': self.best}
    def load_state_dict(self, state): self.count, self.best = state['count'], state['best']
)";

TEST_F(PythonHookLoading, StateComesBackFromACheckpoint) {
  ASSERT_TRUE(load(kCounting));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(host_.call("before_run"));
  SavedState saved;
  ASSERT_TRUE(host_.save_state(saved));
  host_.destroy();
  ASSERT_TRUE(load(kCounting));
  CallResult result = host_.load_state(saved);
  ASSERT_TRUE(result) << result;
  ASSERT_TRUE(host_.call("after_run"));
  EXPECT_EQ(info("count"), R"([3, {"name": null}])");
}

TEST_F(PythonHookLoading, ADamagedOrForeignStateIsRefused) {
  ASSERT_TRUE(load(kCounting));
  SavedState saved;
  ASSERT_TRUE(host_.save_state(saved));
  SavedState cut = saved;
  cut.bytes.resize(cut.bytes.size() / 2);
  EXPECT_THAT(host_.load_state(cut).message, HasSubstr("ends early"));
  SavedState changed = saved;
  changed.bytes[changed.bytes.size() - 12] ^= 1;
  EXPECT_THAT(host_.load_state(changed).message, HasSubstr("damaged"));

  std::string other = kCounting;
  other.replace(other.find("Counting"), 8, "Another");
  host_.destroy();
  ASSERT_TRUE(load(other));
  EXPECT_THAT(host_.load_state(saved).message, AllOf(HasSubstr("class Counting"), HasSubstr("Another")));
}

TEST_F(PythonHookLoading, AClassWithoutStateSavesAMarker) {
  ASSERT_TRUE(load("class A:\n    def before_run(self, runner): pass\n"));
  SavedState saved;
  ASSERT_TRUE(host_.save_state(saved));
  EXPECT_TRUE(host_.load_state(saved));
}

TEST_F(PythonHookLoading, AStateThatCouldNotBeReadBackIsRefused) {
  ASSERT_TRUE(
      load("class A:\n    def state_dict(self): return 'x' * (1 << 24)\n"
           "    def load_state_dict(self, state): pass\n    def before_run(self, runner): pass\n"));
  SavedState saved;
  EXPECT_THAT(host_.save_state(saved).message, HasSubstr("bytes of JSON"));
}

TEST_F(PythonHookLoading, NumpysNumbersInAStateComeBackAsPlainOnes) {
  ASSERT_TRUE(load(R"(
import numpy
class A:
    def __init__(self): self.state = {'mean': numpy.float32(0.5), 'sums': numpy.arange(3)}
    def state_dict(self): return self.state
    def load_state_dict(self, state): self.state = state
    def after_run(self, runner): runner.message_hub.update_info('state', self.state)
)"));
  SavedState saved;
  ASSERT_TRUE(host_.save_state(saved));
  ASSERT_TRUE(host_.load_state(saved));
  ASSERT_TRUE(host_.call("after_run"));
  EXPECT_EQ(info("state"), R"({"mean": 0.5, "sums": [0, 1, 2]})");
}

TEST_F(PythonHookLoading, AStateThatIsNoPlainDataIsNamed) {
  ASSERT_TRUE(
      load("class A:\n    def state_dict(self): return {'x': object()}\n"
           "    def load_state_dict(self, state): pass\n    def before_run(self, runner): pass\n"));
  SavedState saved;
  EXPECT_THAT(host_.save_state(saved).message, HasSubstr("object is no plain data"));
  EXPECT_THAT(
      load("class A:\n    def state_dict(self): return {}\n    def before_run(self, runner): pass\n").message,
      HasSubstr("load_state_dict"));
}

}  // namespace
}  // namespace grapnel::testing
