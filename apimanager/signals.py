"""Ctrl-C while something is being prepared ends the process, even where Python loses what Ctrl-C raises.

A KeyboardInterrupt that is raised in a destructor or a weak reference's callback is ignored there, and one in a
callback of the database driver comes out as an error of the database. So Ctrl-C is also noted, and the note looked at
before anything is started. SIGTERM needs none of this: until then it ends the process at once, as it always does.
"""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

EXIT_CODE = 128 + signal.SIGINT


def listen() -> None:
    """Note Ctrl-C from now on, unless whoever started this process has it ignored."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _note)
        sys.unraisablehook = lambda lost: (
            None if isinstance(lost.exc_value, KeyboardInterrupt) else sys.__unraisablehook__(lost)
        )


@contextmanager
def heeded() -> Iterator[None]:
    """Around the preparation: ends in KeyboardInterrupt if Ctrl-C was pressed by then, whatever came of that."""
    try:
        yield
    finally:
        if _state.noted:
            raise KeyboardInterrupt


def pass_on(stop: Callable[[], None]) -> None:
    """Call `stop` on Ctrl-C from now on. Raises KeyboardInterrupt if it came too early for that."""
    _state.stop = stop
    if _state.noted:
        raise KeyboardInterrupt


def leave() -> None:
    """Put Ctrl-C back to what Python does, for servers that take it over only from there."""
    if signal.getsignal(signal.SIGINT) is _note:
        signal.signal(signal.SIGINT, signal.default_int_handler)


class _State:
    noted = False
    stop: Callable[[], None] | None = None


_state = _State()


def _note(number: int, frame: FrameType | None) -> None:
    if _state.stop:
        _state.stop()
        return
    _state.noted = True
    raise KeyboardInterrupt
