from typing import Optional, Union

from grapnel import Hook

DATA_BATCH = Optional[Union[dict, tuple, list]]
