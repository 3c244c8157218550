"""Compiled loops are kept where they can be, and never stand in the way."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("numba")

FUSE = """
import torch
from imfuse.ops.colour import pale_
y = torch.rand(1, 1, 4, 5)
paled = pale_(torch.rand(1, 3, 4, 5) * 3 - 1, y)
assert paled.amin() > -1e-5 and paled.amax() < 1 + 1e-5
print("fused")
"""


def run(**variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **variables}
    return subprocess.run([sys.executable, "-c", FUSE], env=environment, capture_output=True, text=True, check=False)


def test_a_cache_that_cannot_be_written_to_is_done_without() -> None:
    done = run(NUMBA_CACHE_DIR="/proc/nowhere")
    assert done.stdout == "fused\n", done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="limits of file sizes are POSIX")
def test_a_full_disk_is_no_reason_to_fail(tmp_path: Path) -> None:
    command = ["bash", "-c", 'ulimit -f 2; exec "$0" -c "$1"', sys.executable, FUSE]
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == "fused\n", done.stderr


def test_where_numba_is_told_not_to_compile_no_loop_runs() -> None:
    done = run(NUMBA_DISABLE_JIT="1", PYTHONWARNINGS="error::RuntimeWarning")
    assert done.stdout == "fused\n", done.stderr
