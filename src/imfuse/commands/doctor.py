"""``imfuse doctor``: what there is on this machine."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from rich.console import Console
from rich.table import Table

from imfuse import __version__, list_models
from imfuse.errors import ImfuseError

CORE = (
    "torch",
    "numpy",
    "numba",
    "opencv-python-headless",
    "pillow",
    "tifffile",
    "imagecodecs",
    "safetensors",
    "typer",
    "rich",
)
EXTRAS = {
    "train": ("lightning", "matplotlib", "pytorch-optimizer"),
    "bench": ("matplotlib",),
    "detect": ("onnxruntime", "pycocotools", "pyyaml"),
    "geo": ("rasterio",),
    "medical": ("pydicom", "nibabel"),
}


def run_doctor() -> int:
    """Print versions, devices, extras and the state of the models; 1 if something that fusing needs is missing."""
    table = Table(title="imfuse doctor", title_justify="left", show_header=False)
    table.add_row("imfuse", __version__)
    table.add_row("Python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    sound = True
    for package in CORE:
        found = _version(package)
        sound = sound and found is not None
        table.add_row(package, found or "[red]missing[/red]")
    for extra, packages in EXTRAS.items():
        missing = [package for package in packages if _version(package) is None]
        words = f"not installed: pip install 'imfuse\\[{extra}]'" if missing else "installed"
        table.add_row(f"extra {extra}", words)
    if find_spec("torch") is not None:
        table.add_row("devices", _devices())
    table.add_row("processors", str(os.cpu_count()))
    sound = _add_models(table) and sound
    Console().print(table)
    return 0 if sound else 1


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        # Other builds of OpenCV bring the same module under another name.
        return "present" if package.startswith("opencv") and find_spec("cv2") else None


def _devices() -> str:
    import torch

    names = [f"cpu ({torch.get_num_threads()} threads)"]
    names += [f"cuda:{index} ({torch.cuda.get_device_name(index)})" for index in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        names.append("mps")
    return ", ".join(names)


def _add_models(table: Table) -> bool:
    from imfuse.registry import load_network

    cards = list_models()
    sound = any(card.learned for card in cards)
    if not sound:
        table.add_row("models", "[red]none: the installation lacks its weights[/red]")
    for card in cards:
        try:
            load_network(card)
            table.add_row(f"model {card.name}", "weights sound" if card.learned else "needs no weights")
        except ImfuseError as error:
            sound = False
            table.add_row(f"model {card.name}", f"[red]{error}[/red]")
    return sound
