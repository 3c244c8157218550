"""Trained models and methods without weights, found by name."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import imfuse
from imfuse.cli import app
from imfuse.errors import UsageError, WeightsError
from imfuse.registry import CLASSICAL, NETWORKS, ModelCard, find_card, load_network, read_card, write_card
from imfuse.tasks import TASKS

TASK_NAMES = {"infrared", "medical", "focus", "exposure", "spectral"}


def test_cards_are_read_without_torch() -> None:
    code = "import sys, imfuse; imfuse.list_models(); print({'torch', 'numpy', 'cv2'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "set()"


def test_trained_models_come_first_and_names_are_unique() -> None:
    cards = imfuse.list_models()
    assert [card.learned for card in cards] == sorted((card.learned for card in cards), reverse=True)
    assert len({card.name for card in cards}) == len(cards)
    assert cards == imfuse.list_models(kind="learned") + imfuse.list_models(kind="classical")
    for task in TASK_NAMES:
        assert imfuse.list_models(task) == [card for card in cards if task in card.tasks]
    with pytest.raises(UsageError, match=r"'focsu': choose one of infrared, .*focus"):
        imfuse.list_models("focsu")
    with pytest.raises(UsageError, match="'trained': choose one of learned, classical"):
        imfuse.list_models(kind="trained")  # type: ignore[arg-type]


@pytest.mark.parametrize("card", CLASSICAL, ids=lambda card: card.name)
def test_classical_cards_are_complete(card: ModelCard) -> None:
    assert not card.learned
    assert card.parameters == 0
    assert card.network in NETWORKS
    assert card.paper
    assert set(card.tasks) <= TASK_NAMES
    assert "Apache-2.0" in card.licence
    assert find_card(card.name) == card
    with pytest.raises(WeightsError, match="no weights"):
        _ = card.weights_path


@pytest.mark.parametrize("card", [card for card in CLASSICAL if card.tasks[0] in TASKS], ids=lambda card: card.name)
def test_classical_methods_are_loaded_as_trained_ones_are(card: ModelCard) -> None:
    fuser = imfuse.load(card.name)
    assert fuser.card == card
    assert not fuser.network.training
    assert not list(fuser.network.parameters())


def test_the_networks_of_cards_take_their_arguments() -> None:
    for card in CLASSICAL:
        if "spectral" not in card.tasks:
            network = load_network(card)
            for name, value in card.arguments.items():
                assert getattr(network, name) == value
    wrong = dataclasses.replace(find_card("laplacian-pyramid"), arguments={"depth": 3})
    with pytest.raises(WeightsError, match="arguments"):
        load_network(wrong)


def test_a_file_is_no_classical_method(tmp_path: Path) -> None:
    """A card from a stranger names the hash of its weights; so a file cannot pass for what needs none."""
    path = tmp_path / "average.json"
    write_card(find_card("average"), path)
    with pytest.raises(WeightsError, match="sha256"):
        read_card(path)


def test_the_table_shows_learned_and_classical_apart() -> None:
    run = CliRunner()
    shown = run.invoke(app, ["models"]).stdout
    trained, classical = shown.index("Trained models"), shown.index("Classical methods")
    assert trained < shown.index("auif") < classical < shown.index("laplacian-pyramid")
    entries = {entry["name"]: entry for entry in json.loads(run.invoke(app, ["models", "--json"]).stdout)}
    assert (entries["auif"]["kind"], entries["adf"]["kind"]) == ("learned", "classical")
    assert entries["adf"]["path"] is None
    shown = run.invoke(app, ["models", "--task", "Spectral"]).stdout
    assert "cnmf" in shown
    assert "auif" not in shown
    shown = run.invoke(app, ["doctor"]).stdout
    assert "needs no weights" in shown
    assert "weights sound" in shown


def test_a_part_of_another_model_can_be_named_and_is_not_listed() -> None:
    assert find_card("fnet").inverse == find_card("fnet-inverse").name
    assert "fnet-inverse" not in {card.name for card in imfuse.list_models()}
