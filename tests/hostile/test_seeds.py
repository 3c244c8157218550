"""The unharmed files read right, so that what is done to them is done to valid files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hostile.seeds import ENDINGS, Seed, seeds
from imfuse.errors import SourceError
from imfuse.io import Window, open_source

SEEDS = {seed.name: seed for kind in seeds().values() for seed in kind}


@pytest.mark.parametrize("name", SEEDS)
def test_valid_file_gives_the_pixels_that_were_written(tmp_path: Path, name: str) -> None:
    seed: Seed = SEEDS[name]
    path = tmp_path / f"a.{ENDINGS[seed.kind]}"
    path.write_bytes(seed.data)
    try:
        source = open_source(path)
        window = Window(0, 0, source.height, source.width)
        pixels, alpha = source.read(window), source.read_alpha(window)
    except SourceError:
        assert seed.pixels is None
        return
    whole = pixels if alpha is None else np.concatenate([pixels, alpha[:, :, None]], axis=2)
    if seed.pixels is None:
        return
    assert whole.shape == seed.pixels.shape and whole.dtype == seed.pixels.dtype
    assert np.abs(whole.astype(float) - seed.pixels.astype(float)).mean() <= seed.tolerance


def test_names_are_unique() -> None:
    assert len(SEEDS) == sum(len(kind) for kind in seeds().values())
