"""The runner's loops, loaders and data sets, as far as a hook may know and change them."""

_MODES = {'train': 1, 'val': 2, 'test': 3}


class Dataset:
    def __init__(self, run, mode):
        self._run = run
        self._mode = _MODES[mode]

    def _info(self, key):
        return self._run._dataset(self._mode)[key]

    def __len__(self):
        return self._info('size')

    @property
    def metainfo(self):
        return {'classes': tuple(self._info('classes'))}

    @property
    def ann_file(self):
        return self._info('ann_file')

    @property
    def transforms(self):
        """[('Mosaic', is_skipped), ...]"""
        return self._run._transforms(self._mode)

    def update_skip_type_keys(self, skip_type_keys):
        """Skips the transforms of these types; None skips none."""
        self._run._set_skipped_types(self._mode, skip_type_keys or ())

    def set_epoch(self, epoch):
        self._run._set_data_epoch(self._mode, epoch, self._run.max_epochs)


class DataLoader:
    """len() gives the batches of an epoch."""

    def __init__(self, run, mode):
        self._run = run
        self._mode = mode

    def __len__(self):
        return self._run._state()[f'{self._mode}_epoch_length']

    @property
    def dataset(self):
        return Dataset(self._run, self._mode)

    @property
    def batch_size(self):
        return self._run.cfg[f'{self._mode}_dataloader']['batch_size']


class Loop:
    def __init__(self, run, mode):
        self._run = run
        self._mode = mode

    @property
    def dataloader(self):
        return DataLoader(self._run, self._mode)


class TrainLoop(Loop):
    @property
    def epoch(self):
        return self._run.epoch

    @property
    def iter(self):
        return self._run.iter

    @property
    def max_epochs(self):
        return self._run.max_epochs

    @property
    def max_iters(self):
        return self._run.max_iters

    @property
    def val_interval(self):
        return self._run._state()['val_interval']

    @property
    def stop_training(self):
        """Set it to end the training; whether this hook did so."""
        return self._run.should_stop

    @stop_training.setter
    def stop_training(self, stop):
        self._run.should_stop = stop
