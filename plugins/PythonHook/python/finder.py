"""Makes the plugin's own Python modules importable: `grapnel` always, and a stand-in for what hooks import
from `mmengine` when no mmengine is installed. Run once, with SOURCES: name -> (source, is_package)."""

import importlib.abc
import importlib.util
import sys


class EmbeddedModules(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    def __init__(self, package, sources):
        self.package = package
        self.sources = {
            name: source
            for name, source in sources.items()
            if name == package or name.startswith(package + '.')
        }

    def find_spec(self, fullname, path=None, target=None):
        package = sys.modules.get(self.package)
        is_own = fullname == self.package or getattr(package, '__loader__', None) is self
        if not is_own:
            return None  # a real package of that name keeps its modules to itself
        if fullname not in self.sources:
            if fullname.startswith(self.package + '.'):
                raise ModuleNotFoundError(
                    f'{fullname}: no {self.package} is installed, and Grapnel has in its place only '
                    f'{", ".join(sorted(self.sources))}', name=fullname)
            return None
        spec = importlib.util.spec_from_loader(fullname, self, is_package=self.is_package(fullname))
        spec.origin = '<grapnel>/' + fullname.replace('.', '/') + '.py'
        return spec

    def is_package(self, fullname):
        return self.sources[fullname][1]

    def get_source(self, fullname):
        return self.sources[fullname][0]

    def exec_module(self, module):
        name = module.__spec__.name
        exec(compile(self.get_source(name), module.__spec__.origin, 'exec'), module.__dict__)


sys.meta_path.insert(0, EmbeddedModules('grapnel', SOURCES))
# Last: asked only when nobody else has an mmengine.
sys.meta_path.append(EmbeddedModules('mmengine', SOURCES))
