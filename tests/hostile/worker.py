"""A process that tries one case after the other; a parent watches it.

Started as ``python -m hostile.worker MODULE:FUNCTION SECONDS``; where a case takes longer, it tells on standard error
what it is at. What the module has to ``prepare`` is done first. Then it reads lines of JSON, a list of arguments each,
calls the function and writes a line of JSON: what the function gave, seconds, and by how much memory grew at its peak.
"""

from __future__ import annotations

import ctypes
import faulthandler
import importlib
import json
import os
import resource
import sys
import time
import traceback
from pathlib import Path
from typing import Any

ADDRESS_SPACE = 4 << 30
_CLONE_NEWNS, _MS_REC_PRIVATE = 0x20000, 0x4000 | 0x40000


def _own_mounts() -> None:
    """Where this process may mount, what it mounts is seen by nobody else and ends with it."""
    if os.geteuid() == 0 and sys.platform == "linux":
        libc = ctypes.CDLL(None)
        if libc.unshare(_CLONE_NEWNS) == 0:
            libc.mount(b"none", b"/", None, _MS_REC_PRIVATE, None)


def _memory() -> tuple[int, int]:
    """Resident bytes now and at the peak."""
    values = {}
    for line in Path("/proc/self/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name in ("VmRSS", "VmHWM", "VmSize"):
            values[name] = int(value.split()[0]) * 1024
    return values["VmRSS"], values["VmHWM"]


def _forget_peak() -> None:
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:  # a peak of earlier cases stays, which can only be counted too high
        return


def _tried(function: Any, arguments: list[Any], seconds: float, words: int) -> dict[str, Any]:
    _forget_peak()
    before, _ = _memory()
    begun = time.monotonic()
    faulthandler.dump_traceback_later(seconds, file=words)
    try:
        found = function(*arguments)
    except BaseException as error:
        found = {"outcome": "exception", "detail": "".join(traceback.format_exception(error)[-12:])}
    faulthandler.cancel_dump_traceback_later()
    return {**found, "seconds": time.monotonic() - begun, "peak": max(_memory()[1] - before, 0)}


def main() -> None:
    """Serve until standard input ends."""
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    words = os.dup(2)  # a case may redirect standard error
    faulthandler.enable(words)
    _own_mounts()
    module, _, name = sys.argv[1].partition(":")
    seconds = float(sys.argv[2])
    task = importlib.import_module(module)
    function = getattr(task, name)
    getattr(task, "prepare", lambda: None)()
    size = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (size + ADDRESS_SPACE,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    print("ready", file=replies, flush=True)
    for line in sys.stdin:
        print(json.dumps(_tried(function, json.loads(line), seconds, words)), file=replies, flush=True)


if __name__ == "__main__":
    main()
