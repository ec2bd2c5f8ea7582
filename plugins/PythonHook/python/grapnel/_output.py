"""Where Python's output goes: print() and whatever else is written to sys.stdout and sys.stderr become log
lines, and so does what a hook gives to its logger. A hook never writes to the process's own stdout."""

import io
import logging
import sys
import weakref

import _grapnel

DEBUG, INFO, WARNING, ERROR = range(4)


class LogStream(io.TextIOBase):
    """A text stream whose lines go to the log; `outside` gets what no hook wrote, if it is not None."""

    encoding = 'utf-8'
    errors = 'backslashreplace'

    def __init__(self, level, outside=None):
        self._level = level
        self._outside = outside

    def writable(self):
        return True

    def write(self, text):
        if self._outside is not None and not _grapnel.is_inside():
            return self._outside.write(text)
        _grapnel.print_text(self._level, text)
        return len(text)

    def flush(self):
        """Lines are written when they end; the rest follows at the callback's end."""
        if self._outside is not None:
            self._outside.flush()


def take_standard_output(is_own_interpreter):
    """Of an interpreter that the host runs for itself only what hooks write is taken."""
    if is_own_interpreter:
        sys.stdout = sys.__stdout__ = LogStream(INFO)
        sys.stderr = sys.__stderr__ = LogStream(WARNING)
    else:
        sys.stdout = LogStream(INFO, sys.stdout)
        sys.stderr = LogStream(WARNING, sys.stderr)


def _level_of(number):
    for least, level in ((logging.ERROR, ERROR), (logging.WARNING, WARNING), (logging.INFO, INFO)):
        if number >= least:
            return level
    return DEBUG


class LogHandler(logging.Handler):
    """Python's logging over the hook's log."""

    def __init__(self, run):
        super().__init__()
        self._run = weakref.ref(run)  # the runner owns the logger

    def emit(self, record):
        try:
            lines = self.format(record).split('\n')
        except Exception:
            self.handleError(record)
            return
        run = self._run()
        for line in lines if run is not None else ():
            run._log(_level_of(record.levelno), line)


def make_logger(run):
    """A logging.Logger of its own, not one of the tree that a host's Python may use."""
    logger = logging.Logger(run.instance_key, logging.DEBUG if run._shows_debug() else logging.INFO)
    logger.addHandler(LogHandler(run))
    return logger
