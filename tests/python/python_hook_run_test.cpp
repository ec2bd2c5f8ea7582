// PythonHook in real training runs of the classifier: with the host's own tensors, checkpoints and resumes,
// in a virtual environment, and beside an installed MMEngine.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "../cli/command.hpp"
#include "../core/temporary_folder.hpp"

namespace grapnel::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// 10 batches an epoch, two epochs.
constexpr const char* kSmallRun = R"(
work_dir = "run"
[randomness]
seed = 3
[model]
type = "SmallConvNet"
channels = 4
[train_dataloader]
batch_size = 16
dataset = { type = "FashionMNIST", max_samples = 160 }
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
[default_hooks.checkpoint]
type = "CheckpointHook"
interval = 1
[[custom_hooks]]
type = "PythonHook"
file = "my_hook.py"
)";

class PythonHookRun : public ::testing::Test {
 protected:
  CommandResult train(const std::string& hook, const std::vector<std::string>& more = {},
                      CommandOptions options = {}) {
    folder_.write("my_hook.py", hook);
    folder_.write("run.toml", kSmallRun);
    options.folder = folder_.path();
    std::vector<std::string> arguments = {"train", "run.toml"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_grapnel(arguments, options);
  }
  TemporaryFolder folder_;
};

TEST_F(PythonHookRun, AnMMEngineHookSeesTheRunAndTheHostsTensors) {
  const auto result = train(R"(
import numpy
from mmengine.hooks import Hook
from mmengine.registry import HOOKS

@HOOKS.register_module()
class Watcher(Hook):
    def before_train(self, runner):
        print('threads of', runner.max_epochs, runner.max_iters, len(runner.train_dataloader))
        self.losses = []
        name, weight = next(iter(runner.model.named_parameters()))
        assert numpy.shares_memory(weight.numpy(), numpy.from_dlpack(weight))
    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.inputs = data_batch['inputs'].shape
        self.before = [weight.numpy().copy() for weight in runner.model.parameters()]
    def before_optimizer_step(self, runner, batch_idx, data_batch=None, outputs=None):
        for weight in runner.model.parameters():
            assert numpy.isfinite(weight.grad.numpy()).all()
    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.losses.append(outputs['loss'].item())
        after = [weight.numpy() for weight in runner.model.parameters()]
        assert any((a != b).any() for a, b in zip(after, self.before))
        runner.message_hub.update_scalar('train/twice', 2 * float(outputs['loss']))
    def after_val_epoch(self, runner, metrics=None):
        runner.logger.info('epoch %d: inputs %s, %d losses, %s', runner.epoch, self.inputs, len(self.losses),
                           sorted(metrics))
        assert runner.message_hub.get_scalar('train/twice').current() == 2 * self.losses[-1]
    def after_train(self, runner):
        for weight in runner.model.parameters(): weight.numpy()[...] = 0
)");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, AllOf(HasSubstr("[PythonHook] threads of 2 20 10"),
                                HasSubstr("epoch 2: inputs (16, 1, 28, 28), 20 losses, ['accuracy/top1']")));
  EXPECT_THAT(result.out, Not(HasSubstr("threads of")));
}

TEST_F(PythonHookRun, WeightsWrittenThroughNumpyAreTheModels) {
  const auto result = train(R"(
class Zero:
    def before_val(self, runner):
        for weight in runner.model.parameters(): weight.numpy()[...] = 0
    def after_val_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        runner.logger.info('outputs %s', {name: tensor.shape for name, tensor in outputs.items()})
    def after_val_epoch(self, runner, metrics=None):
        weights = {abs(weight.numpy()).max().item() for weight in runner.model.parameters()}
        runner.logger.info('weights %s', weights)
)");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, AllOf(HasSubstr("weights {0.0}"), HasSubstr("outputs {")));
}

TEST_F(PythonHookRun, AnExceptionEndsTheRunWithItsTraceback) {
  const auto result = train(R"(
class Broken:
    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if runner.iter == 3: self.divide(1, 0)
    def divide(self, a, b):
        return a / b
    def after_run(self, runner):
        print('after_run came')
)");
  EXPECT_EQ(result.exit_code, 1) << result.err;
  EXPECT_THAT(result.err, AllOf(HasSubstr("my_hook.py:6: ZeroDivisionError: division by zero"),
                                HasSubstr("after_train_iter"), HasSubstr("Traceback (most recent call last)"),
                                HasSubstr("self.divide(1, 0)"), HasSubstr("after_run came")));
}

TEST_F(PythonHookRun, AMistakeInTheFileEndsTheRunBeforeItBegins) {
  const auto result = train("class A:\n    def after_train_iter(self): pass\n");
  EXPECT_NE(result.exit_code, 0);
  EXPECT_THAT(result.err,
              AllOf(HasSubstr("A.after_train_iter() cannot be called as"), Not(HasSubstr("Epoch(train)"))));
}

TEST_F(PythonHookRun, AStopRequestEndsTheTrainingAfterTheEpoch) {
  const auto result = train(R"(
class Stopper:
    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if batch_idx == 4: runner.train_loop.stop_training = True
    def after_train(self, runner): runner.logger.info('ended at %d of %d', runner.iter, runner.max_iters)
)");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, AllOf(HasSubstr("ended at 10 of 20"), HasSubstr("PythonHook set stop_training")));
}

TEST_F(PythonHookRun, StateAndMetaComeBackWhenARunIsResumed) {
  const std::string hook = R"(
class Counter:
    def __init__(self): self.iterations = 0
    def before_train(self, runner): runner.logger.info('begins with %d', self.iterations)
    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None): self.iterations += 1
    def after_train(self, runner): runner.logger.info('counted %d', self.iterations)
    def state_dict(self): return {'iterations': self.iterations}
    def load_state_dict(self, state): self.iterations = state['iterations']
    def before_save_checkpoint(self, runner, checkpoint): checkpoint['meta']['note'] = {'by': 'Counter'}
    def after_load_checkpoint(self, runner, checkpoint): print('note', checkpoint['meta']['note'])
)";
  const auto whole = train(hook);
  ASSERT_EQ(whole.exit_code, 0) << whole.err;
  EXPECT_THAT(whole.err, AllOf(HasSubstr("begins with 0"), HasSubstr("counted 20")));
  const auto resumed = train(hook, {"--resume", "run/epoch_1.pth"});
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_THAT(resumed.err, AllOf(HasSubstr("begins with 10"), HasSubstr("counted 20"),
                                 HasSubstr("note {'by': 'Counter'}")));
}

