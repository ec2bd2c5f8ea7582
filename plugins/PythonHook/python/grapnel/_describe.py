"""An exception for people: the whole traceback for the log, and one line for the run's error message."""

import traceback

_OWN_FILES = '<grapnel>'


class Refused(Exception):
    """A mistake of the config's or the file's author that the text alone explains."""


def describe(error, file):
    """(lines of the traceback, 'file:line: Type: message'); of the frames in `file` the innermost counts."""
    if isinstance(error, Refused):
        return [], str(error)
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename.startswith(_OWN_FILES):
        frames = frames.tb_next
    lines = ''.join(traceback.format_exception(type(error), error, frames)).rstrip('\n').split('\n')

    where = ''
    if isinstance(error, SyntaxError) and error.filename:
        where = f'{error.filename}:{error.lineno}: '
    else:
        found = list(traceback.walk_tb(frames))
        own = [item for item in found if item[0].f_code.co_filename == file]
        if found:
            frame, line = (own or found)[-1]
            where = f'{frame.f_code.co_filename}:{line}: '

    # SyntaxError's str() repeats file and line.
    message = error.msg if isinstance(error, SyntaxError) else str(error)
    summary = where + type(error).__name__ + (f': {message}' if message else '')
    if isinstance(error, SystemExit):
        summary += ' (sys.exit in a hook is an error: use runner.request_stop to end the training)'
    return lines, summary
