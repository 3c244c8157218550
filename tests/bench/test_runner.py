import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import imfuse
from bench_makers import make_set
from imfuse.bench import BenchPlan, BenchResults, Row, plan_bench, run_bench
from imfuse.bench.rows import read_csv
from imfuse.bench.store import RESULTS_NAME
from imfuse.data.whole import read_whole
from imfuse.io import save_image
from imfuse.scoring import score

NAMES = ["a", "b", "c"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> BenchResults:
    folder = tmp_path_factory.mktemp("finished")
    pairs = make_set(folder / "pairs", NAMES)
    return run_bench(plan_bench([pairs], ["auif"], ["en", "scd"], folder=folder / "out", fused=[f"theirs={pairs}/ir"]))


@pytest.fixture
def again(finished: BenchResults, tmp_path: Path) -> Callable[..., BenchPlan]:
    """A copy of the finished folder, and plans for it."""
    shutil.copytree(finished.plan.folder.parent, tmp_path / "copy")
    pairs = tmp_path / "copy" / "pairs"

    def plan(*metrics: str, **options: object) -> BenchPlan:
        fused = [f"theirs={pairs}/ir"]
        chosen = metrics or ("en", "scd")
        return plan_bench([pairs], ["auif"], chosen, folder=tmp_path / "copy" / "out", fused=fused, **options)  # type: ignore[arg-type]

    return plan


def by_key(results: BenchResults) -> dict[tuple[str, str], Row]:
    return {(row.model, row.scene): row for row in results.rows}


def test_a_row_is_what_fusing_saving_and_scoring_by_hand_gives(finished: BenchResults, tmp_path: Path) -> None:
    sources = [finished.plan.data_sets[0].folder / name / "b.png" for name in ("ir", "vis")]
    imfuse.load("auif").fuse(sources).save(tmp_path / "b.png")
    row = by_key(finished)["auif", "b"]
    assert row.values == score(tmp_path / "b.png", sources, ["en", "scd"])
    saved = finished.plan.folder / row.picture
    assert np.array_equal(read_whole(saved), read_whole(tmp_path / "b.png"))
    assert (row.height, row.width, row.device, row.error) == (24, 31, "cpu", "")
    assert row.seconds is not None
    assert row.seconds > 0
    assert row.threads is not None


def test_the_pictures_of_another_program_are_taken_over_pixel_by_pixel(finished: BenchResults) -> None:
    row = by_key(finished)["theirs", "c"]
    source = finished.plan.data_sets[0].folder / "ir" / "c.png"
    assert np.array_equal(read_whole(finished.plan.folder / row.picture), read_whole(source))
    assert (row.kind, row.seconds, row.peak_memory_mib, row.threads, row.device) == ("pictures", None, None, None, "")
    assert row.values == score(source, finished.plan.data_sets[0].scenes[2].sources, ["en", "scd"])


def test_results_are_on_disk_as_they_are_returned(finished: BenchResults) -> None:
    assert tuple(read_csv(finished.plan.folder / RESULTS_NAME)) == finished.rows
    assert (finished.made, len(finished.rows), finished.failures) == (6, 6, [])


def test_what_is_there_is_not_made_again(finished: BenchResults, again: Callable[..., BenchPlan]) -> None:
    results = run_bench(again())
    assert results.rows == finished.rows  # times too: nothing was measured anew
    assert results.made == 0


def test_another_metric_is_computed_on_the_pictures_that_are_there(
    finished: BenchResults, again: Callable[..., BenchPlan]
) -> None:
    results = run_bench(again("sd", "en"))
    assert results.made == 6
    for before, after in zip(finished.rows, results.rows, strict=True):
        assert after.seconds == before.seconds
        assert after.values["en"] == before.values["en"]
        assert after.values["sd"] > 0
    assert run_bench(again("en", "scd")).made == 0  # what an earlier run knew is not forgotten


def test_only_what_depends_on_a_change_is_made_again(finished: BenchResults, again: Callable[..., BenchPlan]) -> None:
    plan = again()
    before = by_key(finished)
    source = plan.data_sets[0].folder / "vis" / "b.png"
    save_image(source, 255 - read_whole(source), overwrite=True)
    after = by_key(run_bench(plan))
    assert {key for key in before if before[key] != after[key]} == {("auif", "b"), ("theirs", "b")}
    assert after["auif", "b"].picture_sha256 != before["auif", "b"].picture_sha256


@pytest.mark.parametrize("damage", ["removed", "cut", "replaced"])
def test_a_picture_that_is_no_longer_the_one_that_was_made_is_made_again(
    finished: BenchResults, again: Callable[..., BenchPlan], damage: str
) -> None:
    plan = again()
    picture = plan.folder / "pictures" / "pairs" / "auif" / "a.png"
    if damage == "removed":
        picture.unlink()
    elif damage == "cut":
        os.truncate(picture, 60)
    else:
        shutil.copy(picture.with_name("b.png"), picture)
    results = run_bench(plan)
    assert results.made == 1
    now, before = by_key(results)["auif", "a"], by_key(finished)["auif", "a"]
    assert replace(now, seconds=None, peak_memory_mib=None) == replace(before, seconds=None, peak_memory_mib=None)


def test_other_weights_of_the_same_name_make_other_rows(
    finished: BenchResults, again: Callable[..., BenchPlan]
) -> None:
    plan = again()
    contender = plan.contenders[0]
    assert contender.card is not None
    other = replace(contender, card=replace(contender.card, sha256="0" * 64))
    results = run_bench(replace(plan, contenders=(other, plan.contenders[1])))
    assert results.made == 3


def test_a_failure_is_recorded_and_does_not_stop_the_rest(tmp_path: Path) -> None:
    pairs = make_set(tmp_path / "pairs", NAMES)
    (pairs / "vis" / "b.png").write_bytes(b"no picture")
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    shutil.copy(pairs / "ir" / "a.png", theirs)
    save_image(theirs / "c.png", np.zeros((5, 5), np.uint8))
    plan = plan_bench([pairs], ["auif"], ["en", "scd"], folder=tmp_path / "out", fused=[f"theirs={theirs}"])
    results = run_bench(plan)
    rows = by_key(results)
    assert {key for key, row in rows.items() if row.error} == {("auif", "b"), ("theirs", "b"), ("theirs", "c")}
    assert "b.png" in rows["auif", "b"].error
    assert "has no picture" in rows["theirs", "b"].error
    assert "31×24" in rows["theirs", "c"].error
    assert rows["theirs", "c"].picture  # it is there, but cannot be scored
    assert rows["auif", "c"].values.keys() == {"en", "scd"}
    assert results.uncounted(plan.data_sets[0]) == ["b"]  # nobody has it, so it says nothing of anybody
    assert [(one.model, one.complete) for one in results.standings(plan.data_sets[0])] == [
        ("auif", True),
        ("theirs", False),
    ]
    # Mended, it is made; the others stay.
    shutil.copy(pairs / "ir" / "b.png", pairs / "vis" / "b.png")
    mended = by_key(run_bench(plan))
    assert mended["auif", "b"].error == ""
    assert mended["auif", "a"] == rows["auif", "a"]


def test_weights_that_cannot_be_loaded_fail_their_model_alone(tmp_path: Path) -> None:
    pairs = make_set(tmp_path / "pairs", NAMES)
    card = next(card for card in imfuse.list_models() if card.name == "auif")
    assert card.path is not None
    for path in (card.path, card.weights_path):
        shutil.copy(path, tmp_path)
    (tmp_path / "auif.safetensors").write_bytes(b"damaged")
    models = ["auif", f"damaged={tmp_path}/auif.safetensors"]
    results = run_bench(plan_bench([pairs], models, ["en"], folder=tmp_path / "out"))
    assert [row.model for row in results.failures] == ["damaged"] * 3
    assert all("SHA-256 differs" in row.error for row in results.failures)
    (first, _) = results.standings(results.plan.data_sets[0])
    assert (first.model, first.mean_rank) == ("auif", 1.0)


def test_a_stopped_run_keeps_what_is_done_and_goes_on(tmp_path: Path) -> None:
    pairs = make_set(tmp_path / "pairs", NAMES)
    plan = plan_bench([pairs], ["auif"], ["en"], folder=tmp_path / "out")
    begun: list[str] = []
    results = run_bench(plan, progress=lambda cell, done: begun.append(cell.scene.name), stop=lambda: len(begun) == 2)
    assert (results.interrupted, [row.scene for row in results.rows]) == (True, ["a", "b"])
    rest = run_bench(plan)
    assert (rest.interrupted, rest.made) == (False, 1)
    assert rest.rows[:2] == results.rows


def test_an_exception_in_between_loses_nothing_that_was_done(tmp_path: Path) -> None:
    pairs = make_set(tmp_path / "pairs", NAMES)
    plan = plan_bench([pairs], ["auif"], ["en"], folder=tmp_path / "out")

    def interrupt(_: object, done: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_bench(plan, progress=interrupt)
    assert [row.scene for row in read_csv(plan.folder / RESULTS_NAME)] == ["a", "b"]


def test_a_metric_for_which_a_picture_is_too_small_stays_empty_and_the_others_are_there(tmp_path: Path) -> None:
    pairs = make_set(tmp_path / "pairs", NAMES)  # 24×31: VIF needs 41 pixels, NIQE more
    plan = plan_bench([pairs], ["average"], ["en", "vif", "niqe", "scd"], folder=tmp_path / "out")
    for _ in range(2):
        results = run_bench(plan)
        assert not results.failures
        assert all(row.values.keys() == {"en", "scd"} for row in results.rows)
