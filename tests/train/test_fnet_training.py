"""FNet's training: two stages, the moving average, resuming, and the data that may be used."""

import sys
from csv import DictReader
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

import imfuse
from imfuse.cli import app
from imfuse.data.thumbnails import same_scenes
from imfuse.errors import DataError, MissingExtraError, UsageError
from imfuse.losses.fnet import fusion_loss
from imfuse.networks.fnet import FNet
from imfuse.networks.ifnet import InvertibleFNet
from imfuse.train import fnet as fnet_module
from imfuse.train.fnet import FNetConfig, Trained, train_fnet
from imfuse.train.fnet_runs import train_pairs
from imfuse.train.optimisers import soap
from imfuse.train.pair_crops import PairCrops, PairDraws, read_pairs, retoned

SMALL = FNetConfig(
    features=4, size=3, modules=2, inverse_steps=4, steps=4, batch=2, crop=24, learning_rate=3e-3, epoch_steps=2, seed=5
)


@pytest.fixture(scope="module")
def pairs(pairs_folder: Path) -> list[np.ndarray]:
    return read_pairs([pairs_folder], 24)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, pairs: list[np.ndarray]) -> tuple[Trained, Path]:
    """A training that nothing interrupted, and its folder."""
    run = tmp_path_factory.mktemp("whole")
    return train_fnet(SMALL, pairs, run, progress=False), run


def test_the_defaults_are_the_papers() -> None:
    config = FNetConfig()
    assert (config.inverse_steps, config.steps, config.batch, config.crop) == (20000, 20000, 16, 128)
    assert (config.learning_rate, config.schedule, config.average) == (1e-4, "constant", 0.999)
    assert (config.intensity_weight, config.gradient_weight, config.ssim_weight) == (20, 20, 15)
    assert (config.block, config.features, config.size, config.modules) == ("lzsc", 64, 9, 4)


def test_soap_and_short_products_are_gone_on_with_bit_for_bit(tmp_path: Path, pairs: list[np.ndarray]) -> None:
    """With more steps than lie between two of its bases."""
    config = replace(SMALL, steps=14, optimiser="soap", precision="bfloat16", margin=3, tones=0.5)
    whole = train_fnet(config, pairs, tmp_path / "whole", progress=False)
    train_fnet(config, pairs, tmp_path / "cut", progress=False, stop_after=8)
    resumed = train_fnet(config, pairs, tmp_path / "cut", resume=True, progress=False)
    started = config.build().state_dict()
    for name, value in whole.network.state_dict().items():
        assert torch.equal(value, resumed.network.state_dict()[name]), name
        assert not torch.equal(value, started[name]), name


