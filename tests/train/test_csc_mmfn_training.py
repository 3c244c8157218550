import math
from csv import DictReader
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from torch import nn
from typer.testing import CliRunner

import imfuse
from cave_maker import make_cave
from imfuse.cli import app
from imfuse.data.cave import cave_set, read_cave
from imfuse.data.wald import WaldProtocol
from imfuse.errors import DataError, OutputError, SizeMismatchError, SourceError, UsageError
from imfuse.losses.bands import bands_loss
from imfuse.metrics import peak_signal_to_noise_ratio
from imfuse.networks.csc_mmfn import CSCMMFN
from imfuse.ops.resampling import area_average, upsample_bicubic
from imfuse.registry import load_network, read_card
from imfuse.train.csc_mmfn import CSCMMFNConfig, Sharpening, scene_scores, take_statistics, train_csc_mmfn
from imfuse.train.cubes import PackedScene, SceneCrops, pack
from imfuse.train.spectral_pair import read_pair
from imfuse.train.spectral_runs import read_scenes, train_on_pair, train_on_scenes

SMALL = CSCMMFNConfig(
    bands=5, epochs=3, crops=4, batch=4, crop=16, units=2, filters=6, seed=7, validation_every=2, learning_rate=1e-2
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_cave(tmp_path_factory.mktemp("spectral") / "cave", ["a", "b"])


@pytest.fixture(scope="module")
def scenes(folder: Path) -> list[PackedScene]:
    return read_scenes(folder)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, scenes: list[PackedScene]) -> tuple[CSCMMFN, Path]:
    """A training that nothing interrupted, and its folder."""
    run = tmp_path_factory.mktemp("whole")
    return train_csc_mmfn(SMALL, scenes, run, validation=scenes, progress=False), run


def test_the_defaults_are_the_papers() -> None:
    config = CSCMMFNConfig()
    assert (config.units, config.epochs, config.loss, config.degradation) == (4, 100, "mse", "area")
    stack = config.build().low_encoder
    assert all(type(unit.activation).__name__ == "SoftThreshold" for unit in stack.units())


def test_resume_continues_bit_for_bit(tmp_path: Path, scenes: list[PackedScene], whole: tuple[CSCMMFN, Path]) -> None:
    network, run = whole
    train_csc_mmfn(SMALL, scenes, tmp_path / "cut", validation=scenes, progress=False, stop_after=1)
    resumed = train_csc_mmfn(SMALL, scenes, tmp_path / "cut", validation=scenes, resume=True, progress=False)
    for name, value in network.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name
    curves = [(folder / "curves.csv").read_text() for folder in (run, tmp_path / "cut")]
    assert curves[0] == curves[1]
    rows = list(DictReader(curves[0].splitlines()))
    assert [row["validation.psnr"] == "nan" for row in rows] == [True, False, True]
    assert (run / "curves.png").stat().st_size > 1000


def test_the_rate_rises_and_falls() -> None:
    rates = [SMALL.rate(done) for done in (0, 0.05, 0.1, 0.55, 1)]
    assert rates == pytest.approx([1e-2 / 11, 1e-2 * 6 / 11, 1e-2, 5e-3, 0], abs=1e-12)


def test_normalisations_start_at_variance_one_and_are_held(tmp_path: Path, scenes: list[PackedScene]) -> None:
    network = SMALL.build()
    crops = Sharpening(network, SMALL, scenes).crops
    take_statistics(network, crops)
    examples = [crops[0, number] for number in range(32)]
    low = torch.stack([example.low for example in examples])
    seen: list[torch.Tensor] = []
    for unit in network.low_encoder.units():
        unit.norm.register_forward_hook(lambda *call: seen.append(call[2]))
    with torch.no_grad():
        network.train()
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        network(low, torch.stack([example.guide for example in examples]))
    for codes in seen:
        torch.testing.assert_close(codes.mean((0, 2, 3)), torch.zeros(6), atol=1e-4, rtol=0)
        torch.testing.assert_close(codes.var((0, 2, 3)), torch.ones(6), atol=3e-2, rtol=0)
    trained = train_csc_mmfn(SMALL, scenes, tmp_path, progress=False).state_dict()
    before = network.state_dict()
    held = [name for name in before if "running" in name]
    assert held
    assert all(torch.equal(before[name], trained[name]) for name in held)
    assert not torch.equal(before["decoder.weight"], trained["decoder.weight"])


