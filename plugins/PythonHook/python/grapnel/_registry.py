"""The registry HOOKS with MMEngine's decorator. A Grapnel config names the file and the class, so nothing has
to be registered; classes that are, can be named by their registered name."""


class Registry:
    def __init__(self, name):
        self.name = name
        self.module_dict = {}

    def register_module(self, name=None, force=False, module=None):
        """@HOOKS.register_module(), with a name or names, or called with the class itself."""
        if isinstance(name, type):
            raise TypeError('write @HOOKS.register_module() with its parentheses')

        def register(cls):
            names = [cls.__name__] if name is None else [name] if isinstance(name, str) else list(name)
            for key in names:
                self.module_dict[key] = cls
            return cls

        return register if module is None else register(module)

    def get(self, key):
        return self.module_dict.get(key)

    def build(self, cfg):
        """An object of the class cfg['type'] (a name or a class) with cfg's other items as arguments."""
        kwargs = dict(cfg)
        kind = kwargs.pop('type')
        cls = self.get(kind) if isinstance(kind, str) else kind
        if cls is None:
            raise KeyError(f'{kind} is not in the registry {self.name}: {sorted(self.module_dict)}')
        return cls(**kwargs)

    def forget(self, module_name):
        """Drops the classes of a module that is no longer loaded."""
        for key in [key for key, cls in self.module_dict.items() if cls.__module__ == module_name]:
            del self.module_dict[key]

    def __contains__(self, key):
        return key in self.module_dict

    def __len__(self):
        return len(self.module_dict)


HOOKS = Registry('hook')
