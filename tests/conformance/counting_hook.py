# What PythonHook runs when its own conformance is checked: a hook that changes the run and remembers nothing.
from mmengine.hooks import Hook


class CountingHook(Hook):
    def __init__(self, stop_after=4):
        self.stop_after = stop_after
        self.seen = 0

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.seen += 1
        runner.message_hub.update_scalar('train/seen', self.seen)
        if self.seen == self.stop_after:
            runner.train_loop.stop_training = True
