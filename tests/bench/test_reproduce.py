import json
import math

import pytest

import imfuse
from imfuse.bench.overlap import training_overlap
from imfuse.bench.published_tables import published_names, published_table
from imfuse.bench.reproduce import as_markdown, as_plain, compare
from imfuse.errors import UsageError
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
        assert not any(math.isnan(value) for values in part.values.values() for value in values)
    assert {key for part in table.sets for key in table.keys(part.columns)} <= METRICS.keys() | {"seconds"}


def test_the_published_means_follow_from_the_scenes() -> None:
    """Table IV of Deep CSC prints its scenes and their mean: what was read must agree with itself."""
    *scenes, mean = published_table("deep-csc-table4").sets
    # The mean of MAPSMM's, GLPHS's … PSNR is printed from unrounded figures.
    for method, printed in mean.values.items():
        for column, value in enumerate(printed):
            assert sum(scene.values[method][column] for scene in scenes) / 6 == pytest.approx(value, abs=2e-4), method


def test_figures_of_the_papers_that_are_known_by_heart() -> None:
    assert published_table("deep-csc-table2").sets[2].values["CSC-IVFN"] == (6.91, 2.50, 46.97, 12.88, 0.62, 4.22, 1.70)
    assert published_table("auif-table3").sets[0].values["AUIF"] == (7.0217, 42.1322, 13.6589, 0.6921, 4.4443, 1.8583)
    assert published_table("fnet-table1").sets[0].values["FNet"] == (2.57, 0.80, 0.57, 1.05)
    assert published_table("ifcnn-table1").sets[0].values["IFCNN-MAX"] == (0.9823, 0.6293, 0.9034, 19.42, 2.886)


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
