from grapnel import Hook
