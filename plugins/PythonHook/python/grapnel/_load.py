"""From a file and a class name to a hook that is ready to be called: loads the file, finds the class, makes
the object, checks its methods against the points, and keeps its state."""

import difflib
import gc
import inspect
import json
import os
import sys
import types
import weakref

from _grapnel import POINTS

from grapnel._describe import Refused
from grapnel._hook import SHARED_METHODS, Hook
from grapnel._registry import HOOKS
from grapnel._text_values import plain

_POINT_NAMES = [name for name, _ in POINTS]
_PRIORITIES = {'NORMAL', 50}


# ---- files --------------------------------------------------------------------------------------------

class LoadedFile:
    """A file's module. Instances of the same file share it, as imports of one module do; when the last of
    them is gone the module is too, and the next run loads the file anew."""

    _in_use = {}  # by path and source: a file that was changed meanwhile is another one

    def __init__(self, path, source):
        self.path = path
        self.source = source
        self.users = 0
        self.module = None

    @classmethod
    def use(cls, path):
        try:
            with open(path, 'rb') as file:
                source = file.read()
        except OSError as error:
            raise Refused(f"option 'file': {path} cannot be read: {error.strerror} (a relative path is taken "
                          f'from the current folder, {os.getcwd()})') from None
        loaded = cls._in_use.get((path, source))
        if loaded is None:
            loaded = cls(path, source)
            loaded._run()
            cls._in_use[path, source] = loaded
        loaded.users += 1
        return loaded

    def leave(self):
        self.users -= 1
        if self.users == 0:
            del self._in_use[self.path, self.source]
            self._forget()

    def _run(self):
        folder = os.path.dirname(self.path)
        if folder not in sys.path:
            sys.path.append(folder)  # last: a file beside the hook must not replace a module of Python's
        code = compile(self.source, self.path, 'exec', dont_inherit=True)
        self.module = types.ModuleType(self._free_name())
        self.module.__file__ = self.path
        sys.modules[self.module.__name__] = self.module
        try:
            exec(code, self.module.__dict__)
        except BaseException:
            self._forget()
            raise

    def _free_name(self):
        # The prefix keeps a file called numpy.py from passing for numpy.
        stem = 'hook_file_' + os.path.splitext(os.path.basename(self.path))[0]
        name, number = stem, 2
        while name in sys.modules:
            name, number = f'{stem}_{number}', number + 1
        return name

    def _forget(self):
        name = self.module.__name__
        sys.modules.pop(name, None)
        HOOKS.forget(name)
        # A real MMEngine refuses to register a class of the same name again.
        registry = getattr(sys.modules.get('mmengine.registry'), 'HOOKS', None)
        if registry is not None and registry is not HOOKS:
            classes = getattr(registry, '_module_dict', {})
            for key in [key for key, cls in classes.items() if getattr(cls, '__module__', '') == name]:
                del classes[key]
        self.module = None


# ---- the class ----------------------------------------------------------------------------------------

def base_classes():
    """Classes whose methods do nothing: overriding starts below them."""
    real = getattr(sys.modules.get('mmengine.hooks'), 'Hook', Hook)
    return {object, Hook, real}


def _is_overridden(hook, name):
    if name in vars(hook):
        return True
    for cls in type(hook).__mro__:
        if name in vars(cls):
            return cls not in base_classes()
    return False


def has_point(hook, name):
    """Whether the point has to be called: its method, or the one that stands for it in all loops, is the
    class's own."""
    if not hasattr(hook, name):
        return False
    return _is_overridden(hook, name) or any(
        name in points and _is_overridden(hook, method) for method, points in SHARED_METHODS.items())


def _defines_points(cls):
    return issubclass(cls, tuple(base_classes() - {object})) or any(
        name in vars(base) for base in cls.__mro__ if base is not object for name in _POINT_NAMES)


def find_class(module, path, wanted):
    own = {name: value for name, value in vars(module).items()
           if isinstance(value, type) and value.__module__ == module.__name__ and _defines_points(value)}
    if wanted is None:
        if len(own) == 1:
            return next(iter(own.values()))
        if own:
            raise Refused(f"option 'hook' is missing: {path} defines {len(own)} hook classes "
                          f"({', '.join(own)}); name the one to run")
        raise Refused(f'{path} defines no hook class, expected a class with methods such as after_train_iter')
    registries = (HOOKS, getattr(sys.modules.get('mmengine.registry'), 'HOOKS', HOOKS))
    found = vars(module).get(wanted)
    for registry in registries:
        if found is None:
            found = registry.get(wanted)
    if isinstance(found, type):
        return found
    near = difflib.get_close_matches(wanted, own, n=1)
    hint = f", did you mean '{near[0]}'?" if near else f" (it defines: {', '.join(own) or 'no hook class'})"
    raise Refused(f"option 'hook': {path} has no class '{wanted}'{hint}")


