"""Hashes of all that a row depends on: a row whose hash is still the same is not made again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from imfuse import __version__
from imfuse.bench.plan import Cell
from imfuse.data.sets import Scene
from imfuse.registry import file_hash

DIGITS = 16
"""Of the hashes that rows and names of files show, 64 bits."""


class Fingerprints:
    """Hashes of the files of a benchmark, each file read once, and of the settings that name them."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._files: dict[Path, str] = {}

    def settings(self, cell: Cell) -> str:
        """What the fused picture depends on: sources, model or folder, weights, task, device and version.

        Raises:
            OSError: a source cannot be read.
        """
        card = cell.contender.card
        entries: dict[str, Any] = {"sources": self._sources(cell.scene), "task": cell.data_set.task}
        if card is None:
            picture = cell.contender.pictures(cell.data_set).get(cell.scene.name)
            entries["picture"] = self._file(picture) if picture else None
        else:
            model = [card.name, card.network, dict(card.arguments), card.sha256]
            entries |= {"model": model, "device": self._device, "version": __version__, **cell.contender.modes}
        return _short(entries)

    def scoring(self, cell: Cell, picture_sha256: str) -> str:
        """What the metrics depend on: the picture, the sources, the truth and the version.

        Raises:
            OSError: a source cannot be read.
        """
        truth = self._file(cell.scene.truth) if cell.scene.truth else None
        return _short(
            {
                "picture": picture_sha256,
                "sources": self._sources(cell.scene),
                "truth": truth,
                "task": cell.data_set.task,
                "version": __version__,
            }
        )

    def _sources(self, scene: Scene) -> list[str]:
        return [self._file(source) for source in scene.sources]

    def _file(self, path: Path) -> str:
        if path not in self._files:
            self._files[path] = file_hash(path)
        return self._files[path]


def _short(entries: Mapping[str, Any]) -> str:
    text = json.dumps(entries, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]
