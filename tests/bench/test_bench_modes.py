"""Models for brackets at their modes: fast or not, stretched or not."""

from pathlib import Path

import numpy as np
import pytest

import imfuse
from bench_makers import make_set
from helpers import settled_csc_mefn
from imfuse.bench import plan_bench, run_bench
from imfuse.bench.surroundings import surroundings
from imfuse.data.samples import exposure_stack
from imfuse.data.whole import read_whole
from imfuse.errors import UsageError
from imfuse.io import save_image
from imfuse.train.export import save_model

WORDS = ["+no-stretch", "+stretch", "+fast+no-stretch", ""]


@pytest.fixture(scope="module")
def brackets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set of one bracket of three, 40×48."""
    folder = tmp_path_factory.mktemp("sets") / "brackets"
    (folder / "table").mkdir(parents=True)
    (folder / "dataset.toml").write_text('task = "exposure"\n')
    for index, picture in enumerate(exposure_stack("table", (-2, 0, 2), 40, 48).pictures):
        save_image(folder / "table" / f"{index}.png", picture)
    return folder


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "mine.safetensors"
    words = {"paper": "", "data": {}, "recipe": {}, "selection": "", "figures": {}}
    arguments = {"filters": 3}
    network = settled_csc_mefn(**arguments)
    save_model(network, path, network="csc_mefn", arguments=arguments, tasks=("exposure",), **words)  # type: ignore[arg-type]
    return path


def test_every_mode_gives_what_fusing_in_it_gives(brackets: Path, weights: Path, tmp_path: Path) -> None:
    models = [f"{weights}{word}" for word in WORDS] + [f"quick={weights}+fast"]
    plan = plan_bench([brackets], models, ["sd"], folder=tmp_path / "out")
    names = [*(f"mine{word}" for word in WORDS), "quick"]
    assert [one.name for one in plan.contenders] == names
    results = run_bench(plan)
    assert not results.failures
    modes = [(False, False), (False, True), (True, False), (False, None), (True, None)]
    pictures = {}
    for row, (fast, stretch) in zip(results.rows, modes, strict=True):
        fuser = imfuse.load(weights, task="exposure", fast=fast)
        expected = fuser.fuse(plan.data_sets[0].scenes[0].sources, stretch=stretch).image
        pictures[row.model] = read_whole(plan.folder / row.picture)
        assert np.array_equal(pictures[row.model], expected)
    # By itself this model stretches, and no two of the others are alike.
    assert np.array_equal(pictures["mine"], pictures["mine+stretch"])
    assert len({picture.tobytes() for picture in pictures.values()}) == 4
    assert len({row.settings for row in results.rows}) == 5  # which is told to stretch depends on that word


def test_a_mode_is_another_contender_and_goes_on_as_such(brackets: Path, weights: Path, tmp_path: Path) -> None:
    def run(mode: str) -> int:
        return run_bench(plan_bench([brackets], [f"it={weights}{mode}"], ["sd"], folder=tmp_path / "out")).made

    assert [run(""), run(""), run("+stretch"), run("+stretch"), run("+fast")] == [1, 0, 1, 0, 1]
    with pytest.raises(UsageError, match="two models are called 'it'"):
        plan_bench([brackets], [f"it={weights}", f"it={weights}+fast"])


def test_the_cost_of_the_fast_mode_is_its_own(brackets: Path, weights: Path, tmp_path: Path) -> None:
    plan = plan_bench([brackets], [str(weights), f"{weights}+fast"], ["sd"], folder=tmp_path / "out")
    costs = surroundings(run_bench(plan)).costs
    whole, fast = (costs[name].multiplications for name in ("mine", "mine+fast"))
    assert whole is not None
    assert fast is not None
    assert 0 < fast < whole / 8


def test_modes_are_for_brackets_alone(brackets: Path, weights: Path, tmp_path: Path) -> None:
    pairs = make_set(tmp_path / "pairs", ["a"], (4, 4))
    for folders, model in (
        ([pairs], "average+stretch"),
        ([brackets], "auif+stretch"),
        ([pairs, brackets], "auif+fast"),
    ):
        with pytest.raises(UsageError, match="are for models and data sets of task 'exposure' alone"):
            plan_bench(folders, [model])
    plan = plan_bench([pairs, brackets], ["average", "average+stretch"], folder=tmp_path / "out")
    assert [cell.key[:2] for cell in plan.cells()] == [
        ("pairs", "average"),
        ("brackets", "average"),
        ("brackets", "average+stretch"),
    ]
    with pytest.raises(UsageError, match=r"unknown model 'average\+slow'"):
        plan_bench([brackets], ["average+slow"])
    results = run_bench(plan_bench([brackets], ["average+fast"], ["sd"], folder=tmp_path / "out"))
    assert ["no fast mode" in row.error for row in results.rows] == [True]
