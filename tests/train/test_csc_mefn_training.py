from csv import DictReader
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import imfuse
from imfuse.data.samples import exposure_stack
from imfuse.errors import DataError, UsageError
from imfuse.io import save_image
from imfuse.losses.halo import halo_loss
from imfuse.losses.mef_similarity import mef_ssim_loss
from imfuse.networks.csc_mefn import CSCMEFN
from imfuse.train.bracket_runs import SCORE, BracketData, score_brackets, train_bracket_seeds
from imfuse.train.brackets import (
    Bracket,
    BracketCrops,
    BracketDraws,
    Draw,
    read_brackets,
    spread_exposures,
)
from imfuse.train.csc_mefn import CSCMEFNConfig, bracket_losses, train_csc_mefn

SMALL = CSCMEFNConfig(
    units=2, filters=4, spacings=(1, 2), epochs=3, settle_epochs=2, repeats=2, batch=2, crop=24, seed=7
)


@pytest.fixture(scope="module")
def brackets_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set of three scenes of three exposures, 60×72."""
    folder = tmp_path_factory.mktemp("data") / "brackets"
    for seed in range(3):
        (folder / f"scene{seed}").mkdir(parents=True)
        for index, picture in enumerate(exposure_stack("table", (-2, 0, 2), 60, 72, seed).pictures):
            save_image(folder / f"scene{seed}" / f"{index}.png", picture)
    return folder


@pytest.fixture(scope="module")
def brackets(brackets_folder: Path) -> list[Bracket]:
    return read_brackets([brackets_folder], 24)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, brackets: list[Bracket]) -> tuple[CSCMEFN, Path]:
    """A training that nothing interrupted, and its folder."""
    run = tmp_path_factory.mktemp("whole")
    return train_csc_mefn(SMALL, brackets, run, progress=False), run


def test_the_defaults_are_the_papers() -> None:
    config = CSCMEFNConfig()
    assert (config.units, config.epochs, config.learning_rate) == (3, 50, 5e-4)
    assert (config.halo_weight, config.halo_rise) == (10.0, 0.25)


@pytest.mark.parametrize("stop_after", [1, 4])
def test_resume_continues_bit_for_bit(
    tmp_path: Path, brackets: list[Bracket], whole: tuple[CSCMEFN, Path], stop_after: int
) -> None:
    train_csc_mefn(SMALL, brackets, tmp_path / "cut", progress=False, stop_after=stop_after)
    resumed = train_csc_mefn(SMALL, brackets, tmp_path / "cut", resume=True, progress=False)
    network, run = whole
    for name, value in network.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name
    assert (run / "curves.png").stat().st_size > 1000


def test_the_settling_holds_the_normalisations_and_its_rate_falls(tmp_path: Path, brackets: list[Bracket]) -> None:
    before = train_csc_mefn(SMALL, brackets, tmp_path, progress=False, stop_after=SMALL.epochs).state_dict()
    after = train_csc_mefn(SMALL, brackets, tmp_path, resume=True, progress=False).state_dict()
    assert torch.equal(before["encoder.0.norm.running_mean"], after["encoder.0.norm.running_mean"])
    assert not torch.equal(before["head.weight"], after["head.weight"])
    with (tmp_path / "curves.csv").open() as stream:
        rows = list(DictReader(stream))
    rates = [float(row["learning_rate"]) for row in rows]
    assert rates == pytest.approx([5e-4] * 3 + [SMALL.settled_rate(2 / 6), SMALL.settled_rate(5 / 6)], rel=1e-6)


@pytest.mark.parametrize(("count", "weights"), [("steps", [0, 0.25, 0.5, 0.75]), ("epochs", [0, 0, 0, 0.25])])
def test_what_the_weight_of_the_halo_loss_counts(
    count: str, weights: list[float], tmp_path: Path, brackets: list[Bracket]
) -> None:
    """Three steps per epoch; the first four of them."""
    from imfuse.train import csc_mefn as module

    seen: list[float] = []
    original = module.halo_weight

    def noted(step: int, rise: float, largest: float) -> float:
        seen.append(original(step, rise, largest))
        return seen[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "halo_weight", noted)
        config = replace(SMALL, halo_count=count, epochs=2, settle_epochs=0)
        train_csc_mefn(config, brackets, tmp_path, progress=False)
    assert seen[:4] == weights


def test_training_reduces_the_loss(tmp_path: Path, brackets: list[Bracket]) -> None:
    config = replace(SMALL, epochs=8, repeats=6, learning_rate=1e-2, halo_weight=0)
    train_csc_mefn(config, brackets, tmp_path, progress=False)
    with (tmp_path / "curves.csv").open() as stream:
        losses = [float(row["loss"]) for row in DictReader(stream)]
    assert losses[-1] < 0.95 * losses[0]


def test_the_losses_of_a_batch_are_those_of_its_scenes(brackets: list[Bracket]) -> None:
    """Scenes of different numbers of exposures are coded together and scored one by one."""
    network = SMALL.build().eval()
    draws = [Draw(0, (0, 2), False, 0.3, 0.7, (False,) * 3), Draw(2, (0, 1, 2), True, 0.9, 0.1, (True,) * 3)]
    batch = BracketCrops(brackets, 24)[draws]
    assert batch.counts == [2, 3]
    similarity, halo = bracket_losses(network, batch)
    expected = []
    for start, stop in ((0, 2), (2, 5)):
        lumas = batch.lumas[start:stop]
        fused = network.fuse(list(lumas[:, None, None]))
        expected.append((mef_ssim_loss(fused, lumas[None], batch.means[None, start:stop]), halo_loss(fused)))
    for found, values in zip((similarity, halo), zip(*expected, strict=True), strict=True):
        torch.testing.assert_close(found, torch.stack(values).mean())


def test_brackets_are_ordered_from_dark_to_bright() -> None:
    rng = np.random.default_rng(0)
    lumas = [rng.integers(low, low + 20, (20, 31), np.uint8) for low in (120, 10, 200)]
    bracket = Bracket.of("set/scene", lumas)
    assert np.array_equal(bracket.lumas, np.stack([lumas[1], lumas[0], lumas[2]]))
    assert bracket.halved.shape == (3, 10, 15)
    np.testing.assert_allclose(bracket.means, bracket.lumas.mean((1, 2)) / 255, rtol=1e-6)
    blocks = bracket.lumas[:, :20, :30].reshape(3, 10, 2, 15, 2).mean((2, 4))
    np.testing.assert_allclose(bracket.halved, blocks, atol=0.51)


def test_crops_are_parts_of_the_exposures(brackets: list[Bracket]) -> None:
    crops = BracketCrops(brackets, 24)
    plain = crops[[Draw(1, (0, 2), False, 0.5, 0.999, (False, False, False))]]
    picture = brackets[1].lumas[[0, 2]].astype(np.float32) / 255
    np.testing.assert_allclose(plain.lumas.numpy(), picture[:, 18:42, 48:72], rtol=1e-6)
    turned = crops[[Draw(1, (0, 2), False, 0.5, 0.999, (True, True, True))]]
    np.testing.assert_array_equal(turned.lumas.numpy(), plain.lumas.numpy()[:, ::-1, ::-1].transpose(0, 2, 1))
    halved = crops[[Draw(1, (1, 2), True, 0, 0, (False, False, False))]]
    np.testing.assert_allclose(halved.lumas.numpy() * 255, brackets[1].halved[[1, 2], :24, :24], rtol=1e-6)


def test_exposures_span_from_dark_to_bright() -> None:
    rng = np.random.default_rng(0)
    for available, count in ((2, 2), (9, 2), (9, 4), (9, 9), (30, 7)):
        seen = np.array([spread_exposures(available, count, rng) for _ in range(200)])
        assert (np.diff(seen, axis=1) > 0).all()
        assert set(seen.flatten()) == set(range(available))
        assert seen[:, 0].max() <= (available - 1) / 2 <= seen[:, -1].min()


def test_draws_are_of_every_scene_and_of_so_many_exposures() -> None:
    first = list(BracketDraws([3, 9, 2, 5], repeats=3, batch=5, most=4, complete=0, seed=3))
    assert [len(batch) for batch in first] == [5, 5, 2]
    flat = [draw for batch in first for draw in batch]
    assert sorted(draw.scene for draw in flat) == sorted([0, 1, 2, 3] * 3)
    assert all(2 <= len(draw.exposures) <= min([3, 9, 2, 5][draw.scene], 4) for draw in flat)


def test_complete_draws_have_all_exposures() -> None:
    for complete, expected in ((1.0, {3, 4, 2}), (0.5, {2, 3, 4})):
        draws = BracketDraws([3, 9, 2], repeats=200, batch=5, most=4, complete=complete, seed=3)
        flat = [draw for batch in draws for draw in batch]
        assert {len(draw.exposures) for draw in flat} == expected
        of_nine = [len(draw.exposures) == 4 for draw in flat if draw.scene == 1]
        assert np.mean(of_nine) == pytest.approx(complete + (1 - complete) / 3, abs=0.1)


def test_the_fast_mode_is_trained_and_gone_on_from_at_full_resolution(tmp_path: Path, brackets_folder: Path) -> None:
    """With taps four times as far apart, which then see the same pixels."""
    data = BracketData([brackets_folder])
    fast = replace(SMALL, fast=True, epochs=1, settle_epochs=1)
    first = train_bracket_seeds(fast, data, tmp_path / "fast", 1, progress=False)
    plain = train_bracket_seeds(replace(fast, fast=False), data, tmp_path / "plain", 1, progress=False)
    states = [imfuse.load(card.weights_path).network.state_dict() for card in (first, plain)]
    assert not torch.equal(states[0]["head.weight"], states[1]["head.weight"])
    start = str(first.weights_path)
    built = replace(SMALL, start=start, spacings=(4, 8)).build()
    assert isinstance(built, CSCMEFN)
    assert (built.spacings, built.coarse) == ((4, 8), None)
    for name, value in built.state_dict().items():
        assert torch.equal(value, states[0][name]), name
    going_on = replace(SMALL, start=start, spacings=(4, 8), epochs=1, settle_epochs=0)
    card = train_bracket_seeds(going_on, data, tmp_path / "on", 1, progress=False)
    assert card.recipe["start"].startswith("csc-mefn, SHA-256 ")
    with pytest.raises(UsageError, match="cannot be started from"):
        replace(SMALL, start=start, filters=3).build()


def test_a_network_without_guided_codes_is_scored_at_full_resolution_alone(
    tmp_path: Path, brackets_folder: Path
) -> None:
    plain = replace(SMALL, guided=False, epochs=1, settle_epochs=0)
    data = BracketData([brackets_folder], validation=brackets_folder)
    scores = train_bracket_seeds(plain, data, tmp_path, 1, progress=False).figures["validation"]["scores"]
    assert list(scores) == [SCORE]
    with pytest.raises(UsageError, match="fast or no-guided"):
        replace(plain, fast=True)


def test_filters_that_are_added_change_nothing_as_yet_and_learn(tmp_path: Path, brackets_folder: Path) -> None:
    data = BracketData([brackets_folder])
    few = train_bracket_seeds(replace(SMALL, epochs=1, settle_epochs=0), data, tmp_path, 1, progress=False)
    grown = replace(SMALL, start=str(few.weights_path), filters=7).build().eval()
    lumas = list(torch.rand(3, 1, 1, 30, 28))
    torch.testing.assert_close(grown.fuse(lumas), imfuse.load(few.weights_path).network.fuse(lumas))
    grown.fuse(lumas).square().sum().backward()
    assert isinstance(grown, CSCMEFN)
    gradient = grown.head.weight.grad
    assert gradient is not None
    assert (gradient[0, 4:] != 0).all()


def test_scenes_are_left_out_and_what_is_wrong_is_told(brackets_folder: Path) -> None:
    kept = read_brackets([brackets_folder], 24, ["brackets/scene1"])
    assert [bracket.name for bracket in kept] == ["brackets/scene0", "brackets/scene2"]
    with pytest.raises(DataError, match="brackets/scene9: to be left out, but not there"):
        read_brackets([brackets_folder], 24, ["brackets/scene9"])
    with pytest.raises(DataError, match="smaller than the crop of 64"):
        read_brackets([brackets_folder], 64)
    with pytest.raises(DataError, match="no brackets"):
        read_brackets([brackets_folder], 24, [f"brackets/scene{seed}" for seed in range(3)])


def test_the_best_of_the_seeds_is_kept_with_its_card(tmp_path: Path, brackets_folder: Path) -> None:
    data = BracketData([brackets_folder], ["brackets/scene1"], brackets_folder)
    card = train_bracket_seeds(replace(SMALL, epochs=1, settle_epochs=1), data, tmp_path, 2, progress=False)
    assert card.weights_path == tmp_path / "csc-mefn.safetensors"
    assert card.data["left out"] == "brackets/scene1"
    figures = card.figures["validation"]
    scores = {seed: score[SCORE] for seed, score in figures["seeds"].items()}
    assert figures["scores"][SCORE] == max(scores.values())
    assert card.recipe["seed"] == int(max(scores, key=scores.__getitem__))
    network = imfuse.load(card.weights_path).network
    assert isinstance(network, CSCMEFN)
    assert score_brackets(network, brackets_folder) == pytest.approx(figures["scores"][SCORE], rel=1e-9)
    fast = imfuse.load(card.weights_path, fast=True).network
    assert score_brackets(fast, brackets_folder) == pytest.approx(figures["scores"][f"{SCORE}, fast"], rel=1e-9)


def test_without_the_halo_loss_it_has_another_name(tmp_path: Path, brackets_folder: Path) -> None:
    config = replace(SMALL, epochs=1, settle_epochs=0, halo_weight=0)
    card = train_bracket_seeds(config, BracketData([brackets_folder]), tmp_path, 1, progress=False)
    assert card.name == "csc-mefn-no-halo"
    with pytest.raises(DataError, match="--validation"):
        train_bracket_seeds(config, BracketData([brackets_folder]), tmp_path, 2, progress=False)


def test_settings_out_of_range_are_told() -> None:
    wrong = (
        {"units": 0},
        {"units": 2},
        {"size": 4},
        {"spacings": (1, 0, 1)},
        {"most": 1},
        {"crop": 10},
        {"halo_count": "minutes"},
        {"halo_weight": -1},
        {"batch": 0},
        {"complete": 1.1},
    )
    for setting in wrong:
        with pytest.raises(UsageError):
            CSCMEFNConfig(**setting)
