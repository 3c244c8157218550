from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from imfuse import cli
from imfuse.io import save_image


@pytest.fixture
def pair(tmp_path: Path) -> list[str]:
    rng = np.random.default_rng(0)
    paths = [tmp_path / "thermal.png", tmp_path / "visible.png"]
    save_image(paths[0], rng.integers(7000, 8000, (30, 40), np.uint16))
    save_image(paths[1], rng.integers(0, 256, (30, 40, 3), np.uint8))
    return [str(path) for path in paths]


def status(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str) -> tuple[int, str]:
    """Exit status and standard error of a command, as a shell sees them."""
    monkeypatch.setattr("sys.argv", ["imfuse", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0), capsys.readouterr().err


def test_explain_writes_the_sheet_and_tells_what_was_stretched(
    pair: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, told = status(capsys, monkeypatch, "explain", *pair, "-o", str(tmp_path / "parts"), "--model", "auif")
    assert code == 0
    assert "sheet.png: the sheet; 17 files" in told
    assert "stretched to black…white" in told
    assert len(list((tmp_path / "parts").iterdir())) == 18


def test_mistakes_end_in_one_line_before_anything_is_written(
    pair: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = tmp_path / "parts"
    wrong = [
        (["gone.png", pair[1]], "gone.png"),
        ([str(tmp_path), pair[1]], "is a folder"),
        ([pair[0]], "takes 2 sources"),
        ([*pair, "--rule", "median"], "unknown rule"),
        ([*pair, "--detail-rule", "median"], "unknown rule"),
        ([*pair, "--memory", "0"], "memory"),
    ]
    for words, reason in wrong:
        code, told = status(capsys, monkeypatch, "explain", *words, "-o", str(parts))
        assert (code, told.count("\n")) == (2, 1), told
        assert reason in told
        assert not parts.exists()
    (tmp_path / "file").write_text("x")
    assert status(capsys, monkeypatch, "explain", *pair, "-o", str(tmp_path / "file"))[0] == 2


def test_neither_earlier_parts_nor_sources_are_overwritten(
    pair: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder of the sources is no trap: ``visible.png`` there is a source and the name of a part."""
    before = Path(pair[1]).read_bytes()
    code, told = status(capsys, monkeypatch, "explain", *pair, "-o", str(tmp_path), "--overwrite")
    assert code == 2
    assert "is one of the sources" in told
    assert Path(pair[1]).read_bytes() == before
    assert not (tmp_path / "sheet.png").exists()
    assert status(capsys, monkeypatch, "explain", *pair, "-o", str(tmp_path / "p"))[0] == 0
    code, told = status(capsys, monkeypatch, "explain", *pair, "-o", str(tmp_path / "p"))
    assert code == 2
    assert "--overwrite" in told


def test_help_teaches() -> None:
    words = CliRunner().invoke(cli.app, ["explain", "--help"]).output
    assert "sheet.png" in words
    assert "Examples" in words
