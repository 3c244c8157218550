import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import imfuse
from imfuse.bench import run_bench
from imfuse.bench.overlap import training_overlap
from imfuse.bench.published_tables import published_names, published_table
from imfuse.bench.reproduce import as_markdown, as_plain, compare
from imfuse.bench.reproduction import plan_reproduction, reproduced
from imfuse.cli import app
from imfuse.errors import DataError, UsageError
from imfuse.io import save_image
from imfuse.metrics import METRICS


def test_all_tables_of_the_papers_are_there() -> None:
    expected = ["auif-table2", "auif-table3", *(f"deep-csc-table{i}" for i in (2, 3, 4))]
    expected += [*(f"fnet-table{i}" for i in (1, 2, 3)), *(f"ifcnn-table{i}" for i in (1, 2, 3, 4, 5))]
    assert published_names() == expected
    with pytest.raises(UsageError, match="choose one of auif-table2"):
        published_table("table9")


@pytest.mark.parametrize("name", published_names())
def test_every_row_has_a_figure_in_every_column(name: str) -> None:
    table = published_table(name)
    assert table.name == name
    for part in table.sets:
        assert part.columns
        assert set(part.columns) <= table.metrics.keys()
        assert all(len(values) == len(part.columns) for values in part.values.values())
        assert all(value.is_finite() for values in part.values.values() for value in values)
    assert {key for part in table.sets for key in table.keys(part.columns)} <= METRICS.keys() | {"seconds"}


def test_the_published_means_follow_from_the_scenes() -> None:
    """Table IV of Deep CSC prints its scenes and their mean: what was read must agree with itself."""
    *scenes, mean = published_table("deep-csc-table4").sets
    # The mean of MAPSMM's, GLPHS's … PSNR is printed from unrounded figures.
    for method, printed in mean.values.items():
        for column, value in enumerate(printed):
            assert abs(sum(scene.values[method][column] for scene in scenes) / 6 - value) < 2e-4, method


def test_figures_of_the_papers_that_are_known_by_heart() -> None:
    rows = {
        ("deep-csc-table2", 2, "CSC-IVFN"): "6.91 2.50 46.97 12.88 0.62 4.22 1.70",
        ("auif-table3", 0, "AUIF"): "7.0217 42.1322 13.6589 0.6921 4.4443 1.8583",
        ("fnet-table1", 0, "FNet"): "2.57 0.80 0.57 1.05",
        ("ifcnn-table1", 0, "IFCNN-MAX"): "0.9823 0.6293 0.9034 19.42 2.886",
    }
    for (name, place, method), printed in rows.items():
        assert " ".join(map(str, published_table(name).sets[place].values[method])) == printed


@pytest.mark.parametrize("name", ["ifcnn-table1", "ifcnn-table2", "ifcnn-table3"])
def test_no_difference_is_taken_between_variants_of_a_metric(name: str) -> None:
    """IFCNN's VIFF, ISSIM and NMI see one source alone: a difference from ours would mean nothing."""
    table = published_table(name)
    measured = {"guided-filter": {"viff": 0.5, "issim": 0.8, "nmi": 0.3, "sf": 20.0, "ag-ifcnn": 3.0}}
    compared = compare(table, table.sets[0], measured, lambda model: None)
    *others, sf, ag = compared.rows["guided-filter"]
    assert all(cell is not None and cell.value > 0 and math.isnan(cell.difference) for cell in others)
    assert sf is not None and sf.difference == 20.0 - float(table.sets[0].values["GFF"][3])
    assert ag is not None and not math.isnan(ag.difference)
    text = as_markdown(table, [compared])
    assert "| 0.500 ≠ | 0.800 ≠ | 0.300 ≠ | 20.000 (" in text
    assert text.count("another variant (≠): no difference is taken; the paper's") == 3
    assert as_plain(table, [compared])["sets"][0]["not_comparable"] == ["VIFF", "ISSIM", "NMI"]  # type: ignore[index]


def test_training_data_are_marked() -> None:
    for name in ("auif", "csc-ivfn"):
        card = imfuse.load(name).card
        assert card is not None
        assert training_overlap(card, "roadscene50") == (
            f"40 of its 50 scenes lie in flir_train, on which {name} was trained"
        )
        assert training_overlap(card, "flir_train") == f"{name} was trained on it"
        assert training_overlap(card, "flir_test") is None
        assert training_overlap(card, "tno40") is None
    assert training_overlap(None, "roadscene50") is None


def test_scenes_that_a_training_left_out_are_not_marked() -> None:
    card = imfuse.load("auif").card
    assert card is not None
    for words, marked in (
        ("180 pairs", True),
        ("180 pairs; without the scenes of tno25, roadscene50", False),
        ("180 pairs; without the scenes of tno25; not of roadscene50", True),
    ):
        overlap = training_overlap(dataclasses.replace(card, data={"flir_train": words}), "roadscene50")
        assert (overlap is not None) == marked


