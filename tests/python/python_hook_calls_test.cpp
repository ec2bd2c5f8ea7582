// PythonHook: which methods are called with what, and what the runner that they are given can do.
#include "python_hook_fixture.hpp"

namespace grapnel::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Every point, in an order that a run could have.
const char* const kPoints[] = {"before_run",
                               "after_load_checkpoint",
                               "before_train",
                               "before_train_epoch",
                               "before_train_iter",
                               "after_backward",
                               "before_optimizer_step",
                               "after_train_iter",
                               "after_train_epoch",
                               "before_val",
                               "before_val_epoch",
                               "before_val_iter",
                               "after_val_iter",
                               "after_val_epoch",
                               "after_val",
                               "before_save_checkpoint",
                               "after_save_checkpoint",
                               "after_train",
                               "before_test",
                               "before_test_epoch",
                               "before_test_iter",
                               "after_test_iter",
                               "after_test_epoch",
                               "after_test",
                               "on_interrupt",
                               "on_exception",
                               "after_run"};

// A method for each point that logs its name and its keywords.
std::string recorder() {
  std::string source = "class Recorder:\n";
  for (const char* point : kPoints) {
    source += std::string("    def ") + point + "(self, runner, **kwargs):\n        runner.logger.info('" +
              point + " %s', ' '.join(kwargs))\n";
  }
  return source;
}

class PythonHookCalls : public PythonHookTest {};

TEST_F(PythonHookCalls, EachMethodIsCalledAtItsPointWithMMEnginesKeywords) {
  ASSERT_TRUE(load(recorder()));
  for (const char* point : kPoints) {
    host_.log.clear();
    ASSERT_TRUE(host_.call(point, "text")) << point;
    const std::string name = point;
    std::string keywords;
    if (name == "before_train_iter" || name == "before_val_iter" || name == "before_test_iter")
      keywords = "batch_idx data_batch";
    if (name == "after_train_iter" || name == "after_val_iter" || name == "after_test_iter" ||
        name == "after_backward" || name == "before_optimizer_step")
      keywords = "batch_idx data_batch outputs";
    if (name == "after_val_epoch" || name == "after_test_epoch") keywords = "metrics";
    if (name == "before_save_checkpoint" || name == "after_load_checkpoint") keywords = "checkpoint";
    if (name == "after_save_checkpoint") keywords = "path";
    if (name == "on_exception") keywords = "message";
    if (name == "on_interrupt") keywords = "signal";
    ASSERT_THAT(host_.log, SizeIs(1)) << point;
    EXPECT_EQ(host_.log[0].text, name + " " + keywords);
  }
}

TEST_F(PythonHookCalls, MethodsThatTheClassLacksDoNothing) {
  ASSERT_TRUE(load("class Quiet:\n    def before_run(self, runner): runner.logger.info('here')\n"));
  for (const char* point : kPoints) ASSERT_TRUE(host_.call(point, "text")) << point;
  EXPECT_THAT(host_.log, SizeIs(1));
  EXPECT_EQ(host_.value_reads, 0u);
}

