"""A time limit for what a learner wrote: a loop that never ends is ended, and the kernel stays.

Taught in: every notebook
"""

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class OutOfTime(BaseException):
    """What is raised inside a call that takes too long; no `except Exception` holds it up."""


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Raise OutOfTime in the body once so many seconds have gone by, and again each second until it ends.

    The body is stopped between two of its own steps, never inside a call to compiled code.

    Args:
        seconds: of the clock on the wall.
    """
    thread, ended, raised = ctypes.c_ulong(threading.get_ident()), threading.Event(), threading.Event()

    def raise_there() -> None:
        raised.set()
        ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, ctypes.py_object(OutOfTime))

    def watch() -> None:
        wait = seconds
        while not ended.wait(wait):
            raise_there()
            wait = 1.0

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
        if raised.is_set():  # perhaps in the very last moment: it must arrive here, and not in what comes next
            with suppress(OutOfTime):
                raise_there()  # called off instead, Python 3.11 would never be at rest, and hang under a debugger
                while True:
                    pass
