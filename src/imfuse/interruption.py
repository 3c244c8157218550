"""Ctrl-C in two steps: the first ends a run after the pictures in work, the second at once."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from types import FrameType
from typing import Self

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""

_WORDS = "\nimfuse: stopping after the pictures in work; interrupt again to stop at once\n"


class Interruption:
    """Within this context the first Ctrl-C is only noted; a second one raises ``KeyboardInterrupt`` as ever.

    So no picture is cut off, and none that is made goes uncounted. Where Ctrl-C is ignored (a shell's background
    jobs), belongs to somebody else, or does not come at all (threads), nothing is changed.

    Attributes:
        requested: whether Ctrl-C came.
        ending: set when the work is over and only its account is left, which takes no time: no Ctrl-C cuts it off.
    """

    def __init__(self) -> None:
        self.requested = False
        self.ending = False
        self._held = False

    def __call__(self) -> bool:
        """Whether Ctrl-C came."""
        return self.requested

    def __enter__(self) -> Self:
        main = threading.current_thread() is threading.main_thread()
        if main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._note)
            self._held = True
        return self

    def __exit__(self, *_: object) -> None:
        if self._held:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        if self.ending:
            return
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
        # Straight to the descriptor: the stream may be in the middle of a write when the signal comes.
        with contextlib.suppress(OSError):
            os.write(2, _WORDS.encode())