def test_ours_stands_beside_theirs_with_the_difference() -> None:
    table = published_table("auif-table3")
    part = table.sets[0]
    measured = {"auif": {"en": 7.0, "sd": 45.0, "viff": 0.64, "ag": 4.0}, "average": {"en": 6.0}}
    compared = compare(table, part, measured, lambda model: "all of it" if model == "average" else None, ["no adf"])
    cells = compared.rows["auif"]
    assert cells[0] is not None
    assert cells[0].value - cells[0].difference == pytest.approx(7.0217, abs=1e-12)
    assert cells[2] is None  # another spatial frequency
    assert cells[5] is not None and math.isnan(cells[5].value)
    text = as_markdown(table, [compared])
    assert "| AUIF, as printed | 7.0217 | 42.1322 | 13.6589 | 0.6921 | 4.4443 | 1.8583 |" in text
    assert "| **auif**, measured (for AUIF) | 7.000 (-0.022) | 45.000 (+2.868) | – | 0.640 (-0.052) |" in text
    assert "| **average**, measured | 6.000† |" in text
    assert "† all of it." in text
    assert "no adf." in text
    plain = json.loads(json.dumps(as_plain(table, [compared]), allow_nan=False))
    assert plain["sets"][0]["measured"]["auif"] == [7.0, 45.0, None, 0.64, 4.0, None]


def make_set(folder: Path, *roles: str) -> None:
    for number, role in enumerate(roles):
        (folder / role).mkdir(parents=True)
        for scene in range(2):
            pixels = np.random.default_rng(10 * scene + number).integers(0, 256, (60, 64), dtype=np.uint8)
            save_image(folder / role / f"{scene}.png", pixels)


def test_a_table_is_measured_on_the_sets_that_are_found(tmp_path: Path) -> None:
    make_set(tmp_path / "data/infrared/tno40", "ir", "vis")
    table = published_table("auif-table3")
    plan = plan_reproduction(table, [tmp_path / "data"], ["auif"], folder=tmp_path / "bench")
    assert plan is not None
    assert [data_set.name for data_set in plan.data_sets] == ["tno40"]
    assert plan.metrics == {"tno40": ("en", "sd", "viff", "ag", "scd")}
    results = run_bench(plan)
    tno, flir, _ = reproduced(table, results)
    for column, key in ((0, "en"), (3, "viff")):
        cell = tno.rows["auif"][column]
        assert cell is not None
        assert cell.value == pytest.approx(sum(row.values[key] for row in results.rows) / 2, rel=1e-12)
    assert flir.rows == {}
    assert flir.missing == ("Nothing is measured: flir_test is not in the given folders",)


def test_training_data_are_marked_in_the_table(tmp_path: Path) -> None:
    make_set(tmp_path / "roadscene50", "ir", "vis")
    table = published_table("fnet-table1")
    plan = plan_reproduction(table, [tmp_path / "roadscene50"], ["auif"], folder=tmp_path / "bench")
    assert plan is not None
    parts = reproduced(table, run_bench(plan))
    text = as_markdown(table, parts)
    assert "† 40 of its 50 scenes lie in flir_train, on which auif was trained." in text
    assert all(cell is not None and cell.marked for cell in parts[1].rows["auif"])


def test_tables_without_data_are_printed_all_the_same(tmp_path: Path) -> None:
    for name, words in (("auif-table2", "not to be had here"), ("fnet-table2", "not to be had here")):
        table = published_table(name)
        assert plan_reproduction(table, [tmp_path], folder=tmp_path) is None
        assert words in as_markdown(table, reproduced(table, None))
    with pytest.raises(DataError, match="lytro20"):
        plan_reproduction(published_table("ifcnn-table1"), [tmp_path], folder=tmp_path)


def test_the_command_prints_and_writes_the_table(tmp_path: Path) -> None:
    make_set(tmp_path / "data/tno40", "ir", "vis")
    out = tmp_path / "out"
    command = ["bench", str(tmp_path / "data"), "--reproduce", "auif-table3", "--models", "auif", "-o", str(out)]
    done = CliRunner().invoke(app, [*command, "--quiet"])
    assert done.exit_code == 0
    text = (out / "auif-table3.md").read_text(encoding="utf-8")
    assert text.strip() in done.stdout
    assert json.loads((out / "auif-table3.json").read_text(encoding="utf-8"))["table"] == "auif-table3"
    assert (out / "results.csv").is_file()
    refused = CliRunner().invoke(app, [*command, "--metrics", "en"])
    assert isinstance(refused.exception, UsageError)
    assert "--metrics" in str(refused.exception)
