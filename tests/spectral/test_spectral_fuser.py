"""The SpectralFuser: one path for all methods and networks, by windows, in the units of the bands."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from numpy.typing import NDArray

import imfuse
from imfuse.classical.spectral.cards import SPECTRAL_NETWORKS
from imfuse.data.cave import cave_set, read_cave
from imfuse.data.wald import WaldProtocol
from imfuse.errors import ImfuseError, OutputError, SizeMismatchError, SourceError, UsageError
from imfuse.networks.protocol import FusionNetwork
from imfuse.ops.colour import linear_to_srgb
from imfuse.registry import build_network
from imfuse.spectral import plan as plan_module
from imfuse.spectral.fuser import SpectralFuser
from imfuse.tasks import TASKS
from imfuse.tiles import tiles
from imfuse.train.export import save_model
from spectral_pairs import lively_csc_mmfn, pair, tensor

TASK = TASKS["spectral"]
METHODS = sorted(SPECTRAL_NETWORKS)
NETWORKS = [*METHODS, "csc_mmfn"]


def network(name: str, **arguments: Any) -> FusionNetwork:
    if name == "csc_mmfn":
        return lively_csc_mmfn(**arguments)
    numbers = {"endmembers": 4, "rounds": 1, "first_updates": 5, "updates": 2} if name == "cnmf" else {}
    return build_network(name, numbers)


def fuser(name: str, **arguments: Any) -> SpectralFuser:
    return SpectralFuser(network(name, **arguments), TASK, name)


def counts(array: NDArray[np.float32], peak: int = 4000, dtype: Any = np.uint16) -> NDArray[Any]:
    return np.rint(array * peak).astype(dtype)


@pytest.fixture
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows of 4 × 4 pixels of the bands."""
    monkeypatch.setattr(plan_module, "pair_windows", lambda height, width, *_: list(tiles(height, width, 4)))


# Equality with the network
@pytest.mark.parametrize("name", NETWORKS)
def test_tensors_are_sharpened_as_the_network_does(name: str) -> None:
    low, guide = map(tensor, pair())
    model = fuser(name)
    fused = model.fuse([low, guide]).image
    expected = model.network.fuse([low, guide])
    assert fused.shape == expected.shape
    torch.testing.assert_close(fused, expected, atol=2e-6, rtol=0)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize(("height", "width", "scale"), [(9, 11, 4), (5, 13, 3), (1, 17, 2)])
def test_tiled_equals_whole(name: str, height: int, width: int, scale: int, request: pytest.FixtureRequest) -> None:
    sources = pair(height, width, scale, seed=height)
    model = fuser(name, **({"scale": scale} if name == "csc_mmfn" else {}))
    whole = model.fuse(sources, depth="float")
    assert whole.report.tiles == 1
    request.getfixturevalue("small_windows")
    tiled = model.fuse(sources, depth="float")
    assert tiled.report.tiles == -(-height // 4) * -(-width // 4)
    assert np.isfinite(whole.image).all()
    np.testing.assert_allclose(tiled.image, whole.image, atol=2e-5, rtol=0)


@pytest.mark.parametrize("name", NETWORKS)
def test_tiled_equals_whole_where_values_are_missing(name: str, small_windows: None) -> None:
    if name == "cnmf":
        pytest.skip("its window is always the whole picture")
    low, guide = pair(21, 23)
    low[3:9, 2:14, 1:] = np.nan
    low[15:, 15:] = np.nan
    guide[:30, 60:] = np.nan
    model = fuser(name)
    tiled = model.fuse([low, guide], depth="float")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan_module, "pair_windows", lambda height, width, *_: list(tiles(height, width, 99)))
        whole = model.fuse([low, guide], depth="float")
    np.testing.assert_array_equal(np.isnan(tiled.image), np.isnan(whole.image))
    np.testing.assert_allclose(tiled.image, whole.image, atol=2e-5, rtol=0)


