"""Holding Ctrl-C back while something is half done that cannot be taken back half way: a process, a folder."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

__all__ = ["held_back"]

_HELD = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def held_back() -> Iterator[None]:
    """Ctrl-C and SIGTERM take effect when the block has ended, if the program handles them.

    Handlers are exchanged rather than signals blocked: a blocked signal is inherited by child processes, and is
    delivered to another thread of this one. Outside the main thread, where no handler ever runs, nothing is done.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[tuple[int, FrameType | None]] = []
    before: dict[int, Any] = {}
    try:
        for number in _HELD:
            handler = signal.getsignal(number)
            if callable(handler):
                before[number] = handler
                signal.signal(number, lambda n, frame: came.append((n, frame)))
        yield
    finally:
        for number in reversed(before):  # SIGINT last: from then on the program may be interrupted
            signal.signal(number, before[number])
        for first, frame in came[:1]:
            before[first](first, frame)
