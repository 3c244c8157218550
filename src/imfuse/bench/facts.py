"""What figures depend on beside the pictures: versions, processor, threads."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Collection
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from imfuse import __version__

_PACKAGES = ("torch", "numpy", "opencv-python-headless", "pillow", "imagecodecs")


def versions() -> dict[str, str]:
    """Versions of imfuse, Python and the packages that pixels and metrics depend on, by name."""
    found = {"imfuse": __version__, "Python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def machine(device: str, threads: Collection[int]) -> dict[str, str]:
    """Processor, threads and system, in words by name.

    Args:
        device: where the models run.
        threads: of PyTorch with which pictures were made, perhaps by earlier runs.
    """
    import cv2
    import torch

    used = " or ".join(map(str, sorted(threads))) or str(torch.get_num_threads())
    found = {
        "processor": f"{_processor()}, {os.cpu_count()} logical cores",
        "threads": f"PyTorch {used}, OpenCV {cv2.getNumThreads()}",
        "system": f"{platform.system()} {platform.machine()}",
        "device": device,
    }
    if device.startswith("cuda") and torch.cuda.is_available():
        found["device"] += f" ({torch.cuda.get_device_name(device)})"
    return found


def _processor() -> str:
    try:
        told = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        told = ""
    found = re.search(r"^model name\s*:\s*(.+)$", told, re.MULTILINE)
    return found.group(1).strip() if found else platform.processor() or "unknown processor"