# Units and types
@pytest.mark.parametrize("name", ["gsa", "csc_mmfn"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.int32, np.float32, np.float64])
def test_the_result_has_the_type_and_the_units_of_the_bands(name: str, dtype: Any) -> None:
    low, guide = pair()
    peak = 200 if dtype == np.uint8 else 4000
    stored = (low * peak).astype(dtype) if np.dtype(dtype).kind == "f" else counts(low, peak, dtype)
    result = fuser(name).fuse([stored, guide])
    assert result.image.dtype == dtype
    assert result.image.shape == (36, 44, 4)
    exact = fuser(name).fuse([stored, guide], depth="float").image
    assert exact.dtype == np.float32
    whole = np.dtype(dtype).kind != "f"
    limits = np.iinfo(dtype) if whole else np.finfo(np.float32)
    np.testing.assert_allclose(result.image, exact.clip(limits.min, limits.max), atol=(0.5 if whole else 0) + 1e-3)
    # Averages over blocks are those that were measured, up to what is rounded: the units are the same.
    blocks = exact.reshape(9, 4, 11, 4, 4).mean((1, 3))
    assert np.abs(blocks - stored).mean() < 0.05 * peak


@pytest.mark.parametrize("name", ["bicubic", "gsa", "glp_hs", "csc_mmfn"])
def test_levels_by_the_peak_make_the_unit_of_the_bands_irrelevant(name: str) -> None:
    low, guide = pair()
    model = fuser(name)
    once = model.fuse([low, guide]).image
    thousandfold = model.fuse([low * np.float32(1024), guide]).image
    np.testing.assert_allclose(thousandfold / 1024, once, atol=1e-5)


def test_ranges_are_told_and_reported() -> None:
    low, guide = pair()
    model = fuser("csc_mmfn")
    results = {
        asked: model.fuse([counts(low), guide], range=asked)
        for asked in (None, "full", "minmax", {"guide": "minmax"})
        if not isinstance(asked, dict)
    }
    by_role = model.fuse([counts(low), guide], range={"guide": "minmax"})
    stored = counts(low)
    told = {asked: (source := result.report.sources[0]).black + 0 * source.white for asked, result in results.items()}
    assert told == {None: 0, "full": 0, "minmax": stored.min()}
    whites = {asked: result.report.sources[0].white for asked, result in results.items()}
    assert whites == {None: stored.max(), "full": 65535, "minmax": stored.max()}
    assert by_role.report.sources[0].white == stored.max()
    assert by_role.report.sources[1].black == pytest.approx(guide.min())
    assert any("taken as 0…1" in note for note in results[None].report.notes)
    eight = model.fuse([counts(low, 200, np.uint8), counts(guide, 200, np.uint8)]).report
    assert [source.white for source in eight.sources] == [255, 255]


def test_what_is_clipped_is_told() -> None:
    low, guide = pair()
    low[3:5, 3:5] = 1
    stored = counts(low, 255, np.uint8)
    result = fuser("csc_mmfn").fuse([stored, guide])
    exact = fuser("csc_mmfn").fuse([stored, guide], depth="float")
    rounded = np.rint(exact.image)
    share = ((rounded < 0) | (rounded > 255)).mean()
    assert share > 0
    assert result.report.beyond == pytest.approx(share)
    assert f"{100 * share:.3g} % of them were beyond" in " ".join(result.report.notes)
    assert exact.report.beyond == 0
    within = fuser("bicubic").fuse([np.full((4, 4, 2), 100, np.uint8), np.full((8, 8), 100, np.uint8)])
    assert "values are rounded to uint8; none of them was beyond its range" in within.report.notes


# What is missing
@pytest.mark.parametrize("name", NETWORKS)
def test_what_stands_in_missing_pixels_does_not_matter(name: str) -> None:
    low, guide = pair(12, 13)
    gone = np.zeros((12, 13), bool)
    gone[4:7, 5:13] = True
    results = []
    for value in (np.nan, np.inf, -np.inf):
        spoiled = low.copy()
        spoiled[gone] = value
        results.append(fuser(name).fuse([spoiled, guide]).image)
    for other in results[1:]:
        np.testing.assert_array_equal(other, results[0])
    expected = gone.repeat(4, 0).repeat(4, 1)
    np.testing.assert_array_equal(np.isnan(results[0]), np.broadcast_to(expected[..., None], results[0].shape))


