"""The model as hooks see it: named tensors, and modules with the attributes that the task offers."""

_PARAMETERS, _BUFFERS = 0, 1


class Module:
    """A module of the tree, the model itself at its root. Child modules, own parameters and buffers, and
    attributes (`head.use_l1 = True`) are read with a dot."""

    __slots__ = ('_run', '_index', '_name', '_type')

    def __init__(self, run, index, name, type_name):
        for slot, value in zip(Module.__slots__, (run, index, name, type_name)):
            object.__setattr__(self, slot, value)

    def _tensors(self, kind):
        """The module's tensors with their names below it."""
        prefix = self._name + '.' if self._name else ''
        for tensor in self._run._entries(kind):
            if tensor.name.startswith(prefix):
                yield tensor.name[len(prefix):], tensor

    def named_parameters(self):
        return self._tensors(_PARAMETERS)

    def parameters(self):
        return (tensor for _, tensor in self._tensors(_PARAMETERS))

    def named_buffers(self):
        return self._tensors(_BUFFERS)

    def buffers(self):
        return (tensor for _, tensor in self._tensors(_BUFFERS))

    def state_dict(self):
        """Names to the tensors themselves: copy what you keep."""
        return {**dict(self.named_parameters()), **dict(self.named_buffers())}

    def named_modules(self):
        prefix = self._name + '.' if self._name else ''
        for index, (name, type_name, _, _) in enumerate(self._run._modules()):
            if name == self._name or name.startswith(prefix):
                yield name[len(prefix):], Module(self._run, index, name, type_name)

    def modules(self):
        return (module for _, module in self.named_modules())

    def set_epoch(self, epoch, max_epochs=None):
        """Tells every module that cares which epoch begins."""
        self._run._set_model_epoch(epoch, self._run.max_epochs if max_epochs is None else max_epochs)

    def __getattr__(self, name):
        attributes = self._run._attributes(self._index)
        if name in attributes:
            return attributes[name]
        for below, module in self.named_modules():
            if below == name:
                return module
        for kind in (_PARAMETERS, _BUFFERS):
            for below, tensor in self._tensors(kind):
                if below == name:
                    return tensor
        raise AttributeError(f"{self!r} has no '{name}'; its attributes are {sorted(attributes)}")

    def __setattr__(self, name, value):
        self._run._set_attribute(self._index, name, value)

    def __repr__(self):
        return f'<{self._type} {self._name!r}>' if self._name else f'<{self._type}>'
