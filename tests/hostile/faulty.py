"""Tasks that go wrong, each in its way: what the judge must see."""

from __future__ import annotations

import os
import signal
import time


def segfault() -> dict[str, str]:
    os.kill(os.getpid(), signal.SIGSEGV)
    return fine()


def leave() -> dict[str, str]:
    os._exit(3)


def hang() -> dict[str, str]:
    time.sleep(3600)
    return fine()


def raise_fault() -> dict[str, str]:
    raise ZeroDivisionError("division")


def swell(size: int) -> dict[str, str]:
    block = b"\1" * size
    return {"outcome": "fused", "detail": str(len(block))}


def fine() -> dict[str, str]:
    return {"outcome": "fused", "detail": "fine"}


def act(name: str, *arguments: int) -> dict[str, str]:
    """The task: one of the above by name."""
    return globals()[name](*arguments)
