"""The optimiser's parameter groups with MMEngine's OptimWrapper around them."""

from collections.abc import MutableMapping


class ParamGroup(MutableMapping):
    """group['lr'] and so on; lr, momentum and weight_decay can be set and hold from the next step on."""

    _SETTERS = {'lr': '_set_lr', 'momentum': '_set_momentum', 'weight_decay': '_set_weight_decay'}

    def __init__(self, run, index):
        self._run = run
        self._index = index

    def __getitem__(self, key):
        return self._run._group(self._index)[key]

    def __setitem__(self, key, value):
        if key not in self._SETTERS:
            raise KeyError(f"a parameter group's '{key}' cannot be set; {sorted(self._SETTERS)} can")
        getattr(self._run, self._SETTERS[key])(self._index, float(value))

    def __delitem__(self, key):
        raise TypeError('nothing can be taken out of a parameter group')

    def __iter__(self):
        return iter(self._run._group(self._index))

    def __len__(self):
        return len(self._run._group(self._index))

    def __repr__(self):
        return repr(dict(self))


class OptimWrapper:
    def __init__(self, run):
        self._run = run

    @property
    def param_groups(self):
        return [ParamGroup(self._run, index) for index in range(self._run._group_count())]

    @property
    def optimizer(self):
        return self

    def get_lr(self):
        return {'lr': [group['lr'] for group in self.param_groups]}

    def get_momentum(self):
        return {'momentum': [group.get('momentum', 0.0) for group in self.param_groups]}

    def set_lr(self, lr):
        """The same rate for every group."""
        for group in self.param_groups:
            group['lr'] = lr