constexpr const char* kWhere = R"(
import sys
import inside_the_environment
class Where:
    def before_run(self, runner): print('prefix', sys.prefix, inside_the_environment.__file__)
)";

TEST_F(PythonHookRun, AnActiveVirtualEnvironmentIsUsed) {
  const std::string version = GRAPNEL_TEST_PYTHON_VERSION;
  folder_.write("venv/lib/python" + version + "/site-packages/inside_the_environment.py", "");
  folder_.write("venv/pyvenv.cfg", "home = " + fs::path(GRAPNEL_TEST_PYTHON).parent_path().string() +
                                       "\ninclude-system-site-packages = true\nversion = " + version + "\n");
  fs::create_directories(folder_.file("venv/bin"));
  fs::create_symlink(GRAPNEL_TEST_PYTHON, folder_.file("venv/bin/python3"));
  CommandOptions options;
  options.environment = {{"VIRTUAL_ENV", folder_.file("venv")}};
  const auto result = train(kWhere, {"--set", "train_cfg.max_epochs=1"}, options);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("prefix " + folder_.file("venv") + " "));
}

TEST_F(PythonHookRun, AnEnvironmentOfAnotherPythonIsNamedAndNotUsed) {
  folder_.write("venv/lib/python2.7/site-packages/inside_the_environment.py", "");
  folder_.write("venv/pyvenv.cfg", "home = /usr/bin\n");
  folder_.write("inside_the_environment.py", "");  // beside the hook: always found
  CommandOptions options;
  options.environment = {{"VIRTUAL_ENV", folder_.file("venv")}};
  const auto result = train(kWhere, {"--set", "train_cfg.max_epochs=1"}, options);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, AllOf(HasSubstr("the virtual environment " + folder_.file("venv") + " is not used"),
                                Not(HasSubstr("prefix " + folder_.file("venv") + " "))));
}

TEST_F(PythonHookRun, AWrongPythonHomeIsAMessage) {
  CommandOptions options;
  options.environment = {{"PYTHONHOME", folder_.file("nowhere")}};
  const auto result = train("class A:\n    def before_run(self, runner): pass\n", {}, options);
  EXPECT_TRUE(result.exit_code == 1 || result.exit_code == 2) << result.exit_code;
  EXPECT_THAT(result.err,
              AllOf(HasSubstr("PYTHONHOME is " + folder_.file("nowhere")), HasSubstr("unset it")));
}

// A package that behaves as the real one where the plugin looks: it comes first, with its own base class and
// a registry that takes each name once.
TEST_F(PythonHookRun, AnInstalledMMEngineComesBeforeTheStandIn) {
  folder_.write("site/mmengine/__init__.py", "");
  folder_.write("site/mmengine/hooks/__init__.py", R"(
class Hook:
    def before_run(self, runner): raise AssertionError('the base class is called')
    def before_train_epoch(self, runner): self._before_epoch(runner, mode='train')
    def _before_epoch(self, runner, mode='train'): raise AssertionError('the base class is called')
)");
  folder_.write("site/mmengine/registry.py", R"(
class Registry:
    def __init__(self): self._module_dict = {}
    def register_module(self):
        def register(cls):
            if cls.__name__ in self._module_dict: raise KeyError(cls.__name__)
            self._module_dict[cls.__name__] = cls
            return cls
        return register
    def get(self, key): return self._module_dict.get(key)
HOOKS = Registry()
)");
  CommandOptions options;
  options.environment = {{"PYTHONPATH", folder_.file("site")}};
  const auto result = train(R"(
import mmengine
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
@HOOKS.register_module()
class Real(Hook):
    def before_train(self, runner): print('mmengine is', mmengine.__file__)
)",
                            {"--set", "train_cfg.max_epochs=1"}, options);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("mmengine is " + folder_.file("site/mmengine/__init__.py")));
}

}  // namespace
}  // namespace grapnel::test
