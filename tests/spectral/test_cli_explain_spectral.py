"""imfuse explain for bands, from files to pictures."""

import math
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch

import imfuse
from imfuse.cli import main
from imfuse.errors import SizeMismatchError, UsageError
from imfuse.io.window import Window
from imfuse.ops.resampling import upsample_bicubic
from imfuse.spectral.fuser import SpectralFuser
from imfuse.spectral.show.looks import Looks
from spectral_pairs import pair, tensor, truth

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """``imfuse explain`` in a folder with a pair and its truth: exit status and standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "400")
    low, guide = pair()
    np.save("lr.npy", np.rint(low * 4000).astype(np.uint16))
    np.save("guide.npy", np.rint(guide * 255).astype(np.uint8))
    np.save("truth.npy", np.rint(truth(36, 44) * 4000).astype(np.uint16))

    def call(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["imfuse", "explain", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), capsys.readouterr().err

    return call


def spectral(model: str = "glp-hs") -> SpectralFuser:
    fuser = imfuse.load(model, task="spectral")
    assert isinstance(fuser, SpectralFuser)
    return fuser


def test_the_command_writes_the_sheet_and_all_that_was_asked_for(run: Run, tmp_path: Path) -> None:
    words = ("lr.npy", "guide.npy", "--task", "spectral", "--truth", "truth.npy", "--band", "3", "--pixel", "20,10")
    status, told = run(*words, "-o", "parts", "--values", "--composite", "4,2,1")
    assert status == 0, told
    names = Looks((3,), ((20, 10),)).names(truth=True)
    assert {path.name for path in (tmp_path / "parts").iterdir()} == {
        "sheet.png",
        *(f"{name}{ending}" for name in names for ending in (".png", ".tif")),
    }
    assert "bands 4, 2, 1 as red, green, blue" in told
    fused = imfuse.fuse(["lr.npy", "guide.npy"], task="spectral", model="glp-hs", depth="float").image
    high = float(np.load("lr.npy").max())
    error = np.abs(fused[..., 2] - np.load("truth.npy")[..., 2]) / high
    np.testing.assert_allclose(tifffile.imread("parts/band3_fused_error.tif"), error, atol=1e-6)
    spectra = tifffile.imread("parts/spectrum_20_10.tif")
    np.testing.assert_allclose(spectra[0], fused[10, 20], rtol=1e-5)
    np.testing.assert_allclose(spectra[2], np.load("truth.npy")[10, 20], rtol=1e-5)
    assert "--overwrite" in run(*words, "-o", "parts")[1]


def test_mistakes_end_in_one_line_before_anything_is_written(run: Run, tmp_path: Path) -> None:
    here = ("lr.npy", "guide.npy", "--task", "spectral")
    np.save("small.npy", np.load("truth.npy")[:-1])
    for words, reason in [
        ((*here, "--truth", "gone.npy"), "no such file"),
        ((*here, "--truth", "small.npy"), "4 bands of 35×44 pixels, and the result 4 of 36×44"),
        ((*here, "--band", "5"), "the bands are 1 to 4"),
        ((*here, "--pixel", "44,0"), "no pixel 44,0"),
        ((*here, "--pixel", "4"), "column and row"),
        ((*here, "--composite", "1,2"), "three bands"),
        ((*here, "--gain", "0"), "positive"),
        (("lr.npy", "guide.npy", "--band", "1"), "--band is for --task spectral"),
    ]:
        status, told = run(*words, "-o", "parts")
        assert (status, told.count("\n")) == (2, 1), told
        assert reason in told
        assert not (tmp_path / "parts").exists()


@pytest.mark.parametrize("model", ["bicubic", "gsa"])
def test_the_parts_are_those_of_the_fused_bands_whatever_the_windows(model: str) -> None:
    low, guide = pair(24, 30)
    true = truth(96, 120).astype(np.float32)
    looks = Looks((2,), ((119, 0),))
    given = [tensor(low)[0], tensor(guide)[0]]
    seen = spectral(model).explain(given, truth=tensor(true)[0], looks=looks)
    fused = spectral(model).fuse(given, depth="float").image
    np.testing.assert_allclose(seen["band2_fused"], fused[1], atol=1e-6)
    np.testing.assert_allclose(seen["band2_bicubic"], upsample_bicubic(tensor(low), 4)[0, 1], atol=1e-6)
    error = float((torch.as_tensor(fused) - tensor(true)[0]).double().square().mean())
    assert seen.figures["fused"]["psnr"] == pytest.approx(-10 * math.log10(error), abs=1e-4)
    least = spectral(model).explain(given, truth=tensor(true)[0], looks=looks, memory="3MiB")
    for name in seen:
        np.testing.assert_allclose(least[name], seen[name], atol=2e-5, err_msg=name)


def test_what_is_missing_is_missing_in_the_pictures() -> None:
    low, guide = pair()
    low[2, 3, :] = np.nan
    seen = spectral().explain([low, guide], truth=truth(36, 44), looks=Looks((1,)))
    hole = Window(8, 12, 4, 4).slices
    for name in ("fused", "bicubic", "band1_fused", "fused_error", "band1_detail"):
        assert np.isnan(seen[name][hole]).all(), name
        assert np.isnan(seen[name]).sum() == seen[name][hole].size, name


def test_what_does_not_fit_is_refused() -> None:
    low, guide = pair()
    with pytest.raises(SizeMismatchError, match="the truth: has 3 bands"):
        spectral().explain([low, guide], truth=truth(36, 44, 3))
    with pytest.raises(UsageError, match="one by one"):
        spectral().explain([tensor(low).repeat(2, 1, 1, 1), tensor(guide).repeat(2, 1, 1, 1)])
