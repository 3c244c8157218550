"""Peaks of resident memory, each measured in a process of its own.

These fork from one that has imported PyTorch and what is measured, which takes far longer than most of the work.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from imfuse.bench.memory import PeakMemory

needs_linux = pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="needs Linux's peak of resident memory"
)


def peak_bytes(work: Callable[[], object]) -> float:
    """What work takes at its peak beyond what was there before."""
    with PeakMemory() as peak:
        work()
    assert peak.mib is not None
    return peak.mib * 2**20


def in_new_processes(function: Callable[..., Any], cases: Iterable[Sequence[object]], **environment: str) -> list[Any]:
    """What a function of a module gives for each case, with one thread, in a new process each.

    Args:
        function: takes the values of a case and gives others; both as JSON has them.
        cases: arguments.
        environment: further variables of the processes.
    """
    path = os.pathsep.join(str(Path(part).resolve()) for part in sys.path if part)
    done = subprocess.run(
        [sys.executable, __file__],
        input=json.dumps([function.__module__, function.__name__, list(cases)]),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": path, **environment},
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def main() -> None:
    """The other side of :func:`in_new_processes`: imports, without computing anything, and forks."""
    import torch

    module, name, cases = json.load(sys.stdin)
    function = getattr(import_module(module), name)
    torch.set_num_threads(1)
    for case in cases:
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                with torch.inference_mode():
                    print(json.dumps(function(*case)), flush=True)
                status = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(status)
        _, ended = os.waitpid(pid, 0)
        if ended:
            sys.exit(f"{name}{tuple(case)} failed")


if __name__ == "__main__":
    main()
