"""Runs of the command line that begin within a millisecond, to be killed: a process that has imported everything forks.

It reads requests from standard input, one JSON object a line, and answers each with one:

- ``argv``: the arguments of the command line;
- ``delay``: seconds after which the run's process group is killed with SIGKILL, or null to let it end;
- ``watched``: a folder, or null; the delay then begins when a new part file appears in it.

The answer tells whether it was ``killed``, its exit ``status`` else, and the ``seconds`` that it ran.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True)
class Ended:
    """How a run ended."""

    killed: bool
    status: int
    seconds: float


class ForkServer:
    """The other side of this file: a context manager whose ``run`` runs the command line."""

    def __init__(self) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def run(self, *argv: object, delay: float | None = None, watched: Path | None = None) -> Ended:
        """Run ``imfuse ARGV``, kill it after ``delay`` seconds if it has not ended by then."""
        assert self.process.stdin is not None and self.process.stdout is not None
        request = {"argv": [str(part) for part in argv], "delay": delay, "watched": watched and str(watched)}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return Ended(**json.loads(self.process.stdout.readline()))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(timeout=10)


def child(argv: list[str]) -> None:
    """The run itself; does not return."""
    from imfuse.cli import main

    status = 99
    try:
        os.setpgid(0, 0)
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        sys.argv = ["imfuse", *argv]
        main()
    except SystemExit as end:
        status = int(end.code or 0)
    finally:
        os._exit(status)


def parts(folder: Path) -> set[str]:
    """Names of the part files in a folder."""
    return {path.name for path in folder.glob(".*.imfuse-part")}


def ended(pid: int) -> bool:
    """Whether the child has ended; it can still be waited for."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def serve(request: dict[str, Any]) -> dict[str, Any]:
    """Fork, kill, wait."""
    watched = Path(request["watched"]) if request["watched"] else None
    before = parts(watched) if watched else set()
    started = time.perf_counter()
    pid = os.fork()
    if pid == 0:
        child(request["argv"])
    with contextlib.suppress(PermissionError):  # it may have done so itself
        os.setpgid(pid, pid)
    if request["delay"] is not None:
        while watched and not ended(pid) and not parts(watched) - before:
            time.sleep(0.0005)
        time.sleep(request["delay"])
        os.killpg(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    killed = os.WIFSIGNALED(status)
    seconds = time.perf_counter() - started
    return {"killed": killed, "status": 0 if killed else os.waitstatus_to_exitcode(status), "seconds": seconds}


def main() -> None:
    """Import what a run needs, without computing anything: a fork must not inherit threads at work."""
    import cv2  # noqa: F401
    import imagecodecs  # noqa: F401
    import PIL.Image  # noqa: F401
    import tifffile  # noqa: F401

    import imfuse.cli
    import imfuse.commands.fuse
    import imfuse.fuser
    import imfuse.networks.auif  # noqa: F401

    for line in sys.stdin:
        print(json.dumps(serve(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
