"""Values that travel as text: the message hub's texts and a checkpoint's meta are texts to the host."""

import json


def plain(value):
    """JSON's `default`: numpy's scalars and arrays, and tensors, as numbers and lists."""
    if hasattr(value, 'tolist'):
        return value.tolist()
    raise TypeError(f'{type(value).__name__} is no plain data (numbers, texts, lists, tables)')


def to_text(value):
    """A text stays as it is unless it would be read back as something else; all other values become JSON."""
    if isinstance(value, str):
        return value if from_text(value) == value else json.dumps(value)
    return json.dumps(value, default=plain)


def from_text(text):
    try:
        return json.loads(text)
    except ValueError:
        return text