def make_hook(cls, kwargs_json):
    kwargs = json.loads(kwargs_json)
    if not isinstance(kwargs, dict):
        raise Refused(f"option 'kwargs' is {kwargs!r}, expected a table of {cls.__name__}'s arguments")
    if 'type' in kwargs:
        raise Refused("option 'kwargs' has a 'type': the class is named by the option 'hook'")
    try:
        inspect.signature(cls).bind(**kwargs)
    except TypeError as error:
        raise Refused(f"option 'kwargs' does not fit {cls.__name__}{inspect.signature(cls)}: "
                      f'{error}') from None
    except ValueError:
        pass  # a class without a signature of its own: the call itself will tell
    return cls(**kwargs)


# ---- methods ------------------------------------------------------------------------------------------

def check_signature(method, name, keywords):
    call = ', '.join(['runner', *(f'{keyword}=...' for keyword in keywords)])
    if not callable(method):
        raise Refused(f'{name} is {method!r}, expected a method')
    try:
        inspect.signature(method).bind(None, **dict.fromkeys(keywords))
    except TypeError as error:
        label = getattr(method, '__qualname__', name)
        raise Refused(f'{label}{inspect.signature(method)} cannot be called as {name}({call}): '
                      f'{error}') from None
    except ValueError:
        pass


def warn_of_misspelt_methods(hook, logger):
    """A method that nobody will call is otherwise silent."""
    known = {*_POINT_NAMES, *SHARED_METHODS, 'state_dict', 'load_state_dict', 'get_triggered_stages'}
    for cls in type(hook).__mro__:
        if cls in base_classes():
            continue
        for name, value in vars(cls).items():
            if name in known or not callable(value) or hasattr(Hook, name):
                continue
            looks_like_a_point = name.startswith(('before_', 'after_'))
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.6 if looks_like_a_point else 0.85)
            if near:
                logger.warning("%s.%s is never called: there is no such point, did you mean '%s'?",
                               cls.__name__, name, near[0])
            elif looks_like_a_point:
                logger.warning('%s.%s is never called: there is no such point', cls.__name__, name)


def warn_of_priority(hook, path, runner):
    """The config decides the order; a priority in the class would silently count for nothing."""
    priority = getattr(hook, 'priority', 'NORMAL')
    if priority in _PRIORITIES:
        return
    tables = [table for table in runner.cfg.get('custom_hooks', ()) if table.get('type') == 'PythonHook']
    mine = [table for table in tables if os.path.realpath(table.get('file', '')) == path]
    if not any('priority' in table for table in mine):
        runner.logger.warning('the priority %r of the class %s is not used: write priority = %s in its table '
                              'of the config', priority, type(hook).__name__, json.dumps(priority))


def weak(thing):
    """A weak reference; to what takes none, one that always seems alive."""
    try:
        return weakref.ref(thing)
    except TypeError:
        return lambda: True


# ---- the loaded hook ----------------------------------------------------------------------------------

class Loaded:
    """What the plugin keeps: the hook, its methods in the points' order (None: the class has none), and the
    way to its state."""

    def __init__(self, runner, loaded_file, hook):
        self.path = loaded_file.path
        self._file = loaded_file
        self._hook = hook
        self._keeps_state = hasattr(hook, 'state_dict') or hasattr(hook, 'load_state_dict')
        for method in ('state_dict', 'load_state_dict'):
            if self._keeps_state and not callable(getattr(hook, method, None)):
                raise Refused(f'{type(hook).__name__} keeps a state but has no method {method}')
        methods = []
        for name, keywords in POINTS:
            method = getattr(hook, name) if has_point(hook, name) else None
            if method is not None:
                check_signature(method, name, keywords)
            methods.append(method)
        self.methods = tuple(methods)
        warn_of_misspelt_methods(hook, runner.logger)
        warn_of_priority(hook, loaded_file.path, runner)
        if not any(self.methods):
            runner.logger.warning('%s has no method that is ever called', type(hook).__name__)

    def save(self):
        """'' for a class that keeps no state."""
        if not self._keeps_state:
            return ''
        state = self._hook.state_dict()
        return json.dumps({'class': type(self._hook).__name__, 'state': state}, default=plain)

    def load(self, text):
        name = type(self._hook).__name__
        if not text:
            return  # saved by a class that keeps none
        saved = json.loads(text)
        if saved['class'] != name:
            raise Refused(f"the saved state is that of the class {saved['class']}, not of {name}")
        if not self._keeps_state:
            raise Refused(f'the checkpoint has a state of {name}, which has no load_state_dict')
        self._hook.load_state_dict(saved['state'])

    def release(self):
        """Frees what the hook holds now, not at some later time: open files, threads' queues."""
        left = [weak(self._hook)]
        if self._file.users == 1 and type(self._hook).__module__ == self._file.module.__name__:
            left.append(weak(type(self._hook)))
        self.methods = ()
        self._hook = None
        self._file.leave()
        self._file = None
        gc.collect(1)  # a young hook needs no more
        if any(reference() is not None for reference in left):
            gc.collect()


def load(runner, file, wanted, kwargs_json):
    loaded_file = LoadedFile.use(os.path.realpath(file))
    try:
        cls = find_class(loaded_file.module, loaded_file.path, wanted)
        return Loaded(runner, loaded_file, make_hook(cls, kwargs_json))
    except BaseException:
        loaded_file.leave()
        raise
