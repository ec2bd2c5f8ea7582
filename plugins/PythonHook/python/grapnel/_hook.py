"""The base class of hooks: MMEngine's methods and helpers with MMEngine's meaning, and Grapnel's own
points."""

from _grapnel import POINTS

_MODES = ('train', 'val', 'test')

# Methods of MMEngine's Hook that stand for a point in each of the three loops.
SHARED_METHODS = {
    f'_{when}_{what}': tuple(f'{when}_{mode}_{what}' for mode in _MODES)
    for when in ('before', 'after')
    for what in ('epoch', 'iter')
}


class Hook:
    """Override the points you need; those that are not overridden cost nothing."""

    priority = 'NORMAL'
    stages = tuple(name for name, _ in POINTS)

    def before_run(self, runner):
        """Before everything, also before weights are loaded."""

    def after_run(self, runner):
        """After everything."""

    def before_train(self, runner):
        """Before the training loop; weights and counters are loaded."""

    def after_train(self, runner):
        """After the training loop."""

    def before_val(self, runner):
        """Before a validation."""

    def after_val(self, runner):
        """After a validation."""

    def before_test(self, runner):
        """Before a test."""

    def after_test(self, runner):
        """After a test."""

    def before_save_checkpoint(self, runner, checkpoint):
        """Before a checkpoint is written; checkpoint['meta'] takes more values."""

    def after_load_checkpoint(self, runner, checkpoint):
        """After a checkpoint is loaded, before the counters are."""

    def after_save_checkpoint(self, runner, path):
        """Grapnel's own: the file is on disk."""

    def before_train_epoch(self, runner):
        self._before_epoch(runner, mode='train')

    def before_val_epoch(self, runner):
        self._before_epoch(runner, mode='val')

    def before_test_epoch(self, runner):
        self._before_epoch(runner, mode='test')

    def after_train_epoch(self, runner):
        self._after_epoch(runner, mode='train')

    def after_val_epoch(self, runner, metrics=None):
        self._after_epoch(runner, mode='val')

    def after_test_epoch(self, runner, metrics=None):
        self._after_epoch(runner, mode='test')

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self._before_iter(runner, batch_idx=batch_idx, data_batch=data_batch, mode='train')

    def before_val_iter(self, runner, batch_idx, data_batch=None):
        self._before_iter(runner, batch_idx=batch_idx, data_batch=data_batch, mode='val')

    def before_test_iter(self, runner, batch_idx, data_batch=None):
        self._before_iter(runner, batch_idx=batch_idx, data_batch=data_batch, mode='test')

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self._after_iter(runner, batch_idx=batch_idx, data_batch=data_batch, outputs=outputs, mode='train')

    def after_val_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self._after_iter(runner, batch_idx=batch_idx, data_batch=data_batch, outputs=outputs, mode='val')

    def after_test_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self._after_iter(runner, batch_idx=batch_idx, data_batch=data_batch, outputs=outputs, mode='test')

    def after_backward(self, runner, batch_idx, data_batch=None, outputs=None):
        """Grapnel's own: the gradients are there."""

    def before_optimizer_step(self, runner, batch_idx, data_batch=None, outputs=None):
        """Grapnel's own: the last chance to change the gradients."""

    def on_exception(self, runner, message):
        """Grapnel's own: the run ends with this error."""

    def on_interrupt(self, runner, signal):
        """Grapnel's own: the run ends because of 'SIGINT' or 'SIGTERM'."""

    def _before_epoch(self, runner, mode='train'):
        """Before an epoch of any loop."""

    def _after_epoch(self, runner, mode='train'):
        """After an epoch of any loop."""

    def _before_iter(self, runner, batch_idx, data_batch=None, mode='train'):
        """Before an iteration of any loop."""

    def _after_iter(self, runner, batch_idx, data_batch=None, outputs=None, mode='train'):
        """After an iteration of any loop."""

    def every_n_epochs(self, runner, n, start=0):
        """Whether n, 2n, ... epochs since `start` are finished with this one."""
        done = runner.epoch + 1 - start
        return done % n == 0 if done >= 0 and n > 0 else False

    def every_n_inner_iters(self, batch_idx, n):
        """The same for the batches of an epoch."""
        return (batch_idx + 1) % n == 0 if n > 0 else False

    def every_n_train_iters(self, runner, n, start=0):
        """The same for the train iterations of the whole run."""
        done = runner.iter + 1 - start
        return done % n == 0 if done >= 0 and n > 0 else False

    def end_of_epoch(self, dataloader, batch_idx):
        return batch_idx + 1 == len(dataloader)

    def is_last_train_epoch(self, runner):
        return runner.epoch + 1 == runner.max_epochs

    def is_last_train_iter(self, runner):
        return runner.iter + 1 == runner.max_iters

    def get_triggered_stages(self):
        """The points that this hook's class overrides."""
        from grapnel._load import has_point

        return [name for name, _ in POINTS if has_point(self, name)]
