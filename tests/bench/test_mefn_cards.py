"""``benchmarks/mefn_cards.py``: figures of a benchmark's rows in the cards of the models that they are of."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from mefn_cards import KEYS, MODES, SCENES, main

from imfuse import registry
from imfuse.bench.rows import Row, to_csv
from imfuse.registry import ModelCard, read_card, write_card

NAMES = ("csc-mefn", "csc-mefn-no-halo")


def card_of(name: str) -> ModelCard:
    """A card as a training leaves it."""
    validation = {"data": "tci24", "scores": {"mef-ssim-lum": 0.96}}
    words = {"paper": "", "licence": "", "commit": "0123", "selection": "the only run"}
    settings = {"arguments": {}, "data": {}, "recipe": {}, "tasks": ("exposure",), "parameters": 882}
    return ModelCard(
        name=name,
        network="csc_mefn",
        **words,
        **settings,
        figures={"validation": validation},
        sha256=hashlib.sha256(name.encode()).hexdigest(),
    )


def rows_of(name: str) -> Iterator[Row]:
    """Figures that tell their set, scene, mode and metric from one another."""
    draw = np.random.default_rng(len(name))
    for data_set, count in SCENES.items():
        for suffix in MODES.values():
            for scene in range(count):
                values = dict(zip(KEYS, draw.random(len(KEYS)).tolist(), strict=True))
                yield Row(data_set, "exposure", name + suffix, "learned", f"{data_set}-{scene}", values)


@pytest.fixture
def rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Row]:
    """Two built-in models, and a benchmark of them in a folder."""
    (tmp_path / "weights").mkdir()
    monkeypatch.setattr(registry, "WEIGHTS_FOLDER", tmp_path / "weights")
    for name in NAMES:
        write_card(card_of(name), tmp_path / "weights" / f"{name}.json")
    made = [row for name in NAMES for row in rows_of(name)]
    lines = [
        f"| {name}{suffix} | learned | 882 | 1 | `{card_of(name).sha256}` | |"
        for name in NAMES
        for suffix in MODES.values()
    ]
    (tmp_path / "summary.md").write_text("\n".join(lines))
    store(tmp_path, made)
    return made


def store(folder: Path, rows: list[Row]) -> None:
    (folder / "results.csv").write_text(to_csv(rows, KEYS))


def cards(folder: Path) -> list[ModelCard]:
    return [read_card(folder / "weights" / f"{name}.json") for name in NAMES]


def test_means_and_scenes_of_every_mode_are_stored_beside_what_the_training_left(
    tmp_path: Path, rows: list[Row]
) -> None:
    main([str(tmp_path)])
    for card in cards(tmp_path):
        validation = card.figures["validation"]
        assert validation["scores"] == {"mef-ssim-lum": 0.96}
        scenes = validation["results"]["mef-ssim-lum of the scenes"]
        stored = {"hdrps44": card.figures["test"]["sets"]["hdrps44"], "tci24": validation["results"]["scores"]}
        for data_set, modes in stored.items():
            assert modes.keys() == MODES.keys()
            for mode, means in modes.items():
                own = [row for row in rows if (row.data_set, row.model) == (data_set, card.name + MODES[mode])]
                assert means == pytest.approx({key: np.mean([row.values[key] for row in own]) for key in KEYS})
                if data_set == "tci24":
                    assert {name: values[mode] for name, values in scenes.items()} == {
                        row.scene: row.values["mef-ssim-lum"] for row in own
                    }
    first = (tmp_path / "weights/csc-mefn.json").read_bytes()
    main([str(tmp_path)])
    assert (tmp_path / "weights/csc-mefn.json").read_bytes() == first


def test_parts_of_the_scenes_failures_and_other_weights_are_refused(tmp_path: Path, rows: list[Row]) -> None:
    before = cards(tmp_path)
    store(tmp_path, rows[:-1])
    with pytest.raises(SystemExit, match="23 of 24 scenes"):
        main([str(tmp_path)])
    store(tmp_path, [*rows[:-1], replace(rows[-1], values={}, error="no memory")])
    with pytest.raises(SystemExit, match=r"tci24-23 \(no memory\)"):
        main([str(tmp_path)])
    store(tmp_path, rows)
    path = tmp_path / "weights/csc-mefn-no-halo.json"
    other = replace(read_card(path), sha256="f" * 64)
    write_card(other, path)
    with pytest.raises(SystemExit, match="not of these weights"):
        main([str(tmp_path)])
    assert cards(tmp_path) == [before[0], other]
