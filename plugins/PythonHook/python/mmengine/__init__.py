"""A stand-in for the parts of MMEngine that hook files import (HOOKS, Hook, Runner's name,
is_model_wrapper); used only where no mmengine is installed."""

from mmengine.registry import HOOKS

__version__ = '0.0.0+grapnel'
