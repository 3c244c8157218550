from pathlib import Path

import pytest
from typer.testing import CliRunner

from imfuse.cli import app
from imfuse.data.sets import read_data_set
from imfuse.data.splits import MISALIGNED_BRACKETS, misaligned_brackets
from imfuse.errors import UsageError
from imfuse.train import bracket_runs


def test_the_misaligned_scenes_are_those_of_the_sets_that_are_given() -> None:
    assert misaligned_brackets(["mine", "pmef15"]) == ("pmef15/Night", "pmef15/Candle", "pmef15/TableLamp")
    assert len(misaligned_brackets(MISALIGNED_BRACKETS)) == 16
    for sets in ([], ["mine"]):
        with pytest.raises(UsageError, match="no misaligned scenes are known of"):
            misaligned_brackets(sets)


def test_training_leaves_them_out_by_their_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked for on the command line is what the training is told to skip, scene by scene."""
    pytest.importorskip("lightning")
    given: list[bracket_runs.BracketData] = []

    def train(config: object, data: bracket_runs.BracketData, *rest: object, **options: object) -> None:
        given.append(data)
        raise UsageError("enough")

    monkeypatch.setattr(bracket_runs, "train_bracket_seeds", train)
    arguments = ["--data", "sets/pmef15", "--data", "mine", "--skip", "mine/a", "--run", str(tmp_path)]
    CliRunner().invoke(app, ["train", "csc-mefn", *arguments, "--skip", "misaligned"])
    CliRunner().invoke(app, ["train", "csc-mefn", *arguments])
    assert [set(data.skip) for data in given] == [
        {"mine/a", "pmef15/Night", "pmef15/Candle", "pmef15/TableLamp"},
        {"mine/a"},
    ]
    assert given[0].words()["left out"] == "mine/a, pmef15/Candle, pmef15/Night, pmef15/TableLamp"


@pytest.mark.data
def test_they_are_there(data_dir: Path) -> None:
    for name, scenes in MISALIGNED_BRACKETS.items():
        assert {scene.name for scene in read_data_set(data_dir / "exposure" / name, "exposure").scenes} > set(scenes)
