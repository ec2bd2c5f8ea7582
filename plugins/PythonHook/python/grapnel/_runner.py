"""The runner that every method of a hook is given: MMEngine's names over the host's services."""

import json
import os

import _grapnel

from grapnel._checkpoint import Checkpoint
from grapnel._loops import DataLoader, Loop, TrainLoop
from grapnel._message_hub import MessageHub
from grapnel._model import Module
from grapnel._optimizer import OptimWrapper
from grapnel._output import make_logger

_METRICS = 2


class ConfigDict(dict):
    """A table whose keys can be read with a dot, as MMEngine's."""

    def __getattr__(self, name):
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"the config has no '{name}' here; it has {sorted(self)}") from None


class Runner(_grapnel.Run):
    """epoch, iter, batch_idx, max_epochs, max_iters, epoch_length, mode, work_dir, log_dir, rank, world_size,
    local_rank, evaluation_table and the requests (request_stop, request_validation, request_save,
    request_skip_step, veto_checkpoint) come from its base."""

    # It keeps nothing that refers back to it: it is freed as soon as the hook lets go of it.
    def __init__(self):
        self.logger = make_logger(self)
        self._cfg = None
        self._stop_training = False

    @property
    def cfg(self):
        """The resolved config; a change to it changes nothing else."""
        if self._cfg is None:
            self._cfg = json.loads(self.config_json, object_hook=ConfigDict)
        return self._cfg

    @property
    def model(self):
        modules = self._modules()
        return Module(self, 0, '', modules[0][1] if modules else 'model')

    @property
    def message_hub(self):
        return MessageHub(self)

    @property
    def optim_wrapper(self):
        return OptimWrapper(self)

    @property
    def param_groups(self):
        return self.optim_wrapper.param_groups

    @property
    def train_loop(self):
        return TrainLoop(self, 'train') if self._state()['train_epoch_length'] else None

    @property
    def val_loop(self):
        return Loop(self, 'val') if self._state()['val_epoch_length'] else None

    @property
    def test_loop(self):
        return Loop(self, 'test') if self._state()['test_epoch_length'] else None

    @property
    def train_dataloader(self):
        return DataLoader(self, 'train')

    @property
    def val_dataloader(self):
        return DataLoader(self, 'val')

    @property
    def test_dataloader(self):
        return DataLoader(self, 'test')

    @property
    def val_interval(self):
        return self._state()['val_interval']

    @property
    def should_stop(self):
        """Set it to end the training, as train_loop.stop_training; whether this hook did so."""
        return self._stop_training

    @should_stop.setter
    def should_stop(self, stop):
        if stop and not self._stop_training:
            self.request_stop(f'{self.instance_key} set stop_training')
        elif self._stop_training and not stop:
            raise ValueError('a request to stop the training cannot be taken back')
        self._stop_training = bool(stop)

    @property
    def metrics(self):
        """Of the last evaluation."""
        return self._values(_METRICS)

    @property
    def image_size(self):
        """(height, width) of training batches in pixels; can be set, in multiples of 32."""
        return self._image_size()

    @image_size.setter
    def image_size(self, size):
        height, width = size
        self._set_image_size(height, width)

    @property
    def is_resumed(self):
        return self._state()['is_resumed']

    @property
    def accumulative_counts(self):
        return self._state()['accumulative_counts']

    @property
    def seed(self):
        return self._state()['seed']

    @property
    def distributed(self):
        return self.world_size > 1

    @property
    def timestamp(self):
        return os.path.basename(self.log_dir.rstrip('/'))

    @property
    def last_checkpoint(self):
        """Path of the last file that this run wrote or resumed from, '' if there is none."""
        return self._last_checkpoint()

    def _checkpoint(self):
        return Checkpoint(self)

    def __getattr__(self, name):
        known = sorted(key for key in {*dir(type(self)), *vars(self)} if not key.startswith('_'))
        raise AttributeError(f"Grapnel's runner has no '{name}'; it has {', '.join(known)}")
