"""MMEngine's MessageHub over the host's: scalars with their history, and values under a key."""

from grapnel._text_values import from_text, to_text

_CURRENT, _MEAN, _MIN, _MAX = range(4)


class HistoryBuffer:
    """The history of one scalar; a window counts the last updates, None takes all that are kept."""

    def __init__(self, run, key):
        self._run = run
        self._key = key

    def current(self):
        return self._run._scalar(self._key, _CURRENT, 0)

    def mean(self, window_size=None):
        return self._run._scalar(self._key, _MEAN, window_size or 0)

    def min(self, window_size=None):
        return self._run._scalar(self._key, _MIN, window_size or 0)

    def max(self, window_size=None):
        return self._run._scalar(self._key, _MAX, window_size or 0)

    def update(self, log_val, count=1):
        MessageHub(self._run).update_scalar(self._key, log_val, count)

    def __len__(self):
        """Updates that it ever got."""
        return self._run._update_count(self._key)


class MessageHub:
    def __init__(self, run):
        self._run = run

    def update_scalar(self, key, value, count=1, resumed=None):
        """Appends to the history of `key`. A weight other than 1 is refused: the host keeps none."""
        if count != 1:
            raise ValueError(f"update_scalar('{key}'): count is {count}, but Grapnel keeps no weights")
        self._run._update_scalar(key, float(value))

    def update_scalars(self, log_dict, resumed=None):
        """Numbers, or tables {'value': ..., 'count': 1} as MMEngine takes them."""
        for key, value in log_dict.items():
            if isinstance(value, dict):
                self.update_scalar(key, value['value'], value.get('count', 1))
            else:
                self.update_scalar(key, value)

    def get_scalar(self, key):
        if self._run._update_count(key) == 0:
            raise KeyError(f"no scalar '{key}' in the message hub; it has {self._run._scalar_keys()}")
        return HistoryBuffer(self._run, key)

    @property
    def log_scalars(self):
        return {key: HistoryBuffer(self._run, key) for key in self._run._scalar_keys()}

    def update_info(self, key, value, resumed=None):
        """Plain data under a key, for all hooks of the run; saved in checkpoints."""
        self._run._set_text(key, to_text(value))

    def update_info_dict(self, info_dict, resumed=None):
        for key, value in info_dict.items():
            self.update_info(key, value)

    def get_info(self, key, default=None):
        text = self._run._text(key)
        return default if text is None else from_text(text)
