"""Two pictures and where the result goes: what every place is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hostile.damage import Rng, pick
from hostile.seeds import Seed, seeds


@dataclass(frozen=True)
class Scene:
    """Two sources, an output, and whether they must be fused (True), refused (False) or either (None)."""

    first: Path
    second: Path
    output: Path
    fused: bool | None


Place = Callable[[Rng, Path], Iterator[Scene]]


def _plain_seed(rng: Rng, kind: str) -> Seed:
    """A valid file with gray or RGB pixels of the usual size."""
    fit = [s for s in seeds()[kind] if s.pixels is not None and s.orientation == 1 and s.pixels.shape[2] < 5]
    return pick(rng, fit)


def two_files(rng: Rng, folder: Path, first: str = "first.png", second: str = "second.png") -> tuple[Path, Path]:
    """Two valid pictures under the given names, of any format, whatever the names say."""
    paths = folder / first, folder / second
    for path in paths:
        path.write_bytes(_plain_seed(rng, pick(rng, ("PNG", "TIFF", "WebP", "BMP"))).data)
    return paths