@pytest.mark.parametrize("name", ["bicubic", "gsa", "glp_hs", "sfim", "brovey", "csc_mmfn"])
def test_a_hole_does_not_bleed(name: str) -> None:
    """Around a hole in a flat part of the scene nothing changes."""
    low, guide = pair(24, 25)
    low[6:20, 6:20], guide[24:80, 24:80] = low[10, 10], guide[40, 40]
    spoiled, spoiled_guide = low.copy(), guide.copy()
    spoiled[11:14, 11:15] = np.nan
    spoiled_guide[44:50, 40:52] = np.nan
    model = fuser(name)
    whole = model.fuse([low, guide]).image
    holed = model.fuse([spoiled, spoiled_guide]).image
    there = np.isfinite(holed)
    assert 0 < (~there).sum() < 0.05 * there.size
    # The regressions lose some pixels of the flat part, which changes them a little everywhere.
    np.testing.assert_allclose(holed[there], whole[there], atol=5e-3 if model.network.surveyed else 1e-5)


def test_the_survey_leaves_out_what_is_missing() -> None:
    """Half of a scene without data is as good as that half cut off."""
    low, guide = pair(10, 20)
    half, half_guide = low[:, :10], guide[:, :40]
    spoiled = low.copy()
    spoiled[:, 10:] = np.nan
    for name in ("gsa", "glp_hs"):
        cut = fuser(name).fuse([half, half_guide], range="full").image
        masked = fuser(name).fuse([spoiled, guide], range="full").image
        # Away from the cut, where the one is reflected and the other filled.
        np.testing.assert_allclose(masked[:, :28], cut[:, :28], atol=1e-5)


def test_a_missing_band_is_missed_alone_and_a_missing_guide_by_all() -> None:
    low, guide = pair()
    low[2, 3, 1] = np.nan
    guide[20, 21, 0] = np.nan
    gone = np.isnan(fuser("glp_hs").fuse([low, guide]).image)
    expected = np.zeros_like(gone)
    expected[8:12, 12:16, 1] = True
    expected[20, 21] = True
    np.testing.assert_array_equal(gone, expected)


def test_integers_without_a_nodata_value_get_zero_and_no_value_is_mistaken_for_it() -> None:
    low, guide = pair()
    stored = counts(low, 3)  # many results round to 0
    guide[:8, :8] = np.nan
    result = fuser("bicubic").fuse([stored, guide])
    assert result.description.nodata == 0
    gone = np.zeros(result.image.shape, bool)
    gone[:8, :8] = True
    np.testing.assert_array_equal(result.image == 0, gone)
    notes = " ".join(result.report.notes)
    assert "names no nodata value; in the result it is 0" in notes
    exact = fuser("bicubic").fuse([stored, guide], depth="float").image
    assert f"{int((np.rint(exact[~gone]) <= 0).sum())} values that came out as the nodata value" in notes


def test_a_scene_without_any_value_is_refused() -> None:
    low, guide = pair()
    with pytest.raises(SourceError, match="the bands: holds no values"):
        fuser("gsa").fuse([np.full_like(low, np.nan), guide])


# The guide's encoding
def test_an_8_bit_rgb_guide_is_decoded_and_a_deeper_one_is_not() -> None:
    low, guide = pair()
    eight, sixteen = counts(guide, 255, np.uint8), counts(guide, 60000)
    model = fuser("glp_hs")
    for given, auto, other in ((eight, "srgb", "linear"), (sixteen, "linear", "srgb")):
        result = model.fuse([low, given])
        np.testing.assert_array_equal(result.image, model.fuse([low, given], guide_encoding=auto).image)
        assert np.abs(result.image - model.fuse([low, given], guide_encoding=other).image).max() > 1e-3
        assert any(f"--guide-encoding {other}" in note for note in result.report.notes)
    with pytest.raises(UsageError, match="unknown encoding"):
        model.fuse([low, eight], guide_encoding="gamma")  # type: ignore[arg-type]