TEST_F(PythonHookCalls, CountersAndTextsAreThePoints) {
  ASSERT_TRUE(load(R"(
class Counter:
    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        runner.message_hub.update_info('seen', [runner.epoch, runner.iter, batch_idx, runner.batch_idx,
            runner.max_epochs, runner.max_iters, runner.epoch_length, len(runner.train_dataloader),
            runner.mode,
            runner.by_epoch, runner.train_loop.epoch, runner.train_loop.max_iters])
    def after_save_checkpoint(self, runner, path):
        runner.message_hub.update_info('path', path)
    def on_exception(self, runner, message):
        runner.message_hub.update_info('message', message)
    def after_val_epoch(self, runner, metrics=None):
        runner.message_hub.update_info('metrics', metrics)
)"));
  host_.state.epoch = 3;
  host_.state.iter = 34;
  host_.state.batch_idx = 4;
  host_.state.max_epochs = 7;
  host_.state.max_iters = 70;
  ASSERT_TRUE(host_.call("after_train_iter"));
  EXPECT_EQ(info("seen"), R"([3, 34, 4, 4, 7, 70, 10, 10, "train", true, 3, 70])");
  ASSERT_TRUE(host_.call("after_save_checkpoint", "/work/epoch_3.pth"));
  EXPECT_EQ(info("path"), "/work/epoch_3.pth");
  ASSERT_TRUE(host_.call("on_exception", "it broke"));
  EXPECT_EQ(info("message"), "it broke");
  host_.metrics = {{"accuracy/top1", 0.5}};
  ASSERT_TRUE(host_.call("after_val_epoch"));
  EXPECT_EQ(info("metrics"), R"({"accuracy/top1": 0.5})");
}

TEST_F(PythonHookCalls, TheLoggerFormatsAndKeepsLevels) {
  ASSERT_TRUE(load(R"(
class Talker:
    def before_run(self, runner):
        runner.logger.debug('a %d', 1)
        runner.logger.info('b %s\nc', 'x')
        runner.logger.warning('d')
        runner.logger.error('e %.2f', 0.5)
)"));
  ASSERT_TRUE(host_.call("before_run"));
  ASSERT_THAT(host_.log, SizeIs(5));
  const std::pair<int32_t, const char*> expected[] = {{GRAPNEL_LOG_DEBUG, "a 1"},
                                                      {GRAPNEL_LOG_INFO, "b x"},
                                                      {GRAPNEL_LOG_INFO, "c"},
                                                      {GRAPNEL_LOG_WARNING, "d"},
                                                      {GRAPNEL_LOG_ERROR, "e 0.50"}};
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(host_.log[i].level, expected[i].first);
    EXPECT_EQ(host_.log[i].text, expected[i].second);
  }
}

TEST_F(PythonHookCalls, TheMessageHubKeepsScalarsAndPlainData) {
  ASSERT_TRUE(load(R"(
class Hub:
    def before_train(self, runner):
        hub = runner.message_hub
        for value in (1, 2, 6): hub.update_scalar('train/x', value)
        x = hub.get_scalar('train/x')
        hub.update_info('statistics', [x.current(), x.mean(), x.mean(2), x.min(), x.max(), len(x)])
        hub.update_info('table', {'a': [1, 2.5, None, True]})
        hub.update_info('digits', '7')
        assert hub.get_info('table') == {'a': [1, 2.5, None, True]}
        assert hub.get_info('digits') == '7' and hub.get_info('words') == 'two words'
        assert hub.get_info('none', 5) == 5
        assert hub.get_info('epoch') == 3
        assert list(hub.log_scalars) == ['train/x']
        try:
            hub.get_scalar('train/y')
        except KeyError as error:
            runner.logger.info(str(error))
)"));
  host_.texts["words"] = "two words";
  host_.texts["epoch"] = "3";  // as RuntimeInfoHook writes it
  const CallResult result = host_.call("before_train");
  ASSERT_TRUE(result) << result;
  EXPECT_EQ(info("statistics"), "[6.0, 3.0, 4.0, 1.0, 6.0, 3]");
  EXPECT_THAT(host_.log_text(), AllOf(HasSubstr("train/y"), HasSubstr("train/x")));
}

TEST_F(PythonHookCalls, ParamGroupsAreReadAndSet) {
  ASSERT_TRUE(load(R"(
class Rate:
    def before_train(self, runner):
        groups = runner.optim_wrapper.param_groups
        assert [group['name'] for group in groups] == ['weights', 'biases']
        assert runner.optim_wrapper.get_lr() == {'lr': [0.5, 0.25]}
        assert groups[0]['momentum'] == 0.9 and 'momentum' not in groups[1]
        assert groups[0]['weight_decay'] == 0.125
        for group in groups: group['lr'] = group['initial_lr'] * 0.5
        groups[0]['weight_decay'] = 0
        groups[0]['lr'] = -1
)"));
  host_.groups = {{"weights", 0.5, 1.0, 0.9, 0.9, 0.125, true, 1}, {"biases", 0.25, 2.0, 0, 0, 0, false, 1}};
  const CallResult result = host_.call("before_train");
  EXPECT_THAT(result.message, HasSubstr("Error: "));  // the last line is refused by the host
  EXPECT_EQ(host_.groups[0].lr, 0.5);
  EXPECT_EQ(host_.groups[1].lr, 1.0);
  EXPECT_EQ(host_.groups[0].weight_decay, 0.0);
}

TEST_F(PythonHookCalls, RequestsReachTheRunner) {
  ASSERT_TRUE(load(R"(
class Asking:
    def before_optimizer_step(self, runner, batch_idx, data_batch=None, outputs=None):
        runner.request_skip_step('bad batch')
    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        assert not runner.train_loop.stop_training
        runner.train_loop.stop_training = True
        runner.should_stop = True
        assert runner.train_loop.stop_training and runner.should_stop
        runner.request_validation()
        runner.request_save('now.pth')
    def before_save_checkpoint(self, runner, checkpoint):
        runner.veto_checkpoint('not this one')
)"));
  for (const char* point : {"before_optimizer_step", "after_train_iter", "before_save_checkpoint"}) {
    const CallResult result = host_.call(point);
    ASSERT_TRUE(result) << result;
  }
  EXPECT_THAT(host_.requests.skipped_steps, ElementsAre("bad batch"));
  EXPECT_THAT(host_.requests.stops, ElementsAre("PythonHook set stop_training"));
  EXPECT_EQ(host_.requests.validations, 1);
  EXPECT_THAT(host_.requests.saves, ElementsAre("now.pth"));
  EXPECT_THAT(host_.requests.vetoes, ElementsAre("not this one"));
}

TEST_F(PythonHookCalls, CheckpointsCarryPlainDataAndShowTheModel) {
  ASSERT_TRUE(load(R"(
class Meta:
    def before_save_checkpoint(self, runner, checkpoint):
        checkpoint['meta']['classes'] = ['a', 'b']
        checkpoint['note'] = 'n'
        assert checkpoint['meta']['epoch'] == 3 and list(checkpoint['state_dict']) == ['w']
        assert checkpoint['note'] == 'n'
    def after_load_checkpoint(self, runner, checkpoint):
        assert checkpoint['meta']['classes'] == ['a', 'b']
        assert checkpoint['note'] == 'n' and 'x' not in checkpoint
        runner.logger.info('read %s', checkpoint.path)
)"));
  host_.checkpoint.epoch = 3;
  host_.parameters.push_back({"w", PlainTensor::floats({1, 2}), 0, true});
  for (const char* point : {"before_save_checkpoint", "after_load_checkpoint"}) {
    const CallResult result = host_.call(point);
    ASSERT_TRUE(result) << result;
  }
  EXPECT_EQ(host_.checkpoint.meta["classes"], R"(["a", "b"])");
  EXPECT_EQ(host_.checkpoint.meta["note"], "n");
  EXPECT_THAT(host_.log_lines("read /tmp/work/epoch_1.pth"), SizeIs(1));
}

TEST_F(PythonHookCalls, TheConfigIsReadWithKeysAndDots) {
  host_.config_json = R"({"train_cfg": {"max_epochs": 3}, "custom_hooks": [{"type": "PythonHook"}]})";
  ASSERT_TRUE(load(R"(
class Config:
    def before_run(self, runner):
        assert runner.cfg['train_cfg']['max_epochs'] == runner.cfg.train_cfg.max_epochs == 3
        assert runner.cfg.get('nothing') is None and runner.cfg.custom_hooks[0].type == 'PythonHook'
        runner.logger.info('%s %s %d/%d', runner.work_dir, runner.timestamp, runner.rank, runner.world_size)
)"));
  ASSERT_TRUE(host_.call("before_run"));
  EXPECT_EQ(host_.log_text(), "/tmp/work log 0/1\n");
}

TEST_F(PythonHookCalls, PrintGoesToTheLogLineByLine) {
  ::testing::internal::CaptureStdout();
  ASSERT_TRUE(load(R"(
import sys
class Printer:
    def before_run(self, runner):
        print('one', 2)
        print('three', end='')
        print(' four\nfive')
        print('oops', file=sys.stderr)
        sys.stdout.write('unfinished')
        sys.stdout.flush()
)"));
  ASSERT_TRUE(host_.call("before_run"));
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "");
  EXPECT_EQ(host_.log_text(), "one 2\nthree four\nfive\noops\nunfinished\n");
  EXPECT_EQ(host_.log[3].level, GRAPNEL_LOG_WARNING);
}

TEST_F(PythonHookCalls, ThreadsGoOnBetweenCallbacks) {
  ASSERT_TRUE(load(R"(
import queue, threading
class Worker:
    def before_run(self, runner):
        self.runner, self.todo, self.done = runner, queue.Queue(), threading.Event()
        threading.Thread(target=self.work, daemon=True).start()
    def work(self):
        self.item = self.todo.get()
        try:
            self.runner.request_stop('from a thread')
        except RuntimeError as error:
            self.refusal = str(error)
        self.runner.logger.info('worked on %s', self.item)
        self.done.set()
    def before_train(self, runner):
        self.todo.put('something')
    def after_train(self, runner):
        assert self.done.wait(30)
        runner.logger.info(self.refusal)
)"));
  for (const char* point : {"before_run", "before_train", "after_train"})
    ASSERT_TRUE(host_.call(point)) << point;
  EXPECT_THAT(host_.log_lines("worked on something"), SizeIs(1));
  EXPECT_THAT(host_.log_lines("on the training thread"), SizeIs(1));
  EXPECT_THAT(host_.requests.stops, IsEmpty());
  EXPECT_THAT(host_.watch.wrong_thread, IsEmpty());
}

TEST_F(PythonHookCalls, InstancesOfOneFileShareItsModuleAndNothingElse) {
  const char* source = R"(
made = []
class Named:
    def __init__(self, name):
        self.name = name
        made.append(name)
    def before_run(self, runner): runner.logger.info('%s of %s in %s', self.name, made, runner.instance_key)
)";
  const std::string file = write(source);
  ASSERT_TRUE(host_.load("PythonHook", {{"file", file}, {"kwargs", R"({"name": "a"})"}}, "first"));
  ASSERT_TRUE(host_.load("PythonHook", {{"file", file}, {"kwargs", R"({"name": "b"})"}}, "second"));
  ASSERT_TRUE(host_.load("PythonHook", {{"file", write(source, "other.py")}, {"kwargs", R"({"name": "c"})"}},
                         "third"));
  ASSERT_TRUE(host_.call("before_run"));
  EXPECT_EQ(host_.log_text(), "a of ['a', 'b'] in first\nb of ['a', 'b'] in second\nc of ['c'] in third\n");

  host_.destroy();
  host_.log.clear();
  ASSERT_TRUE(host_.load("PythonHook", {{"file", file}, {"kwargs", R"({"name": "d"})"}}, "again"));
  ASSERT_TRUE(host_.call("before_run"));
  EXPECT_EQ(host_.log_text(), "d of ['d'] in again\n");
}

TEST_F(PythonHookCalls, WhatAHookHoldsIsFreedWhenItIsDestroyed) {
  const std::string out = folder_.file("out.txt");
  ASSERT_TRUE(load(R"(
class Writer:
    def __init__(self, path):
        self.file = open(path, 'w')
        self.circle = Circle()
    def before_run(self, runner): self.file.write('kept until the end')
class Circle:
    def __init__(self): self.me = self
    def __del__(self): print('gone')
)",
                   {{"kwargs", R"({"path": ")" + out + "\"}"}}));
  ASSERT_TRUE(host_.call("before_run"));
  host_.destroy();
  EXPECT_EQ(test::read_file(out), "kept until the end");
  EXPECT_THAT(host_.log_lines("gone"), SizeIs(1));
}

}  // namespace
}  // namespace grapnel::testing
