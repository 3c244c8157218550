"""IFCNN's recipe: crops, both stages, and the way to files with a card."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from typer.testing import CliRunner

from imfuse import load
from imfuse.cli import app
from imfuse.data.focus_pairs import DepthScene, built_in_scenes, fitted
from imfuse.data.splits import is_held_out_focus_scene
from imfuse.errors import UsageError
from imfuse.io import save_image
from imfuse.networks.ifcnn import IFCNN
from imfuse.train.focus_crops import FocusCrops, FocusDraws
from imfuse.train.focus_runs import FocusData, train_focus
from imfuse.train.ifcnn import IFCNNConfig, analytic_filters, fused_inside, train_ifcnn

SMALL = IFCNNConfig(
    perceptual="none",
    pretrain_steps=4,
    pretrain_batch=2,
    steps=4,
    batch=2,
    crop=12,
    learning_rate=1e-4,
    epoch_steps=2,
    seed=3,
)


@pytest.fixture(scope="module")
def scenes() -> list[DepthScene]:
    """The built-in scenes, small."""
    return built_in_scenes(1, 60, 80)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, scenes: list[DepthScene]) -> tuple[IFCNN, Path]:
    """A training that nothing interrupted, and its folder."""
    run = tmp_path_factory.mktemp("whole")
    return train_ifcnn(SMALL, scenes, run, progress=False), run


def test_a_crop_is_sharp_in_one_source_wherever_it_is_blurred_in_the_other(scenes: list[DepthScene]) -> None:
    crops = FocusCrops(scenes, 33, "wide")
    for draw in FocusDraws(len(scenes), 12, 0, colours=False):
        near, far, truth = (picture.numpy() for picture in crops[draw])
        assert near.shape == far.shape == truth.shape == (3, 33, 33)
        # Resizing mixes the two only at the edge between them: elsewhere one of them is the truth.
        smallest = np.minimum(np.abs(near - truth), np.abs(far - truth)).max(axis=0)
        assert (smallest < 1e-5).mean() > 0.7


def test_colours_change_alike_in_sources_and_truth(scenes: list[DepthScene]) -> None:
    flat = [replace(scene, depth=np.zeros_like(scene.depth)) for scene in scenes]  # near is sharp everywhere
    crops = FocusCrops(flat, 20, "wide")
    draws = list(FocusDraws(len(flat), 40, 1, colours=True))
    assert {draw.gray for draw in draws} == {True, False}
    for draw in draws:
        near, _, truth = crops[draw]
        assert torch.equal(near, truth)
        assert float(truth.min()) >= 0
        assert float(truth.max()) <= 1 + 1e-6
        if draw.gray:
            assert torch.equal(truth[0], truth[1])
            assert torch.equal(truth[0], truth[2])


def test_draws_are_of_every_scene_and_in_the_papers_ranges(scenes: list[DepthScene]) -> None:
    draws = list(FocusDraws(len(scenes), 7, 5, colours=True))
    assert {draw.scene for draw in draws} == set(range(len(scenes)))
    assert all(1 <= draw.radius <= 15 and 0.3 <= draw.threshold <= 0.7 and 0.5 <= draw.scale <= 1 for draw in draws)


def test_analytic_filters_are_of_length_one_and_see_gray_once() -> None:
    filters = analytic_filters()
    assert filters.shape == (64, 3, 7, 7)
    torch.testing.assert_close(filters.flatten(1).norm(dim=1), torch.ones(64))
    gray = filters.sum(1).flatten(1)
    torch.testing.assert_close(gray[:49] @ gray[:49].T / 3, torch.eye(49), atol=1e-5, rtol=0)
    assert float(gray[49:].abs().max()) < 1e-6


@pytest.mark.parametrize("rule", ["maximum", "average", "addition"])
def test_what_is_trained_is_what_fuses(rule: str) -> None:
    """Inside the border the trained form equals the fused picture."""
    network = IFCNNConfig(rule=rule).build().eval()
    sources = [torch.rand(2, 3, 24, 27) for _ in range(2)]
    with torch.no_grad():
        fused = network.fuse(sources)[..., 5:-5, 5:-5]
        inside = fused_inside(network, *sources) * network.deviation + network.mean
    torch.testing.assert_close(inside, fused, atol=2e-5, rtol=0)


@pytest.mark.parametrize("rule", ["maximum", "average", "addition"])
def test_gradients_reach_every_parameter(rule: str) -> None:
    network = IFCNNConfig(rule=rule).build()
    near, far = torch.rand(2, 2, 3, 20, 20)
    F.mse_loss(fused_inside(network, near, far), torch.rand(2, 3, 10, 10)).backward()
    assert all(float(parameter.grad.abs().max()) > 0 for parameter in network.parameters())


def test_a_resumed_training_is_bit_for_bit_the_whole_one(
    tmp_path: Path, scenes: list[DepthScene], whole: tuple[IFCNN, Path]
) -> None:
    network, run = whole
    assert (run / "curves.png").stat().st_size > 1000
    for stop_after in (1, 3):  # in the first stage, and in the second
        train_ifcnn(SMALL, scenes, tmp_path / f"cut{stop_after}", progress=False, stop_after=stop_after)
        resumed = train_ifcnn(SMALL, scenes, tmp_path / f"cut{stop_after}", resume=True, progress=False)
        for name, value in network.state_dict().items():
            assert torch.equal(value, resumed.state_dict()[name]), (stop_after, name)


def test_the_second_stage_holds_the_normalisations(tmp_path: Path, scenes: list[DepthScene]) -> None:
    before = train_ifcnn(SMALL, scenes, tmp_path, progress=False, stop_after=2).state_dict()
    before = {name: value.clone() for name, value in before.items()}
    after = train_ifcnn(SMALL, scenes, tmp_path, resume=True, progress=False).state_dict()
    for name, value in before.items():
        assert torch.equal(value, after[name]) == (".bn." in name), name


@pytest.mark.parametrize("rule", ["maximum", "average", "addition"])
def test_a_levelled_network_keeps_black_and_white(rule: str) -> None:
    network = IFCNNConfig(rule=rule).build().eval()
    pictures = torch.rand(2, 1, 3, 20, 20)
    before = network.fuse(pictures)
    network.level()
    for value in (0.0, 1.0):
        flat = torch.full((1, 3, 18, 19), value)
        torch.testing.assert_close(network.fuse([flat, flat]), flat, atol=1e-4, rtol=0)
    # One gain and one offset per channel, whatever is seen.
    after = network.fuse(pictures)
    slopes = (after[..., 1:] - after[..., :-1]) / (before[..., 1:] - before[..., :-1])
    torch.testing.assert_close(slopes.flatten(2).median(2).values, slopes.flatten(2).mean(2), rtol=1e-2, atol=1e-2)


def test_settings_out_of_range_are_refused() -> None:
    for change in (
        {"pretrain_steps": 3},
        {"crop": 16, "perceptual": "squeezenet"},
        {"conv1": "vgg"},
        {"optimiser": "lbfgs"},
        {"seed": -1},
        {"learning_rate": 0.0},
    ):
        with pytest.raises(UsageError):
            replace(SMALL, **change)


def test_training_lowers_the_error(tmp_path: Path, scenes: list[DepthScene]) -> None:
    config = replace(SMALL, optimiser="adam", learning_rate=2e-3, pretrain_steps=120, steps=0, epoch_steps=60, crop=20)
    train_ifcnn(config, scenes, tmp_path, progress=False)
    losses = np.loadtxt(tmp_path / "curves.csv", delimiter=",", skiprows=1)[:, 1]
    assert losses[1] < 0.8 * losses[0]


def test_the_command_trains_and_its_model_fuses(tmp_path: Path) -> None:
    arguments = ["train", "ifcnn", "--built-in", "1", "--perceptual", "none", "--pretrain-steps", "2", "--steps", "2"]
    arguments += ["--epoch-steps", "2", "--pretrain-batch", "2", "--batch", "2", "--crop", "16", "-q"]
    arguments += ["--rule", "average", "--run", str(tmp_path)]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    fuser = load(tmp_path / "ifcnn-mean.safetensors")
    assert fuser.card is not None
    assert fuser.card.tasks[0] == "exposure"
    assert fuser.card.recipe["rule"] == "average"
    sources = np.random.default_rng(0).integers(0, 256, (3, 21, 23, 3), np.uint8)
    assert fuser.fuse(list(sources)).image.shape == (21, 23, 3)


def test_a_training_goes_on_from_other_weights(tmp_path: Path, scenes: list[DepthScene]) -> None:
    for name in ("rgb", "depth"):
        (tmp_path / "scenes" / name).mkdir(parents=True)
    for number, scene in enumerate(scenes):
        save_image(tmp_path / f"scenes/rgb/{number}.png", scene.colour)
        save_image(tmp_path / f"scenes/depth/{number}.png", np.round(scene.depth * 255).clip(1).astype(np.uint8))
    data = FocusData(depth=[tmp_path / "scenes"], built_in=0)
    first = train_focus(SMALL, data, tmp_path / "first", progress=False)
    config = replace(SMALL, start=str(first.weights_path), pretrain_steps=0, rule="average")
    start = config.build().state_dict()
    torch.testing.assert_close(start, load(first.weights_path).network.state_dict())
    card = train_focus(config, data, tmp_path / "second", progress=False)
    assert card.recipe["start"].startswith("ifcnn-max, SHA-256 ")
    assert str(tmp_path) not in card.path.read_text(encoding="utf-8")


def test_held_out_scenes_are_known_by_name() -> None:
    assert is_held_out_focus_scene("middlebury/Middlebury_26_output_color")
    assert is_held_out_focus_scene("x/Middlebury_21_output_color")
    assert not is_held_out_focus_scene("middlebury/Middlebury_20_output_color")
    assert not is_held_out_focus_scene("kitchen/frame-000026")


def test_scenes_are_fitted_before_they_are_blurred() -> None:
    scene = DepthScene("", np.zeros((40, 50, 3), np.uint8), np.zeros((40, 50), np.float32))
    assert fitted(scene).colour.shape == (321, 422, 3)