@pytest.mark.parametrize("transfer", ["srgb", "linear"])
@pytest.mark.parametrize("learned", [True, False])
def test_a_trained_model_gets_the_guide_under_the_curve_that_it_has_learned(learned: bool, transfer: str) -> None:
    low, light = pair()
    light /= light.max()  # so that all guides have the same levels
    pictures = linear_to_srgb(tensor(light))[0].permute(1, 2, 0).numpy()
    model = fuser("csc_mmfn", guide_curved=learned, guide_transfer=transfer)
    # In memory floats of RGB are taken for what was learned.
    expected = model.fuse([low, pictures if learned else light])
    same, other = ("srgb", "linear") if learned else ("linear", "srgb")
    for values, encoding in ((pictures, "srgb"), (light, "linear")):
        result = model.fuse([low, values], guide_encoding=encoding)
        np.testing.assert_allclose(result.image, expected.image, atol=2e-5, rtol=0)
        told = [note for note in result.report.notes if f"--guide-encoding {same} takes it" in note]
        assert len(told) == (encoding == other)
    assert np.abs(model.fuse([low, light if learned else pictures]).image - expected.image).max() > 1e-2
    # Whole numbers are known for what they are: 8 bits for pictures, more for light.
    for stored in (counts(pictures, 255, np.uint8), counts(light, 60000)):
        np.testing.assert_allclose(model.fuse([low, stored]).image, expected.image, atol=0.1, rtol=0)
        assert np.abs(model.fuse([low, stored]).image - expected.image).mean() < 2e-3


def test_a_trained_model_takes_a_guide_that_is_not_rgb_as_it_is_stored() -> None:
    low, guide = pair(channels=1)
    with pytest.raises(UsageError, match="guide of 1 channels as it is stored"):
        fuser("csc_mmfn", channels=1).fuse([low, guide], guide_encoding="linear")


def test_deep_pictures_are_under_the_curve_and_deep_arrays_are_not(tmp_path: Path) -> None:
    low, guide = pair()
    stored = counts(guide, 60000)
    imagecodecs = pytest.importorskip("imagecodecs")
    (tmp_path / "guide.png").write_bytes(imagecodecs.png_encode(stored))
    model = fuser("glp_hs")
    np.testing.assert_array_equal(
        model.fuse([low, tmp_path / "guide.png"]).image, model.fuse([low, stored], guide_encoding="srgb").image
    )


# Layouts
def test_layouts_come_back_as_they_came() -> None:
    low, guide = pair(bands=1, channels=1)
    model = fuser("gsa")
    flat = model.fuse([low[..., 0], guide[..., 0]]).image
    assert flat.shape == (36, 44)
    np.testing.assert_array_equal(model.fuse([low, guide]).image[..., 0], flat)
    single = model.fuse([tensor(low)[0], tensor(guide)[0]]).image
    assert single.shape == (1, 36, 44)
    batch = [torch.cat([tensor(one), 0.5 * tensor(one)]) for one in (low, guide)]
    both = model.fuse(batch).image
    assert both.shape == (2, 1, 36, 44)
    for index in range(2):
        assert torch.equal(both[index], model.fuse([one[index] for one in batch]).image)