def test_training_beats_interpolation(tmp_path: Path, folder: Path, scenes: list[PackedScene]) -> None:
    config = replace(SMALL, epochs=12, crops=24)
    network = train_csc_mmfn(config, scenes, tmp_path, progress=False)
    for scene, score in zip(cave_set(folder).scenes, scene_scores(network, config.protocol(), scenes), strict=True):
        truth, guide = read_cave(scene)
        low = area_average(truth, 4)
        with torch.no_grad():
            ours = float(peak_signal_to_noise_ratio(network.fuse([low, guide]).clamp(0, 1), truth))
        assert ours == pytest.approx(score["psnr"], abs=1e-2)
        plain = float(peak_signal_to_noise_ratio(upsample_bicubic(low, 4).clamp(0, 1), truth))
        assert ours > plain + 1


def test_the_best_seed_has_a_card_that_loads(tmp_path: Path, folder: Path, scenes: list[PackedScene]) -> None:
    config = replace(SMALL, epochs=1, guide_transfer="linear", scale=2)
    card = train_on_scenes(config, folder, tmp_path, 2, folder, progress=False)
    assert card.weights_path == tmp_path / "csc-mmfn-x2-linear.safetensors"
    scores = card.figures["validation"]["seeds"]
    assert set(scores) == {"7", "8"}
    assert scores[str(card.recipe["seed"])]["psnr"] == max(score["psnr"] for score in scores.values())
    network = load_network(read_card(tmp_path / f"{card.name}.json"))
    found = scene_scores(network, WaldProtocol(2), scenes)
    assert np.mean([score["psnr"] for score in found]) == pytest.approx(
        card.figures["validation"]["scores"]["psnr"], rel=1e-9
    )


def write_pair(folder: Path, height: int = 24, width: int = 22) -> tuple[Path, Path]:
    """Bands in 16 bits as a paged TIFF, and a guide of four times the size as an array, of floats."""
    truth, guide = read_cave(cave_set(make_cave(folder / "made", ["a"], size=(4 * height, 4 * width))).scenes[0])
    low = area_average(truth, 4)[0].mul(9000).round().numpy().astype(np.uint16)
    tifffile.imwrite(folder / "bands.tif", low, photometric="minisblack")
    np.save(folder / "guide.npy", guide[0].permute(1, 2, 0).numpy() * 7)
    return folder / "bands.tif", folder / "guide.npy"


def test_a_pair_is_trained_on_one_scale_down_and_fused(tmp_path: Path) -> None:
    low, guide = write_pair(tmp_path)
    run = tmp_path / "run"
    command = ["train", "csc-mmfn", "--pair", str(low), str(guide), "--run", str(run), "--epochs", "2", "--crops", "4"]
    done = CliRunner().invoke(app, [*command, "--filters", "4", "--units", "1", "-q"])
    assert done.exit_code == 0, done.output
    card = read_card(run / "csc-mmfn-x4.json")
    assert (card.arguments["bands"], card.arguments["scale"], card.recipe["crop"]) == (5, 4, 20)
    fused = tifffile.imread(run / "fused.tif")
    stored = tifffile.imread(low)
    assert (fused.shape, fused.dtype) == ((5, 96, 88), np.uint16)
    assert math.isfinite(card.figures["training pair, one scale down"]["scores"]["psnr"])
    # In the units of the file; the averages are those that were measured, up to the rounding of the values.
    back = fused.reshape(5, 24, 4, 22, 4).mean((2, 4))
    np.testing.assert_allclose(back, stored, atol=0.5)
    with pytest.raises(OutputError, match="exists already"):
        train_on_pair(CSCMMFNConfig(), low, guide, run)


