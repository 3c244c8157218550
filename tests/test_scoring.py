"""Scores of files: the levels that metrics see, sizes, and mean ± deviation."""

import math
import statistics
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from imfuse.data.pairs import read_gray
from imfuse.errors import DataError, SizeMismatchError, SourceError, UsageError
from imfuse.io import save_image
from imfuse.metrics import evaluate
from imfuse.scoring import describe_metric, figure, headings, read_picture, score, spread

KEYS = ("en", "sd", "sf", "ag", "scd", "vif", "viff")


def picture(seed: int, height: int = 45, width: int = 52, channels: int = 1) -> np.ndarray:
    """Smooth noise, 8 bits."""
    noise = np.random.default_rng(seed).normal(size=(height, width, channels)).cumsum(0).cumsum(1)
    noise = (noise - noise.min()) / (noise.max() - noise.min())
    return np.rint(noise * 255).astype(np.uint8).squeeze()


def saved(folder: Path, name: str, pixels: np.ndarray) -> Path:
    save_image(folder / name, pixels)
    return folder / name


@pytest.fixture
def triple(tmp_path: Path) -> list[Path]:
    """Fused, infrared and visible picture."""
    return [saved(tmp_path, f"{seed}.png", picture(seed)) for seed in range(3)]


def test_scores_of_files_are_those_of_their_pixels(triple: list[Path]) -> None:
    tensors = [torch.from_numpy(picture(seed))[None, None] for seed in range(3)]
    expected = {key: value.item() for key, value in evaluate(tensors[0], tensors[1:], KEYS).items()}
    assert score(triple[0], triple[1:], KEYS) == expected
    assert score(tensors[0], [triple[1], tensors[2]], KEYS) == expected
    assert list(score(triple[0], triple[1:], KEYS[::-1])) == list(KEYS[::-1])


def test_sixteen_bits_are_eight_bits_times_257(triple: list[Path], tmp_path: Path) -> None:
    deep = [saved(tmp_path, f"deep{n}.png", picture(n).astype(np.uint16) * 257) for n in range(3)]
    assert read_picture(deep[0]).dtype == torch.float64
    assert torch.equal(read_picture(deep[0]) * 255, read_picture(triple[0]).double())
    assert score(deep[0], deep[1:], KEYS) == score(triple[0], triple[1:], KEYS)


def test_a_dark_deep_picture_is_not_stretched(tmp_path: Path) -> None:
    dark = saved(tmp_path, "dark.tif", np.full((8, 8), 257 * 3, np.uint16))
    assert torch.equal(read_picture(dark) * 255, torch.full((1, 1, 8, 8), 3.0, dtype=torch.float64))


def test_colour_counts_as_its_unrounded_luma_and_alpha_not_at_all(tmp_path: Path) -> None:
    colour = picture(4, channels=3)
    luma = colour @ np.array([0.299, 0.587, 0.114])
    path = saved(tmp_path, "colour.png", colour)
    assert score(path, [], ["sd"])["sd"] == pytest.approx(luma.std(), rel=1e-12)
    clear = np.dstack([colour, np.zeros(colour.shape[:2], np.uint8)])
    Image.fromarray(clear).save(tmp_path / "clear.png")
    assert torch.equal(read_picture(tmp_path / "clear.png"), read_picture(path))
    assert np.abs(read_gray(path) - luma).max() <= 0.5 + 1e-9


def test_pictures_are_taken_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees
    Image.fromarray(picture(5)).save(tmp_path / "turned.png", exif=exif)
    expected = torch.from_numpy(np.rot90(picture(5), -1).copy())[None, None]
    assert torch.equal(read_picture(tmp_path / "turned.png"), expected)


def test_float_files_are_taken_as_they_are_and_refused_outside_their_range(tmp_path: Path) -> None:
    unit = (picture(6) / 255).astype(np.float32)
    path = saved(tmp_path, "unit.tif", unit)
    assert torch.equal(read_picture(path)[0, 0], torch.from_numpy(unit).double())
    with pytest.raises(SourceError, match=r"over\.tif: values from .* scale it"):
        read_picture(saved(tmp_path, "over.tif", unit * np.float32(1.5)))


def test_different_sizes_are_told_with_names_and_sizes(triple: list[Path], tmp_path: Path) -> None:
    small = saved(tmp_path, "small.png", picture(1, height=44))
    for arguments in ((triple[0], [triple[1], small]), (small, triple[1:])):
        with pytest.raises(SizeMismatchError) as raised:
            score(*arguments, ["en"])
        for words in ("small.png", "52×44", "52×45"):
            assert words in str(raised.value)
    with pytest.raises(SizeMismatchError, match="the truth"):
        score(triple[0], [], ["en"], truth=torch.zeros(1, 1, 3, 3))


def test_metrics_that_are_unknown_or_lack_pictures_are_refused(triple: list[Path], tmp_path: Path) -> None:
    for keys, sources, words in (
        (["en", "beauty"], 2, "unknown metric beauty; known are en, mi"),
        (["en", "en"], 2, "named twice"),
        (["vif"], 0, "vif needs the sources"),
        (["scd"], 1, "scd needs exactly two sources, but 1 is given"),
        (["psnr"], 2, "psnr needs the true picture"),
    ):
        with pytest.raises(UsageError, match=words):
            score(triple[0], triple[1 : 1 + sources], keys)
    bands = saved(tmp_path, "bands.tif", np.zeros((45, 52, 5), np.uint8))
    with pytest.raises(DataError, match=r"bands\.tif: has 5 bands"):
        score(bands, [], ["en"])


def test_the_truth_is_compared_with_the_fused_picture(triple: list[Path]) -> None:
    error = picture(0).astype(float) - picture(1)
    expected = 10 * math.log10(255**2 / np.mean(error**2))
    assert score(triple[0], [], ["psnr"], truth=triple[1])["psnr"] == pytest.approx(expected, rel=1e-9)


def test_mean_and_deviation_are_those_of_a_sample() -> None:
    values = [1.5, -2.0, 1e6, 3.25]
    found = spread(values)
    assert found.count == 4
    assert found.mean == pytest.approx(statistics.mean(values), rel=1e-15)
    assert found.deviation == pytest.approx(statistics.stdev(values), rel=1e-15)
    assert math.isnan(spread([2.0]).deviation)
    assert spread([2.0]).mean == 2.0
    assert math.isnan(spread([]).mean)
    assert (spread([1.0, math.inf]).mean, math.isnan(spread([1.0, math.inf]).deviation)) == (math.inf, True)


def test_figures_keep_three_digits_of_small_values_and_headings_tell_the_direction() -> None:
    assert [figure(value) for value in (6.88512, 0.0, 0.6241, 0.00012345, -3.0, math.inf)] == [
        "6.885", "0.000", "0.624", "0.000123", "-3.000", "inf",
    ]  # fmt: skip
    assert headings(["en", "rmse"]) == ["EN ↑", "RMSE ↓"]
    assert headings(["psnr", "psnr"]) == ["PSNR (psnr) ↑"] * 2
    assert {"variant", "definition", "source", "unit"} <= describe_metric("en").keys()