# Files
@pytest.mark.parametrize("ending", [".npy", ".tif"])
@pytest.mark.parametrize("name", ["gsa", "csc_mmfn"])
def test_from_file_to_file_it_is_the_same(name: str, ending: str, tmp_path: Path, small_windows: None) -> None:
    low, guide = pair()
    model = fuser(name)
    sources = [tmp_path / f"low{ending}", tmp_path / f"guide{ending}"]
    for path, values in zip(sources, (counts(low), counts(guide, 60000)), strict=True):
        dataclasses.replace(model.fuse([low, guide]), image=values).save(path)
    fractions: list[float] = []
    report = model.fuse_file(sources, tmp_path / "sharp.npy", progress=fractions.append)
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    assert report.tiles == 9
    expected = model.fuse([counts(low), counts(guide, 60000)])
    np.testing.assert_array_equal(np.load(tmp_path / "sharp.npy"), expected.image)
    with pytest.raises(OutputError, match="exists"):
        model.fuse_file(sources, tmp_path / "sharp.npy")
    with pytest.raises(UsageError, match="is one of the sources"):
        model.fuse_file(sources, sources[0], overwrite=True)
    model.fuse_file(sources, tmp_path / "sharp.npy", overwrite=True)


def test_nothing_is_left_of_a_result_that_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, values in zip(("low", "guide"), pair(), strict=True):
        np.save(tmp_path / f"{name}.npy", values)
    model = fuser("sfim")

    def fail(*_: Any) -> None:
        raise SourceError("damaged")

    monkeypatch.setattr(model.network, "sharpen", fail)
    with pytest.raises(SourceError):
        model.fuse_file([tmp_path / "low.npy", tmp_path / "guide.npy"], tmp_path / "sharp.npy")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["guide.npy", "low.npy"]


# What is refused
def test_pairs_that_do_not_fit() -> None:
    low, guide = pair()
    model = fuser("gsa")
    with pytest.raises(ImfuseError, match="nothing to sharpen"):
        model.fuse([low, guide[:9, :11]])
    with pytest.raises(SizeMismatchError):
        model.fuse([low, guide[:, :-1]])
    with pytest.raises(UsageError, match="takes 2 sources"):
        model.fuse([low])
    with pytest.raises(UsageError, match="panchromatic guide"):
        model.fuse([low, np.dstack([guide, guide])])


def test_options_of_pictures_are_refused() -> None:
    sources, model = pair(), fuser("gsa")
    for options in ({"align": True}, {"resize_to": "first"}, {"stretch": True}, {"shares": "winner"}):
        with pytest.raises(UsageError, match="of no use for bands"):
            model.fuse(sources, **options)
    for options, words in (
        ({"range": "percentile"}, "choose full or minmax"),
        ({"range": {"visible": "full"}}, "none of bands, guide"),
        ({"depth": 16}, "float is the only other one"),
        ({"memory": "much"}, "is not an amount"),
    ):
        with pytest.raises(UsageError, match=words):
            model.fuse(sources, **options)  # type: ignore[arg-type]


def test_memory_bounds_the_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    sources, model = pair(60, 60, 2), fuser("gsa")
    assert model.fuse(sources, memory="400k").report.tiles > 9
    with pytest.raises(UsageError, match="too little for gsa here: give at least 1MiB"):
        model.fuse(sources, memory="10k")
    with pytest.raises(UsageError, match="the whole scene at once"):
        fuser("cnmf").fuse(sources, memory="400k")


# The public surface
def test_load_and_fuse_know_the_task() -> None:
    low, guide = pair()
    assert isinstance(imfuse.load("gsa"), SpectralFuser)
    assert isinstance(imfuse.load("sfim", task="spectral"), SpectralFuser)
    result = imfuse.fuse([low, guide], task="spectral")
    assert result.report.model == "glp-hs"
    assert "no trained model is for 4 bands, a guide of 3 channels, scale 4" in result.report.notes[0]
    named = imfuse.fuse([low, guide], task="spectral", model="glp-hs")
    np.testing.assert_array_equal(result.image, named.image)
    assert "no trained model" not in " ".join(named.report.notes)
    with pytest.raises(UsageError, match="serves infrared"):
        imfuse.fuse([low, guide], task="spectral", model="auif")


