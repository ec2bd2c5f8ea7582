"""The checkpoint that before_save_checkpoint and after_load_checkpoint are given."""

from collections.abc import MutableMapping

from grapnel._text_values import from_text, to_text


class Meta(MutableMapping):
    """The file's meta: epoch, iter, and whatever hooks put there (plain data)."""

    def __init__(self, run, info):
        self._run = run
        self._counters = {'epoch': info['epoch'], 'iter': info['iter']}
        self._set_here = {}

    def __getitem__(self, key):
        for known in (self._counters, self._set_here):
            if key in known:
                return known[key]
        text = self._run._checkpoint_text(key)
        if text is None:
            raise KeyError(key)
        return from_text(text)

    def __setitem__(self, key, value):
        if key in self._counters:
            raise KeyError(f"the checkpoint's {key} is the runner's own")
        self._run._set_checkpoint_text(key, to_text(value))
        self._set_here[key] = value

    def __delitem__(self, key):
        raise TypeError('nothing can be taken out of a checkpoint')

    def __iter__(self):
        """Of a loaded file only the counters: others have to be asked for by name."""
        return iter([*self._counters, *self._set_here])

    def __len__(self):
        return len(self._counters) + len(self._set_here)


class Checkpoint(MutableMapping):
    """'meta' and 'state_dict' (names to the model's own tensors); any other key is one of the meta's."""

    def __init__(self, run):
        info = run._checkpoint_info()
        self._run = run
        self.path = info['path']
        self.is_resume = info['is_resume']
        self.meta = Meta(run, info)

    def __getitem__(self, key):
        if key == 'meta':
            return self.meta
        if key == 'state_dict':
            return self._run.model.state_dict()
        return self.meta[key]

    def __setitem__(self, key, value):
        if key in ('meta', 'state_dict'):
            raise KeyError(f"checkpoint['{key}'] cannot be replaced; change what is in it")
        self.meta[key] = value

    def __delitem__(self, key):
        raise TypeError('nothing can be taken out of a checkpoint')

    def __iter__(self):
        return iter(['meta', 'state_dict', *self.meta._set_here])

    def __len__(self):
        return 2 + len(self.meta._set_here)