def test_the_second_stage_has_a_fresh_optimiser(
    tmp_path: Path, pairs: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    """SOAP's first step only looks at the gradients: nothing moves."""
    moved = []
    end = fnet_module.PairFusion.on_train_batch_end

    def noted(self, outputs, batch, batch_idx) -> None:
        if self.fusing:
            moved.append((self.network.common_decoder - self.of_first_stage.common_decoder).abs().max().item())
        end(self, outputs, batch, batch_idx)

    monkeypatch.setattr(fnet_module.PairFusion, "on_train_batch_end", noted)
    train_fnet(replace(SMALL, optimiser="soap"), pairs, tmp_path, progress=False)
    assert moved[0] == 0
    assert min(moved[1:]) > 0


def test_soap_has_bases_of_outputs_inputs_and_taps() -> None:
    network = SMALL.build()
    optimiser = soap(network, 1e-3)
    for _ in range(2):
        network(*torch.rand(2, 1, 1, 16, 16)).square().sum().backward()
        optimiser.step()
    for parameter in network.parameters():
        if parameter.ndim == 4 and parameter.grad is not None:
            shape = (*parameter.shape[:2], parameter.shape[2:].numel())
            assert tuple(len(basis) for basis in optimiser.state[parameter]["Q"]) == shape
    assert [group["lr"] for group in optimiser.param_groups] == pytest.approx([1e-3, 1e-3 / 6])


def test_a_missing_library_of_soap_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pytorch_optimizer", None)
    with pytest.raises(MissingExtraError, match=r"imfuse\[train\]"):
        soap(SMALL.build(), 1e-3)


def test_a_margin_is_not_lost_on_the_way(tmp_path: Path, pairs_folder: Path) -> None:
    first = train_pairs(replace(SMALL, inverse=False, margin=3), [pairs_folder], tmp_path, progress=False)
    assert imfuse.load(first.weights_path).network.margin == 3
    going_on = replace(SMALL, weights=str(first.weights_path))
    with pytest.raises(UsageError, match="give --margin 3"):
        going_on.build()
    replace(going_on, margin=4).build()


def test_soap_learns_more_in_as_many_steps_than_adam(tmp_path: Path, pairs: list[np.ndarray]) -> None:
    config = replace(SMALL, size=5, inverse=False, inverse_steps=0, steps=60, epoch_steps=20, start=0.5)
    last = {}
    for optimiser, rates in {"adam": (1e-3, 3e-3, 1e-2), "soap": (6e-3,)}.items():
        for rate in rates:
            run = tmp_path / f"{optimiser}{rate}"
            train_fnet(replace(config, optimiser=optimiser, learning_rate=rate), pairs, run, progress=False)
            with (run / "curves.csv").open() as stream:
                loss = float(list(DictReader(stream))[-1]["loss"])
            last[optimiser] = min(loss, last.get(optimiser, loss))
    assert last["soap"] < last["adam"], last


def test_the_loss_leaves_a_margin_out(tmp_path: Path, pairs: list[np.ndarray]) -> None:
    """And the network that is left reflects as many pixels."""
    config = replace(SMALL, inverse=False, steps=1, epoch_steps=1, margin=4)
    trained = train_fnet(config, pairs, tmp_path, progress=False)
    assert trained.network.margin == 4
    crops = PairCrops(pairs, config.crop)
    batch = torch.stack([crops[draw] for draw in PairDraws(len(pairs), config.batch, config.seed)])
    first, second = batch.unbind(1)
    with torch.no_grad():
        fused = config.build()(first, second)
    inside = [images[..., 4:-4, 4:-4] for images in (fused, first, second)]
    with (tmp_path / "curves.csv").open() as stream:
        (row,) = DictReader(stream)
    assert float(row["loss"]) == pytest.approx(float(fusion_loss(inside[0], (inside[1], inside[2]))), rel=1e-4)


@pytest.mark.parametrize("stop_after", [1, 2, 3])
def test_resume_continues_bit_for_bit_in_either_stage(
    tmp_path: Path, pairs: list[np.ndarray], whole: tuple[Trained, Path], stop_after: int
) -> None:
    train_fnet(SMALL, pairs, tmp_path / "cut", progress=False, stop_after=stop_after)
    resumed = train_fnet(SMALL, pairs, tmp_path / "cut", resume=True, progress=False)
    for before, after in zip(whole[0], resumed, strict=True):
        for name, value in before.state_dict().items():
            assert torch.equal(value, after.state_dict()[name]), name
    assert (whole[1] / "curves.png").stat().st_size > 1000


def test_the_second_stage_goes_on_from_the_average_of_the_first_and_leaves_ifnet_alone(
    tmp_path: Path, pairs: list[np.ndarray], whole: tuple[Trained, Path]
) -> None:
    trained = train_fnet(replace(SMALL, learning_rate=1e-30), pairs, tmp_path, progress=False)
    for name, value in trained.network.state_dict().items():
        torch.testing.assert_close(value, trained.invertible.state_dict()[name], atol=1e-6, rtol=0)
    moved, run = whole
    state = torch.load(run / "checkpoints/last.ckpt", weights_only=True)["state_dict"]
    inverse = [name for name in state if name.startswith("averaged.inverse.")]
    assert inverse
    for name in inverse:
        torch.testing.assert_close(state[name], state[name.replace("averaged", "of_first_stage")], atol=1e-6, rtol=0)
    assert (moved.network.common_decoder - moved.invertible.common_decoder).abs().max() > 1e-4


def test_the_average_is_exponential(tmp_path: Path, pairs: list[np.ndarray], monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the parameters after every step of a stage, with the decay (1 + n) / (10 + n) as long as it is small."""
    seen: list[torch.Tensor] = []
    step = fnet_module.PairFusion.on_train_batch_end

    def noted(self, outputs, batch, batch_idx) -> None:
        seen.append(self.network.common_decoder.detach().clone())
        step(self, outputs, batch, batch_idx)

    monkeypatch.setattr(fnet_module.PairFusion, "on_train_batch_end", noted)
    config = replace(SMALL, inverse=False, average=0.25)
    trained = train_fnet(config, pairs, tmp_path, progress=False)
    assert trained.invertible is None
    average = config.build().common_decoder.detach()
    for count, value in enumerate(seen):
        decay = min(0.25, (1 + count) / (10 + count))
        average = decay * average + (1 - decay) * value
    assert len(seen) == 4
    torch.testing.assert_close(trained.network.common_decoder, average, atol=1e-7, rtol=0)


def test_training_reduces_the_loss_of_either_stage(tmp_path: Path, pairs: list[np.ndarray]) -> None:
    config = replace(SMALL, inverse_steps=36, steps=36, epoch_steps=6, schedule="cosine", learning_rate=1e-2)
    trained = train_fnet(config, pairs, tmp_path, progress=False)
    with (tmp_path / "curves.csv").open() as stream:
        losses = [float(row["loss"]) for row in DictReader(stream)]
    assert losses[5] < 0.7 * losses[0]
    assert losses[11] < 0.9 * losses[6]
    # The average fuses better than a fresh network, too.
    first, second = (torch.from_numpy(pairs[0][index])[None, None].float() / 255 for index in range(2))
    fresh = config.build()
    with torch.no_grad():
        ours, before = (
            fusion_loss(network.fuse([first, second]), (first, second)) for network in (trained.network, fresh)
        )
    assert ours < 0.8 * before


def test_the_ablations_are_switches() -> None:
    assert replace(SMALL, inverse=False).stages == (0, 2)
    assert {type(coder).__name__ for coder in replace(SMALL, block="lcsc").build().unique_coders} == {"LCSC"}


def test_the_start_scales_the_kernels_and_nothing_else() -> None:
    whole, half = SMALL.build().state_dict(), replace(SMALL, start=0.5).build().state_dict()
    for name, value in whole.items():
        torch.testing.assert_close(half[name], value * (0.5 if value.ndim == 4 else 1), atol=0, rtol=0)


def test_the_cosine_schedule_rises_and_falls() -> None:
    config = replace(SMALL, schedule="cosine", learning_rate=1.0)
    assert config.rate(0) == pytest.approx(1 / 6)
    assert [config.rate(done) for done in (0.05, 0.525, 1)] == pytest.approx([1, 0.5, 0])
    assert replace(config, schedule="constant").rate(0.9) == 1


def test_trained_models_have_cards_that_load(tmp_path: Path, pairs_folder: Path) -> None:
    card = train_pairs(SMALL, [pairs_folder], tmp_path, validation=pairs_folder, progress=False)
    assert card.weights_path == tmp_path / "fnet.safetensors"
    assert isinstance(imfuse.load(card.weights_path, task="medical").network, FNet)
    assert set(card.figures["validation"]["scores"]) >= {"mi", "vif", "qabf", "scd"}
    inverse = imfuse.load(tmp_path / "fnet-inverse.safetensors", task="infrared")
    assert isinstance(inverse.network, InvertibleFNet)
    # FNet shows what its first stage gave back, wherever both files lie together.
    assert card.inverse == "fnet-inverse"
    pictures = list(read_pairs([pairs_folder], 24)[0])
    ours, first = imfuse.load(card.weights_path).explain(pictures), inverse.explain(pictures)
    for name in ("infrared_reconstructed", "visible_reconstructed"):
        np.testing.assert_allclose(ours[name], first[name], atol=1e-5)
    assert np.abs(ours["fused"] - first["fused"]).max() > 1e-3
    (tmp_path / "fnet-inverse.json").unlink()
    assert not [name for name in imfuse.load(card.weights_path).part_names() if "reconstructed" in name]


def test_a_training_goes_on_from_a_model_without_a_first_stage(tmp_path: Path, pairs_folder: Path) -> None:
    """What is gone on from fuses as before, and its inverse comes along."""
    first = train_pairs(SMALL, [pairs_folder], tmp_path / "first", progress=False)
    going_on = replace(SMALL, weights=str(first.weights_path), learning_rate=1e-30)
    assert going_on.stages == (0, SMALL.stages[1])
    card = train_pairs(going_on, [pairs_folder], tmp_path / "second", progress=False)
    assert card.inverse == "fnet-inverse"
    assert card.recipe["weights"].startswith("fnet, SHA-256 ")
    before, after = (imfuse.load(one.weights_path).network for one in (first, card))
    sources = torch.rand(2, 1, 1, 30, 30)
    with torch.no_grad():
        torch.testing.assert_close(after.fuse(sources), before.fuse(sources), atol=1e-6, rtol=0)
    assert after.inverts
    with pytest.raises(UsageError, match="cannot be started from"):
        replace(going_on, features=SMALL.features + 1).build()


def test_the_first_stage_goes_on_from_the_weights_that_it_left(tmp_path: Path, pairs_folder: Path) -> None:
    train_pairs(SMALL, [pairs_folder], tmp_path / "first", progress=False)
    left = tmp_path / "first/fnet-inverse.safetensors"
    going_on = replace(SMALL, weights=str(left), learning_rate=1e-30)
    assert going_on.stages == SMALL.stages
    card = train_pairs(going_on, [pairs_folder], tmp_path / "second", progress=False)
    assert card.recipe["weights"].startswith("fnet-inverse, SHA-256 ")
    before, after = (
        imfuse.load(one).network.state_dict() for one in (left, tmp_path / "second/fnet-inverse.safetensors")
    )
    for name, value in before.items():
        torch.testing.assert_close(after[name], value, atol=1e-7, rtol=0)


def test_the_command_trains_an_ablation(tmp_path: Path, pairs_folder: Path) -> None:
    from typer.testing import CliRunner

    options = "--no-inverse --block lcsc --steps 1 --batch 1 --crop 16 --epoch-steps 1 --quiet"
    command = ["train", "fnet", "--data", str(pairs_folder), "--run", str(tmp_path / "run"), *options.split()]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    card = imfuse.load(tmp_path / "run/fnet.safetensors").card
    assert (card.recipe["block"], card.recipe["inverse"], card.arguments["block"]) == ("lcsc", False, "lcsc")
    assert not (tmp_path / "run/fnet-inverse.safetensors").exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"crop": 8},
        {"margin": 7},
        {"block": "foo"},
        {"optimiser": "sgd"},
        {"precision": "float16"},
        {"schedule": "step"},
        {"steps": 3},
        {"average": 1.0},
        {"batch": 0},
        {"seed": -1},
    ],
)
def test_settings_out_of_range_are_told(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        replace(SMALL, **wrong)


def test_crops_of_a_pair_are_cut_and_flipped_alike() -> None:
    columns = np.arange(40, dtype=np.uint8)[None] + np.arange(30, dtype=np.uint8)[:, None] * 3
    crops = PairCrops([np.stack([columns, 255 - columns])], 12)
    corner = {}
    for draw in PairDraws(1, 200, 3):
        crop = crops[draw]
        assert crop.shape == (2, 1, 12, 12)
        torch.testing.assert_close(crop[0] + crop[1], torch.ones(1, 12, 12))
        corner[draw[3:5]] = crop[0, 0, 0, 0] < crop[0, 0, -1, 0], crop[0, 0, 0, 0] < crop[0, 0, 0, -1]
    assert corner == {(u, m): (not u, not m) for u in (False, True) for m in (False, True)}


def test_tones_change_every_second_crop_each_picture_by_itself() -> None:
    pair = np.random.default_rng(0).integers(0, 256, (2, 30, 40)).astype(np.uint8)
    as_they_are, changed = PairCrops([pair], 12), PairCrops([pair], 12, tones=1.0)
    draws = list(PairDraws(1, 400, 3))
    same, orders = [], []
    for draw in draws:
        before, after = as_they_are[draw], changed[draw]
        assert ((after >= 0) & (after <= 1)).all()
        same.append(torch.equal(before, after))
        # What is brighter stays brighter, but for what is clipped.
        rising = after.flatten(1).gather(1, before.flatten(1).argsort(1)).diff(dim=1)
        assert (rising >= -1e-6).all()
        orders.append((after[0].mean() - before[0].mean(), after[1].mean() - before[1].mean()))
    assert 0.4 < np.mean(same) < 0.6
    first, second = np.array(orders)[~np.array(same)].T
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.3
    assert min(first.std(), second.std()) > 0.05


def test_a_tone_is_gamma_and_contrast_and_brightness() -> None:
    picture = np.array([0.2, 0.4, 0.9], np.float32)
    np.testing.assert_allclose(retoned(picture, (1, 0, 0), 1.0), picture**2, rtol=1e-6)
    np.testing.assert_allclose(retoned(picture, (0, -1, 0), 1.0), 0.5 + (picture - 0.5) / 2, rtol=1e-6)
    np.testing.assert_allclose(retoned(picture, (0, 0, 0.2), 2.0), picture + 0.1, rtol=1e-6)
    np.testing.assert_array_equal(retoned(picture, (0, 0, 1), 1.0)[2], 1.0)


def test_draws_take_every_pair_before_any_twice() -> None:
    draws = list(PairDraws(5, 12, 1))
    assert sorted(draw[0] for draw in draws[:5]) == [0, 1, 2, 3, 4]
    assert len(draws) == 12


def test_scenes_of_another_data_set_are_left_out_at_another_size(tmp_path: Path, pairs_folder: Path) -> None:
    other = tmp_path / "other"
    for kind in ("ir", "vis"):
        (other / kind).mkdir(parents=True)
        picture = cv2.imread(str(pairs_folder / kind / "1.png"), cv2.IMREAD_GRAYSCALE)
        cv2.imwrite(str(other / kind / "renamed.png"), cv2.resize(picture, (60, 50), interpolation=cv2.INTER_AREA))
    visible = sorted((pairs_folder / "vis").iterdir())
    assert [path.name for path in same_scenes(visible, [other / "vis/renamed.png"])] == ["1.png"]
    assert len(read_pairs([pairs_folder], 24)) == 3
    assert len(read_pairs([pairs_folder], 24, [other])) == 2
    with pytest.raises(DataError, match="left to train on"):
        read_pairs([other], 24, [other])


def test_of_msrs361_the_validation_part_is_left_out(tmp_path: Path) -> None:
    for kind in ("ir", "vis"):
        (tmp_path / "msrs361" / kind).mkdir(parents=True)
        for name, level in (("01281N", 10), ("01282N", 200)):
            cv2.imwrite(str(tmp_path / "msrs361" / kind / f"{name}.png"), np.full((30, 30), level, np.uint8))
    (pair,) = read_pairs([tmp_path / "msrs361"], 24)
    assert (pair == 10).all()


def test_crops_larger_than_a_picture_are_told(pairs_folder: Path) -> None:
    with pytest.raises(DataError, match="smaller --crop"):
        read_pairs([pairs_folder], 100)


@pytest.mark.data
def test_roadscene50_lies_in_flir_train(data_dir: Path) -> None:
    """40 of its 50 scenes, as the README of the data says; 140 of 180 pairs are left."""
    folders = [data_dir / "infrared" / name for name in ("flir_train", "roadscene50")]
    assert len(read_pairs([folders[0]], 64, [folders[1]])) == 140
