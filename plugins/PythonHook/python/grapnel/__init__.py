"""What a hook written in Python may use: the base class Hook, the class registry HOOKS, and Error, which a
refused request raises."""

from _grapnel import Error, Tensor

from grapnel._hook import Hook
from grapnel._registry import HOOKS
from grapnel._runner import Runner

__all__ = ['Error', 'HOOKS', 'Hook', 'Runner', 'Tensor']
