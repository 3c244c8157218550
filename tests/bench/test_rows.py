import math
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench_makers import row
from imfuse.bench.rows import read_csv, to_csv
from imfuse.bench.store import RESULTS_NAME, STATE_NAME, Store
from imfuse.errors import DataError

_text = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=12)


@given(st.floats(allow_nan=False), st.floats(allow_nan=False, allow_infinity=False), _text, _text)
def test_rows_come_back_with_every_digit(tmp_path_factory: pytest.TempPathFactory, value, seconds, name, words) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path_factory.mktemp("rows") / "rows.csv"
    full = replace(row("model", name, en=value), seconds=seconds, height=3, width=5, threads=2, error=words)
    bare = row("model", "other")
    path.write_text(to_csv([full, bare], ["en", "sd"]), encoding="utf-8", newline="")
    assert read_csv(path) == [full, bare]


def test_what_is_not_a_number_stays_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(to_csv([row("a", "1", en=math.nan, sd=math.inf)], ["en", "sd"]))
    (found,) = read_csv(tmp_path / "rows.csv")
    assert math.isnan(found.values["en"])
    assert found.values["sd"] == math.inf


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="not the results of a benchmark"):
        read_csv(path)


def test_results_are_those_asked_for_and_nothing_else_is_lost(tmp_path: Path) -> None:
    store = Store(tmp_path, [("set", "a", "1"), ("set", "a", "2")], ["en"])
    for one in (row("a", "2", en=2.0), row("a", "1", en=1.0, sd=5.0)):
        store.put(one)
    store.write()
    assert [one.scene for one in read_csv(tmp_path / RESULTS_NAME)] == ["1", "2"]  # in the plan's order
    later = Store(tmp_path, [("set", "b", "1")], ["en"])
    later.put(row("b", "1", en=3.0))
    later.write()
    assert [one.model for one in read_csv(tmp_path / RESULTS_NAME)] == ["b"]
    assert {one.key: one.values for one in read_csv(tmp_path / STATE_NAME)} == {
        ("set", "a", "2"): {"en": 2.0},
        ("set", "a", "1"): {"en": 1.0, "sd": 5.0},
        ("set", "b", "1"): {"en": 3.0},
    }
