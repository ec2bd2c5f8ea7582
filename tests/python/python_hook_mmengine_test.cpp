// PythonHook: hooks that were written for MMEngine run as they are, with its helpers' meaning.
#include "python_hook_fixture.hpp"

namespace grapnel::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class PythonHookMMEngine : public PythonHookTest {};

TEST_F(PythonHookMMEngine, HelpersHaveMMEnginesMeaning) {
  ASSERT_TRUE(load(R"(
from mmengine.hooks import Hook
class Asking(Hook):
    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        runner.message_hub.update_info('answers', [
            self.every_n_epochs(runner, 2), self.every_n_epochs(runner, 2, 1),
            self.every_n_inner_iters(batch_idx, 5),
            self.every_n_train_iters(runner, 3), self.every_n_train_iters(runner, 0),
            self.end_of_epoch(runner.train_dataloader, batch_idx), self.is_last_train_epoch(runner),
            self.is_last_train_iter(runner)])
)"));
  host_.state.max_epochs = 4;
  host_.state.max_iters = 40;
  host_.state.epoch = 1;
  host_.state.iter = 14;
  host_.state.batch_idx = 4;
  ASSERT_TRUE(host_.call("after_train_iter"));
  EXPECT_EQ(info("answers"), "[true, false, true, true, false, false, false, false]");
  host_.state.epoch = 3;
  host_.state.iter = 39;
  host_.state.batch_idx = 9;
  ASSERT_TRUE(host_.call("after_train_iter"));
  EXPECT_EQ(info("answers"), "[true, false, true, false, false, true, true, true]");
}

// Written as for MMEngine, without a word of Grapnel.
TEST_F(PythonHookMMEngine, AnMMEngineHookRunsAsItIs) {
  ASSERT_TRUE(load(R"(
from typing import Optional, Sequence, Union
from mmengine.hooks import Hook
from mmengine.hooks.hook import DATA_BATCH
from mmengine.model import is_model_wrapper
from mmengine.registry import HOOKS
from mmengine.runner import Runner

@HOOKS.register_module()
class ModeSwitch(Hook):
    priority = 'NORMAL'

    def __init__(self, num_last_epochs: int = 15,
                 skip_type_keys: Sequence[str] = ('Mosaic', 'MixUp')) -> None:
        self.num_last_epochs = num_last_epochs
        self.skip_type_keys = skip_type_keys

    def before_train_epoch(self, runner: Runner) -> None:
        epoch = runner.epoch
        train_loader = runner.train_dataloader
        model = runner.model
        if is_model_wrapper(model):
            model = model.module
        if (epoch + 1) == runner.max_epochs - self.num_last_epochs:
            runner.logger.info('No mosaic and mixup aug now!')
            train_loader.dataset.update_skip_type_keys(self.skip_type_keys)
            model.head.use_l1 = True

    def after_train_iter(self, runner, batch_idx: int, data_batch: DATA_BATCH = None,
                         outputs: Optional[dict] = None) -> None:
        if self.every_n_inner_iters(batch_idx, 2):
            runner.message_hub.update_scalar('train/seen', outputs['loss'].item())
)",
                   {{"kwargs", R"({"num_last_epochs": 2})"}}));
  host_.state.max_epochs = 5;
  host_.modules = {{"", "YOLOX", false, false, {}},
                   {"head", "YOLOXHead", false, false, {ModuleAttribute::boolean("use_l1", false)}}};
  host_.datasets[GRAPNEL_MODE_TRAIN].transforms = {
      {"Mosaic", false}, {"RandomFlip", false}, {"MixUp", false}};
  host_.outputs = {{"loss", PlainTensor::scalar(2.5f)}};
  for (host_.state.epoch = 0; host_.state.epoch < 2; ++host_.state.epoch) {
    ASSERT_TRUE(host_.call("before_train_epoch"));
    EXPECT_EQ(host_.modules[1].attributes[0].integer, 0);
  }
  ASSERT_TRUE(host_.call("before_train_epoch"));
  EXPECT_EQ(host_.modules[1].attributes[0].integer, 1);
  const auto& transforms = host_.datasets[GRAPNEL_MODE_TRAIN].transforms;
  EXPECT_TRUE(transforms[0].is_skipped && !transforms[1].is_skipped && transforms[2].is_skipped);
  EXPECT_THAT(host_.log_lines("No mosaic and mixup aug now!"), SizeIs(1));

  host_.state.batch_idx = 0;
  ASSERT_TRUE(host_.call("after_train_iter"));
  EXPECT_THAT(host_.scalars, IsEmpty());
  host_.state.batch_idx = 1;
  ASSERT_TRUE(host_.call("after_train_iter"));
  EXPECT_THAT(host_.scalars["train/seen"], ElementsAre(2.5));
}

TEST_F(PythonHookMMEngine, MethodsForAllLoopsAreCalledInEachLoop) {
  ASSERT_TRUE(load(R"(
from grapnel import Hook
class Timer(Hook):
    def _before_epoch(self, runner, mode='train'): runner.logger.info('epoch of %s', mode)
    def _after_iter(self, runner, batch_idx, data_batch=None, outputs=None, mode='train'):
        runner.logger.info('iter of %s', mode)
)"));
  for (const char* point :
       {"before_train_epoch", "before_val_epoch", "after_test_iter", "after_train_epoch"}) {
    ASSERT_TRUE(host_.call(point));
  }
  EXPECT_EQ(host_.log_text(), "epoch of train\nepoch of val\niter of test\n");
}

TEST_F(PythonHookMMEngine, TheReadmesExampleDoesWhatItSays) {
  const std::string readme = test::read_file(GRAPNEL_SOURCE_DIR "/plugins/PythonHook/README.md");
  const size_t begin = readme.find("```python\n") + 10;
  const std::string example = readme.substr(begin, readme.find("```", begin) - begin);
  ASSERT_TRUE(load(example, {{"kwargs", R"({"limit": 50.0, "interval": 10})"}}));
  host_.parameters.push_back({"w", PlainTensor::floats({1, -3, 2}), 0, true});
  for (const auto& [iter, loss] : {std::pair{8, 60.0f}, std::pair{9, 40.0f}, std::pair{19, 60.0f}}) {
    EXPECT_THAT(host_.requests.stops, IsEmpty());
    host_.state.iter = iter;
    host_.outputs = {{"loss", PlainTensor::scalar(loss)}};
    const CallResult result = host_.call("after_train_iter");
    ASSERT_TRUE(result) << result;
  }
  EXPECT_THAT(host_.requests.stops, SizeIs(1));
  EXPECT_THAT(host_.log_lines("loss 60.0 at iteration 20", GRAPNEL_LOG_WARNING), SizeIs(1));
  EXPECT_THAT(host_.scalars["train/largest_weight"], ElementsAre(3, 3));
}

}  // namespace
}  // namespace grapnel::testing