def test_a_trained_model_is_loaded_from_its_card_and_fits_its_pairs_alone(tmp_path: Path) -> None:
    model = lively_csc_mmfn()
    path = tmp_path / "mine.safetensors"
    arguments = {"bands": 4, "guide_channels": 3, "scale": 4, "units": 2, "filters": 5}
    words = {"paper": "p", "data": {}, "recipe": {}, "selection": "s", "figures": {}}
    save_model(model, path, network="csc_mmfn", arguments=arguments, tasks=("spectral",), **words)
    low, guide = pair()
    fused = imfuse.fuse([low, guide], task="spectral", model=path)
    assert fused.report.model == "mine"
    np.testing.assert_array_equal(fused.image, SpectralFuser(model, TASK).fuse([low, guide]).image)
    for name, values in (("lr", low[..., :3]), ("guide", guide)):
        np.save(tmp_path / f"{name}.npy", values)
    files = [tmp_path / "lr.npy", tmp_path / "guide.npy"]
    with pytest.raises(UsageError, match=rf"is for 4 bands.* has 3 bands.*--pair {files[0]} {files[1]}$"):
        imfuse.load(path).fuse(files)


def test_a_geotiff_comes_back_in_its_place_with_its_nodata(tmp_path: Path) -> None:
    rasterio = pytest.importorskip("rasterio")
    low, guide = pair(12, 13)
    stored, seen = counts(low), counts(guide, 60000)
    stored[3:5, 6:8] = 7
    seen[:6, :6] = 9
    for name, values, size, nodata in (("lr", stored, 40.0, 7), ("guide", seen, 10.0, 9)):
        profile = {"driver": "GTiff", "dtype": "uint16", "crs": "EPSG:32633", "nodata": nodata}
        height, width, count = values.shape
        place = rasterio.Affine(size, 0, 500_000, 0, -size, 5_000_000)
        with rasterio.open(
            tmp_path / f"{name}.tif", "w", height=height, width=width, count=count, transform=place, **profile
        ) as file:
            file.write(np.moveaxis(values, -1, 0))
            file.set_band_description(1, "first")
    report = fuser("glp_hs").fuse_file([tmp_path / "lr.tif", tmp_path / "guide.tif"], tmp_path / "sharp.tif")
    with rasterio.open(tmp_path / "sharp.tif") as file:
        made = np.moveaxis(file.read(), 0, -1)
        assert file.crs.to_epsg() == 32633
        assert tuple(file.transform)[:6] == (10, 0, 500_000, 0, -10, 5_000_000)
        assert (file.nodata, file.descriptions[0]) == (7, "first")
    gone = np.zeros((48, 52, 4), bool)
    gone[12:20, 24:32] = gone[:6, :6] = True
    np.testing.assert_array_equal(made == 7, gone)
    floats, fine = stored.astype(np.float32), seen.astype(np.float32)
    floats[3:5, 6:8], fine[:6, :6] = np.nan, np.nan
    expected = fuser("glp_hs").fuse([floats, fine], guide_encoding="linear").image
    np.testing.assert_allclose(made[~gone], expected[~gone], atol=0.51)
    assert sum("have no data" in note for note in report.notes) == 2


@pytest.mark.data
def test_a_scene_of_cave_has_the_figure_of_the_table_from_files_too(data_dir: Path, tmp_path: Path) -> None:
    """docs/reproduced/deep-csc-table4.md: 47.666 dB of GLP-HS on stuffed toys, there of bands that are not rounded."""
    scene = next(one for one in cave_set(data_dir / "spectral" / "cave").scenes if one.name == "stuffed_toys")
    cube, guide = read_cave(scene)
    low = np.rint(WaldProtocol(4).example(cube, guide).low[0].numpy() * 1023)
    tifffile.imwrite(tmp_path / "lr.tif", low.astype(np.uint16), photometric="minisblack")
    imfuse.load("glp-hs").fuse_file([tmp_path / "lr.tif", scene.sources[0]], tmp_path / "sharp.npy")  # type: ignore[attr-defined]
    sharp = np.load(tmp_path / "sharp.npy").clip(0, 1023) / 1023
    error = np.mean((sharp - np.moveaxis(cube[0].numpy(), 0, -1)) ** 2)
    assert -10 * np.log10(error) == pytest.approx(47.666, abs=0.05)
