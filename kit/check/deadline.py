"""A time limit for what a learner wrote: a loop that never ends is ended, and the kernel stays.

Taught in: every notebook
"""

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class OutOfTime(BaseException):
    """What is raised inside a call that takes too long; no `except Exception` holds it up."""


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Raise OutOfTime in the body once so many seconds have gone by, and again each second until it ends.

    The body is stopped between two of its own steps, never inside a call to compiled code.

    Args:
        seconds: of the clock on the wall.
    """
    thread, ended = ctypes.c_ulong(threading.get_ident()), threading.Event()
    raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc

    def watch() -> None:
        wait = seconds
        while not ended.wait(wait):
            raise_in(thread, ctypes.py_object(OutOfTime))
            wait = 1.0

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
        raise_in(thread, None)  # what was raised in the very last moment no longer matters
