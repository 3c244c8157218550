"""A small training set from the built-in scenes, and trainings without pictures of their curves."""

from pathlib import Path

import pytest

from imfuse.data.samples import infrared_pair
from imfuse.io import save_image


@pytest.fixture(autouse=True)
def curves_are_not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """To draw them takes four times as long as a short training; of every recipe one training in a fixture draws."""
    monkeypatch.setattr("imfuse.train.curves.draw_curves", lambda rows, path: path.write_bytes(b""))


@pytest.fixture(scope="session")
def pairs_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of three pairs, 64×72."""
    folder = tmp_path_factory.mktemp("pairs")
    for kind in ("ir", "vis"):
        (folder / kind).mkdir()
    for seed in range(3):
        pair = infrared_pair("street", 64, 72, seed)
        save_image(folder / "ir" / f"{seed}.png", pair.infrared)
        save_image(folder / "vis" / f"{seed}.png", pair.visible)
    return folder
