"""Lets a worker process try cases, one at a time, and says of each how it ended, even if the worker did not live."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

GOOD = frozenset({"fused", "refused"})
SECONDS = 10.0
BYTES = 1 << 30
_START_SECONDS = 120
_TESTS = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Verdict:
    """How a case ended.

    Attributes:
        outcome: ``fused`` or ``refused``, or a fault: ``crash``, ``hang``, ``memory``, or what the task found.
        detail: in words.
        seconds: that it took.
        peak: bytes by which resident memory grew at most.
    """

    outcome: str
    detail: str = ""
    seconds: float = 0.0
    peak: int = 0

    @property
    def good(self) -> bool:
        return self.outcome in GOOD


def environment() -> dict[str, str]:
    """For a process that imports this checkout, from whatever folder, and computes on one thread."""
    folders = [str(_TESTS), str(_TESTS.parent / "src"), os.environ.get("PYTHONPATH", "")]
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    return {**os.environ, **threads, "PYTHONPATH": os.pathsep.join(filter(None, folders))}


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder for cases that any user may enter; in memory where it can be, since thousands of files are written."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


class Judge:
    """A worker, started again after each death; use it as a context manager.

    Args:
        task: ``module:function`` whose function gives a mapping with ``outcome`` and ``detail``.
        seconds: after which a case is a hang.
        bound: bytes of growth from which a case is a memory fault.
    """

    def __init__(self, task: str = "hostile.trial:tried", seconds: float = SECONDS, bound: int = BYTES) -> None:
        self.task, self.seconds, self.bound = task, seconds, bound
        self.deaths = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the judge

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        self._words.close()

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "hostile.worker", self.task, str(self.seconds - 0.3)]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._words, env=environment()
        )
        self._process = process
        if self._line(process, _START_SECONDS) != b"ready\n":
            raise RuntimeError(f"the worker did not start: {self._last_words()}")
        return process

    def _end(self) -> int:
        """End the worker if it lives; its exit status."""
        process, self._process = self._process, None
        if process is None:
            return 0
        if process.poll() is None:
            process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()
        return process.returncode

    @staticmethod
    def _line(process: subprocess.Popen[bytes], seconds: float) -> bytes | None:
        """A line of the worker; empty if it died, None if there is none in time."""
        assert process.stdout is not None
        line, until = b"", time.monotonic() + seconds
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([process.stdout], [], [], max(until - time.monotonic(), 0))
            if not ready:
                return None
            part = os.read(process.stdout.fileno(), 1 << 16)
            if not part:
                return b""
            line += part
        return line

    def _last_words(self) -> str:
        self._words.seek(0)
        words = self._words.read()[-3000:]
        self._words.seek(0)
        self._words.truncate()
        return words.decode(errors="replace")

    def verdict(self, *arguments: Any) -> Verdict:
        """How the task ends with these arguments."""
        process = self._process or self._start()
        assert process.stdin is not None
        begun = time.monotonic()
        process.stdin.write(json.dumps(arguments).encode() + b"\n")
        process.stdin.flush()
        line = self._line(process, self.seconds)
        took = time.monotonic() - begun
        if not line:
            status = self._end()
            self.deaths += 1
            if line is None:
                return Verdict("hang", f"no end within {self.seconds:g} s\n{self._last_words()}", took)
            cause = signal.Signals(-status).name if status < 0 else f"exit status {status}"
            return Verdict("crash", f"the process died: {cause}\n{self._last_words()}", took)
        found = Verdict(**json.loads(line))
        if found.peak > self.bound:
            return Verdict("memory", f"{found.peak >> 20} MiB more, {found.outcome}: {found.detail}", took, found.peak)
        return found
