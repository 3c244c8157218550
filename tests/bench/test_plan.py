from pathlib import Path

import pytest

from bench_makers import make_set
from imfuse.bench import BenchPlan, plan_bench
from imfuse.errors import UsageError, WeightsError
from imfuse.registry import list_models

NAMES = [f"{number:02}" for number in range(10)]


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_set(tmp_path_factory.mktemp("sets") / "pairs", NAMES, (4, 4))


def scenes(plan: BenchPlan) -> list[str]:
    return [scene.name for scene in plan.data_sets[0].scenes]


def test_all_stands_for_every_model_of_the_task(pairs: Path) -> None:
    plan = plan_bench([pairs])
    assert [one.name for one in plan.contenders] == [card.name for card in list_models("infrared")]
    learned = plan_bench([pairs], ["learned"])
    assert [one.name for one in learned.contenders] == [card.name for card in list_models("infrared", "learned")]
    assert {one.kind for one in learned.contenders} == {"learned"}


def test_a_model_named_twice_counts_once(pairs: Path) -> None:
    plan = plan_bench([pairs], ["auif", "learned", "auif"])
    assert [one.name for one in plan.contenders].count("auif") == 1


def test_subsets(pairs: Path) -> None:
    assert scenes(plan_bench([pairs], ["auif"])) == NAMES
    assert scenes(plan_bench([pairs], ["auif"], images=2)) == ["02", "07"]  # the middles of both halves
    assert scenes(plan_bench([pairs], ["auif"], images=99)) == NAMES
    assert plan_bench([pairs], ["auif"], images=1).subset == "at most 1 scene of each data set, spread evenly"
    assert scenes(plan_bench([pairs], ["auif"], scenes=["07", "01"])) == ["01", "07"]
    drawn = scenes(plan_bench([pairs], ["auif"], images=4, seed=5))
    assert drawn == scenes(plan_bench([pairs], ["auif"], images=4, seed=5)) == sorted(set(drawn))
    assert len({tuple(scenes(plan_bench([pairs], ["auif"], images=4, seed=seed))) for seed in range(5)}) > 1


def test_cells_are_every_scene_of_every_model_once(pairs: Path) -> None:
    plan = plan_bench([pairs], ["auif", "csc-ivfn"])
    keys = [cell.key for cell in plan.cells()]
    assert keys == [("pairs", model, name) for model in ("auif", "csc-ivfn") for name in NAMES]
    assert len({cell.picture for cell in plan.cells()}) == len(keys)


def test_metrics_that_were_asked_for_in_vain_are_told(pairs: Path) -> None:
    plan = plan_bench([pairs], ["auif"], ["en", "psnr"])
    assert plan.metrics == {"pairs": ("en",)}
    assert plan.left_out == ("pairs: PSNR needs a ground truth",)
    with pytest.raises(UsageError, match="none of the metrics can be had for its scenes: PSNR needs a ground truth"):
        plan_bench([pairs], ["auif"], ["psnr"])


def test_what_cannot_be_served_is_refused_before_anything_is_made(pairs: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    other = make_set(tmp_path / "pairs", ["1"], (4, 4))
    for wrong, message in (
        (lambda: plan_bench([pairs], ["nothing"]), "unknown model 'nothing'"),
        (lambda: plan_bench([pairs], []), "nothing to compare"),
        (lambda: plan_bench([pairs], ["auif"], ["nothing"]), "unknown metric nothing"),
        (lambda: plan_bench([pairs], ["auif"], scenes=["99"]), "no data set has a scene '99'"),
        (lambda: plan_bench([pairs], ["auif"], images=0), "0 images"),
        (lambda: plan_bench([pairs], ["auif"], seed=3), "seed 3 draws scenes at random, but all are taken"),
        (lambda: plan_bench([pairs, other], ["auif"]), "are both called 'pairs'"),
        (lambda: plan_bench([], ["auif"]), "no data set"),
        (lambda: plan_bench([pairs], [], fused=["a"]), "NAME=FOLDER"),
        (lambda: plan_bench([pairs], [], fused=[f"a={tmp_path}/nowhere"]), "is not a folder"),
        (lambda: plan_bench([pairs], [], fused=[f"a={tmp_path}/empty"]), "holds no picture of any scene that is taken"),
        (lambda: plan_bench([pairs], ["auif"], fused=[f"auif={pairs}/ir"]), "'auif' is taken"),
        (lambda: plan_bench([pairs], ["auif"], folder=pairs / "ir" / ".."), "is the folder of a data set"),
        (lambda: plan_bench([pairs], ["a/b=auif"]), "go into a folder of that name"),
        (lambda: plan_bench([pairs], [], fused=[f"..={pairs}/ir"]), "go into a folder of that name"),
    ):
        with pytest.raises(UsageError, match=message):
            wrong()
    with pytest.raises(WeightsError):
        plan_bench([pairs], [str(tmp_path / "nowhere.safetensors")])


def test_a_second_model_of_one_name_wants_another(pairs: Path) -> None:
    path = next(card for card in list_models() if card.name == "auif").weights_path
    with pytest.raises(UsageError, match=r"two models are called 'auif'.*NAME="):
        plan_bench([pairs], ["auif", str(path)])
    plan = plan_bench([pairs], ["auif", f"mine={path}"])
    assert [one.name for one in plan.contenders] == ["auif", "mine"]