def test_pairs_are_read_in_every_layout(tmp_path: Path) -> None:
    low, guide = write_pair(tmp_path)
    first = read_pair(low, guide)
    assert (first.scale, first.peak, first.dtype, first.curved) == (4, tifffile.imread(low).max(), np.uint16, False)
    values = tifffile.imread(low)
    np.save(tmp_path / "bands.npy", values.transpose(1, 2, 0))
    tifffile.imwrite(tmp_path / "planes.tif", values, photometric="minisblack", planarconfig="separate")
    tifffile.imwrite(tmp_path / "pixels.tif", values[:3].transpose(1, 2, 0).copy(), photometric="rgb")
    assert torch.equal(read_pair(tmp_path / "bands.npy", guide).low, first.low)
    assert torch.equal(read_pair(tmp_path / "planes.tif", guide).low, first.low)
    part = read_pair(tmp_path / "pixels.tif", guide)
    torch.testing.assert_close(part.low * part.peak, first.low[:, :3] * first.peak)
    picture = read_pair(low, tmp_path / "made" / "a.rgb.png")
    assert picture.curved
    np.save(tmp_path / "short.npy", np.ones((24, 23, 5)))
    with pytest.raises(SizeMismatchError, match="23×24 pixels and its guide 88×96"):
        read_pair(tmp_path / "short.npy", guide)
    for error, values, words in (
        (SourceError, np.full((24, 22, 5), np.nan), "no values"),
        (DataError, -np.ones((24, 22, 5)), "no value is above 0"),
    ):
        np.save(tmp_path / "wrong.npy", values)
        with pytest.raises(error, match=words):
            read_pair(tmp_path / "wrong.npy", guide)


def test_what_is_missing_is_neither_learned_nor_scored(tmp_path: Path) -> None:
    """Half of the scene is missing, as NaN: the training sees the other half, and its result is that of ``fuse``."""
    low, guide = write_pair(tmp_path, 24, 48)
    values = tifffile.imread(low).transpose(1, 2, 0).astype(np.float32)
    values[:, 24:] = np.nan
    values[2, 3, 1] = -5
    np.save(tmp_path / "half.npy", values)
    pair = read_pair(tmp_path / "half.npy", guide)
    assert pair.valid.sum() == 24 * 24
    assert pair.peak == np.nanmax(values)
    assert any("1 values below 0" in note for note in pair.notes)
    scene = pack("half", pair.low, area_average(pair.guide, 4), pair.valid)
    crops = SceneCrops([scene], WaldProtocol(4), 16, 0)
    windows = pair.low[0, 0, :, :24].clamp(0, 1).unfold(0, 16, 1).unfold(1, 16, 1)
    for number in range(20):
        truth = crops[0, number].truth[0]
        squares = [turned for turns in range(4) for turned in (truth.rot90(turns), truth.rot90(turns).flip(-1))]
        assert min(float((windows - one).abs().amax((-1, -2)).min()) for one in squares) < 1e-4
    config = replace(SMALL, epochs=1, filters=4, units=1)
    card, target = train_on_pair(config, tmp_path / "half.npy", guide, tmp_path / "run", progress=False)
    network = load_network(card)
    cut = pack("cut", pair.low[..., :24], area_average(pair.guide, 4)[..., :24])
    scores = [scene_scores(network, WaldProtocol(4), [one])[0]["psnr"] for one in (scene, cut)]
    assert scores[0] == pytest.approx(scores[1], abs=0.5)  # but for the border, which is filled or reflected
    fused = np.load(target)
    assert np.isnan(fused[:, 96:]).all() and np.isfinite(fused[:, :96]).all()
    again = imfuse.load(card.weights_path, task="spectral").fuse([tmp_path / "half.npy", guide])
    np.testing.assert_array_equal(again.image, fused)


