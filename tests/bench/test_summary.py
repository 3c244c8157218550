import re
from dataclasses import replace

import pytest

from bench_makers import make_set
from imfuse.bench import BenchResults, plan_bench
from imfuse.bench.cost import Cost
from imfuse.bench.remarks import Overlap, metric_mark, overlap
from imfuse.bench.rows import Row
from imfuse.bench.summary import escaped, markdown, number
from imfuse.bench.surroundings import Surroundings

AROUND = Surroundings({"auif": Cost(23151, 1009.0)}, (), {"processor": "one"}, {"imfuse": "0"}, "2026-01-01 00:00")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> BenchResults:
    """Two models on two scenes, with values that the test knows."""
    folder = tmp_path_factory.mktemp("summary")
    pairs = make_set(folder / "pairs", ["a", "b"], (4, 4))
    plan = plan_bench([pairs], ["auif"], ["en", "scd", "vif"], folder=folder, fused=[f"theirs={pairs}/ir"])
    values = {"auif": [(6.0, 1.5, 0.5), (7.0, 1.25, 0.5)], "theirs": [(5.0, 1.0, 1.0), (5.0, 1.0, 1.0)]}
    rows = [
        Row("pairs", "infrared", model, "learned", scene, dict(zip(("en", "scd", "vif"), figures, strict=True)))
        for model, both in values.items()
        for scene, figures in zip("ab", both, strict=True)
    ]
    return BenchResults(plan, tuple(rows), made=4)


def cells(text: str, model: str) -> list[str]:
    line = next(line for line in text.splitlines() if line.startswith(f"| {model}"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_best_in_bold_second_in_italics_with_ranks_and_places(results: BenchResults) -> None:
    text = markdown(results, AROUND)
    assert cells(text, "model")[:7] == ["model", "mean rank", "1st", "2nd", "EN ↑‡", "SCD ↑", "VIF ↑†"]
    assert cells(text, "auif")[:7] == [
        "auif",
        "1.33",
        "2",
        "1",
        "**6.500** ± 0.707",
        "**1.375** ± 0.177",
        "*0.500* ± 0.000",
    ]
    assert cells(text, "theirs")[1:4] == ["1.67", "1", "2"]
    assert text.index("| auif |") < text.index("| theirs |")


def test_what_figures_mean_stands_beside_them(results: BenchResults) -> None:
    text = markdown(results, AROUND)
    card = results.plan.contenders[0].card
    assert card is not None
    for needed in (
        card.sha256,
        "23,151",
        "1,009",
        "pixelwise maximum",
        "Noise raises",
        "Sheikh and Bovik",
        "median wall time",
        "- processor: one",
        "Not counted: element by element",
    ):
        assert needed in text
    assert "trained on scenes" not in text
    assert "Not ranked" not in text


def test_marks_stand_at_the_metrics_that_mislead() -> None:
    assert {key: metric_mark(key) for key in ("mi", "mi-bits", "vif", "qabf", "en", "sf", "ag", "ag-ifcnn")} == {
        **dict.fromkeys(("mi", "mi-bits", "vif", "qabf"), "†"),
        **dict.fromkeys(("en", "sf", "ag", "ag-ifcnn"), "‡"),
    }
    assert metric_mark("scd") == ""


def test_training_data_in_a_set_is_marked_where_the_figures_stand(results: BenchResults) -> None:
    around = replace(AROUND, overlaps=(Overlap("auif", "pairs", "1 of 2 scenes"), Overlap("theirs", "else", "no")))
    text = markdown(results, around)
    assert cells(text, "auif §")[0] == "auif §"
    assert "§ auif: 1 of 2 scenes" in text
    assert "theirs §" not in text


def test_who_is_not_ranked_is_said(results: BenchResults) -> None:
    text = markdown(replace(results, rows=results.rows[1:], interrupted=True), AROUND)
    assert cells(text, "auif")[:4] == ["auif (1 of 2)", "–", "–", "–"]
    assert "Not ranked" in text
    assert "stopped before its end" in text


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.0, "1.000"), (-0.25, "−0.250"), (0.00123, "0.00123"), (float("nan"), "–"), (None, "–"), (float("inf"), "∞")],
)
def test_numbers(value: float | None, text: str) -> None:
    assert number(value) == text


def test_text_cannot_become_markup() -> None:
    assert escaped("a|b\n<i>_*c") == "a\\|b \\<i\\>\\_\\*c"
    assert not re.search(r"(?<!\\)[|<>*_`\[\]#]", escaped("|<>*_`[]#\\"))


def test_a_model_is_marked_on_what_its_card_names_as_training_data(results: BenchResults) -> None:
    ours, theirs = results.plan.contenders
    assert ours.card is not None
    trained_on = next(iter(ours.card.data))
    known = replace(results.plan.data_sets[0], name=trained_on)
    found = overlap(ours, known)
    assert found is not None
    assert (found.model, found.data_set) == ("auif", trained_on)
    assert overlap(theirs, known) is None
    assert overlap(ours, results.plan.data_sets[0]) is None
