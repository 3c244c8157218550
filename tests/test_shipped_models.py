"""What the cards of the built-in models say holds."""

from pathlib import Path

import pytest

import imfuse
from imfuse.bench.spectral import plan_spectral, run_spectral
from imfuse.registry import WEIGHTS_FOLDER, ModelCard, file_hash
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
@pytest.mark.parametrize(
    "name", [card.name for card in imfuse.list_models(kind="learned") if "spectral" not in card.tasks]
)
def test_the_cards_figures_are_reproduced(data_dir: Path, name: str) -> None:
    fuser = imfuse.load(name)
    sets = fuser.card.figures["test"]["sets"]
    name = "flir_test" if "flir_test" in sets else "infrared/tno25"
    stated = sets[name]
    folder = data_dir / "infrared" / name.removeprefix("infrared/")
    scores = means(score_pairs(fuser.network, pairs_of(folder), list(stated)))
    # JPEG decoders differ by a few levels in a few pixels.
    assert scores == pytest.approx(stated, rel=2e-3)


@pytest.mark.data
@pytest.mark.parametrize("card", imfuse.list_models("spectral", kind="learned"), ids=lambda card: card.name)
def test_the_figures_of_spectral_cards_are_reproduced(data_dir: Path, tmp_path: Path, card: ModelCard) -> None:
    place, scale = data_dir / "spectral/cave/test", card.arguments["scale"]
    rows = run_spectral(plan_spectral(place, [card.name], folder=tmp_path, scale=scale), scale=scale).rows
    stated = card.figures["test"]["sets"]["spectral/cave/test"]
    for key, value in stated.items():
        assert sum(row.values[key] for row in rows) / len(rows) == pytest.approx(value, rel=1e-4), key