def test_a_georeferenced_pair_becomes_a_georeferenced_result(tmp_path: Path) -> None:
    """With a corner where the bands hold nothing: the result holds nothing there, and the training does not see it."""
    rasterio = pytest.importorskip("rasterio")
    low, guide = write_pair(tmp_path)
    values = tifffile.imread(low)
    values[:, :3, :2] = 65535
    fine = rasterio.Affine(8.66, 5.0, 500_000, 5.0, -8.66, 5_500_000)
    coarse = rasterio.Affine(*(4 * fine.a, 4 * fine.b, fine.c, 4 * fine.d, 4 * fine.e, fine.f))
    seen = np.load(guide).transpose(2, 0, 1)
    for name, pixels, place, more in (("lr.tif", values, coarse, {"nodata": 65535}), ("hr.tif", seen, fine, {})):
        count, height, width = pixels.shape
        sizes = {"count": count, "height": height, "width": width, "dtype": pixels.dtype}
        with rasterio.open(tmp_path / name, "w", crs="EPSG:32633", transform=place, **sizes, **more) as file:
            file.write(pixels)
            file.descriptions = [f"{name} {band}" for band in range(count)]
    pair = read_pair(tmp_path / "lr.tif", tmp_path / "hr.tif")
    assert pair.peak == values[values < 65535].max()
    assert (~pair.valid).sum() == 6
    assert float(pair.low.max()) == 1
    config = replace(SMALL, epochs=1, crops=2, filters=4, units=1)
    _, target = train_on_pair(config, tmp_path / "lr.tif", tmp_path / "hr.tif", tmp_path / "run", progress=False)
    with rasterio.open(target) as file:
        assert (file.dtypes[0], file.crs, file.nodata) == ("uint16", rasterio.CRS.from_epsg(32633), 65535)
        np.testing.assert_allclose(file.transform, fine, rtol=1e-12)
        assert file.descriptions[4] == "lr.tif 4"
        fused = file.read()
    empty = np.zeros((96, 88), bool)
    empty[:12, :8] = True
    assert ((fused == 65535) == empty).all()
    back = fused.reshape(5, 24, 4, 22, 4).mean((2, 4))
    np.testing.assert_allclose(back[:, 3:], values[:, 3:], atol=0.5)


def test_what_cannot_be_trained_is_told(tmp_path: Path, folder: Path) -> None:
    for wrong in (
        {"crop": 18},
        {"crop": 4},
        {"loss": "l1"},
        {"guide_transfer": "gamma"},
        {"degradation": "gaussian"},
        {"noise": -1.0},
        {"filters": 0},
    ):
        with pytest.raises(UsageError):
            replace(SMALL, **wrong)
    assert replace(SMALL, degradation="gaussian", consistent=False).protocol().degradation == "gaussian"
    with pytest.raises(DataError, match="--bands 5 --guide-channels 3"):
        train_on_scenes(replace(SMALL, bands=31), folder, tmp_path / "run")
    with pytest.raises(DataError, match="give --validation"):
        train_on_scenes(SMALL, folder, tmp_path / "run", 2)
    with pytest.raises(DataError, match="6×22 pixels are too few"):
        train_on_pair(SMALL, *write_pair(tmp_path, height=6), tmp_path / "run")
    for options in ([], ["--data", str(folder), "--pair", "a.tif", "b.tif"]):
        failed = CliRunner().invoke(app, ["train", "csc-mmfn", *options])
        assert isinstance(failed.exception, UsageError)
        assert "--pair LR GUIDE" in str(failed.exception)


def test_a_training_starts_from_another_scale(tmp_path: Path, folder: Path) -> None:
    first = train_on_scenes(replace(SMALL, epochs=1), folder, tmp_path / "first", progress=False)
    start = str(first.weights_path)
    config = replace(SMALL, epochs=1, scale=2, guide_transfer="linear", start=start)
    torch.testing.assert_close(config.build().state_dict(), load_network(first).state_dict())
    second = train_on_scenes(config, folder, tmp_path / "second", progress=False)
    assert second.recipe["start"] == f"{first.name}, SHA-256 {first.sha256[:12]}"
    before, after = (load_network(card).state_dict() for card in (first, second))
    statistics = [name for name in before if "running" in name]
    assert statistics and all(torch.equal(before[name], after[name]) for name in statistics)
    assert any(not torch.equal(before[name], after[name]) for name in before)
    with pytest.raises(UsageError, match=r"parameters are not those of this recipe.*decoder"):
        replace(config, filters=SMALL.filters + 1).build()


def test_losses_are_means_of_errors_and_of_their_logarithms() -> None:
    fused, truth = torch.rand(2, 3, 2, 5, 6, dtype=torch.double)
    errors = [float((fused[i] - truth[i]).square().mean()) for i in range(3)]
    assert float(bands_loss(fused, truth)) == pytest.approx(np.mean(errors))
    assert float(bands_loss(fused, truth, "psnr")) == pytest.approx(np.mean([math.log(e + 1e-5) for e in errors]))
    assert torch.autograd.gradcheck(lambda x: bands_loss(x, truth, "psnr"), fused.requires_grad_())
