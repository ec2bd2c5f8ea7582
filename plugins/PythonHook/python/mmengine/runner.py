from grapnel import Runner
