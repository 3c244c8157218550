"""What the cards of the built-in models say holds."""

from pathlib import Path

import pytest
import torch

import imfuse
from imfuse.bench.spectral import plan_spectral, run_spectral
from imfuse.data.sets import read_data_set
from imfuse.registry import WEIGHTS_FOLDER, ModelCard, file_hash
from imfuse.scoring import score
from imfuse.tasks import TASKS
from imfuse.train.validation import means, pairs_of, score_pairs


def test_every_task_has_its_default_model() -> None:
    for task in TASKS.values():
        assert imfuse.load(task.default_model, task=task.name).task is task


@pytest.mark.parametrize("card", imfuse.list_models(kind="learned"), ids=lambda card: card.name)
def test_cards_are_complete_and_weights_are_theirs(card: ModelCard) -> None:
    network = imfuse.load(card.name).network
    assert card.parameters == sum(parameter.numel() for parameter in network.parameters())
    assert card.sha256 == file_hash(card.weights_path)
    assert card.commit != "unknown"
    assert card.data
    assert card.selection
    assert {"validation", "test"} <= card.figures.keys()
    assert card.weights_path.stat().st_size < 8e6


def test_no_weights_without_a_card() -> None:
    """Models, and what gives the sources of one back, which is no model to choose."""
    stems = {path.stem for path in WEIGHTS_FOLDER.glob("*.safetensors")}
    cards = imfuse.list_models(kind="learned")
    assert stems == {card.name for card in cards} | {card.inverse for card in cards if card.inverse}
    for card in cards:
        if card.inverse:
            assert imfuse.load(card.name).network.inverts


@pytest.mark.data
@pytest.mark.parametrize("name", [card.name for card in imfuse.list_models("infrared", kind="learned")])
def test_the_cards_figures_are_reproduced(data_dir: Path, name: str) -> None:
    fuser = imfuse.load(name)
    sets = fuser.card.figures["test"]["sets"]
    name = "flir_test" if "flir_test" in sets else "infrared/tno25"
    stated = sets[name]
    folder = data_dir / "infrared" / name.removeprefix("infrared/")
    scores = means(score_pairs(fuser.network, pairs_of(folder), list(stated)))
    # JPEG decoders differ by a few levels in a few pixels.
    assert scores == pytest.approx(stated, rel=2e-3)


OF_BRACKETS = [card for card in imfuse.list_models("exposure", kind="learned") if card.network == "csc_mefn"]
SMALL_SCENES = {"before the stretch": "Church", "stretched": "Arno", "fast, before the stretch": "YellowHall"}


@pytest.mark.parametrize("card", OF_BRACKETS, ids=lambda card: card.name)
def test_the_means_of_exposure_cards_are_those_of_their_scenes(card: ModelCard) -> None:
    results = card.figures["validation"]["results"]
    for mode, stated in results["scores"].items():
        scores = [scene[mode] for scene in results["mef-ssim-lum of the scenes"].values()]
        assert sum(scores) / len(scores) == pytest.approx(stated["mef-ssim-lum"], rel=1e-12)


@pytest.mark.data
@pytest.mark.parametrize("mode", SMALL_SCENES)
@pytest.mark.parametrize("card", OF_BRACKETS, ids=lambda card: card.name)
def test_figures_of_exposure_cards_are_reproduced_on_a_small_scene(data_dir: Path, card: ModelCard, mode: str) -> None:
    """One of the validation scenes whose figures stand in the card, each in another mode."""
    scenes = {scene.name: scene for scene in read_data_set(data_dir / "exposure/tci24", "exposure").scenes}
    stated = card.figures["validation"]["results"]["mef-ssim-lum of the scenes"]
    assert stated.keys() == scenes.keys()
    sources = scenes[SMALL_SCENES[mode]].sources
    fuser = imfuse.load(card.name)
    fuser.network.use_fast("fast" in mode)
    fused = torch.from_numpy(fuser.fuse(sources, stretch=mode == "stretched").image).permute(2, 0, 1)[None]
    found = score(fused, sources, ["mef-ssim-lum"])["mef-ssim-lum"]
    assert found == pytest.approx(stated[SMALL_SCENES[mode]][mode], abs=1e-4)


@pytest.mark.data
@pytest.mark.parametrize("card", imfuse.list_models("spectral", kind="learned"), ids=lambda card: card.name)
def test_the_figures_of_spectral_cards_are_reproduced(data_dir: Path, tmp_path: Path, card: ModelCard) -> None:
    place, scale = data_dir / "spectral/cave/test", card.arguments["scale"]
    rows = run_spectral(plan_spectral(place, [card.name], folder=tmp_path, scale=scale), scale=scale).rows
    stated = card.figures["test"]["sets"]["spectral/cave/test"]
    for key, value in stated.items():
        assert sum(row.values[key] for row in rows) / len(rows) == pytest.approx(value, rel=1e-4), key
