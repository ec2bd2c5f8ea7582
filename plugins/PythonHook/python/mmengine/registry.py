from grapnel import HOOKS
