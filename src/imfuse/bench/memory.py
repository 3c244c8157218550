"""Peak memory of one piece of work, measured in this very process."""

from __future__ import annotations

import contextlib
import ctypes
import re
from pathlib import Path
from types import TracebackType
from typing import Self

_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_RESET_PEAK = "5"
_MIB = 1024.0 * 1024.0


class PeakMemory:
    """What the work within this context takes at its peak beyond what was taken before.

    On the CPU it is the resident memory of the whole process, by Linux's own account (``VmHWM``, set back before the
    work, minus ``VmRSS``). Memory that the C library holds in reserve from earlier work would hide what this one
    takes, so it is given back before. On a CUDA device it is PyTorch's account of that device's memory.

    Attributes:
        mib: the peak in MiB, after the work; None where it cannot be measured.
    """

    def __init__(self, device: str = "cpu") -> None:
        self.mib: float | None = None
        self._device = device
        self._before: float | None = None

    def __enter__(self) -> Self:
        if self._device.startswith("cuda"):
            import torch

            torch.cuda.reset_peak_memory_stats(self._device)
            self._before = torch.cuda.memory_allocated(self._device) / _MIB
            return self
        _give_back()
        with contextlib.suppress(OSError):
            _RESET.write_text(_RESET_PEAK, encoding="ascii")
            self._before = _status("VmRSS")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if self._before is None or kind is not None:
            return
        if self._device.startswith("cuda"):
            import torch

            self.mib = torch.cuda.max_memory_allocated(self._device) / _MIB - self._before
            return
        peak = _status("VmHWM")
        self.mib = None if peak is None else max(0.0, peak - self._before)


def _give_back() -> None:
    """Let glibc give what was freed back to the system; other C libraries do without."""
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def _status(name: str) -> float | None:
    """An entry of the process's status, kB, in MiB; None where there is none."""
    try:
        found = re.search(rf"^{name}:\s*(\d+) kB", _STATUS.read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        return None
    return int(found.group(1)) / 1024.0 if found else None
