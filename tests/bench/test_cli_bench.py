import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench_makers import make_set
from imfuse.bench.rows import read_csv
from imfuse.cli import app
from test_pool import until

pytest.importorskip("matplotlib")


def run(*arguments: object) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["bench", *map(str, arguments)])
    return done.exit_code, done.stdout, done.stderr


def test_a_run_writes_everything_and_tells_who_is_ahead(tmp_path: Path) -> None:
    pairs, out = make_set(tmp_path / "pairs", ["a", "b"]), tmp_path / "out"
    status, _, told = run(pairs, "-o", out, "--models", "auif", "--fused", f"theirs={pairs}/ir", "--metrics", "en,scd")
    assert status == 0
    assert "4 pictures made or scored" in told
    assert "best mean ranks over 2 metrics: " in told
    files = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert files >= {"results.csv", "summary.md", "index.html", "box-plots/pairs.png", "contact-sheets/pairs.png"}
    assert {f"pictures/pairs/{model}/{scene}.png" for model in ("auif", "theirs") for scene in "ab"} <= files
    assert run(pairs, "-o", out, "--models", "auif", "--metrics", "en,scd")[2].startswith(f"{out}: 0 pictures made or")


def test_failures_are_told_and_give_status_1(tmp_path: Path) -> None:
    pairs, out = make_set(tmp_path / "pairs", ["a", "b"]), tmp_path / "out"
    (pairs / "ir" / "b.png").write_bytes(b"no picture")
    status, _, told = run(pairs, "-o", out, "--models", "auif", "--metrics", "en", "-q")
    assert status == 1
    assert told.startswith("failed: pairs · auif · b: ")
    assert (out / "index.html").is_file()
    assert [bool(row.error) for row in read_csv(out / "results.csv")] == [False, True]
    again = run(pairs, "-o", out, "--models", "auif,average", "--metrics", "en")[2]
    assert "1 pictures made or scored, 1 were there, 2 failed" in again


def test_list_makes_nothing(tmp_path: Path) -> None:
    pairs, out = make_set(tmp_path / "pairs", ["a", "b"]), tmp_path / "out"
    status, shown, _ = run(pairs, "-o", out, "--models", "auif,csc-ivfn", "--metrics", "en", "--list")
    assert (status, out.exists()) == (0, False)
    assert "4 pictures" in shown
    assert "auif, csc-ivfn" in shown
    # A table whose data nobody has is listed as one.
    status, shown, _ = run(pairs, "-o", out, "--reproduce", "auif-table2", "--list")
    assert (status, out.exists()) == (0, False)
    assert "auif-table2: nothing of it can be measured" in " ".join(shown.split())


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="signals of POSIX")
def test_ctrl_c_keeps_what_is_done_and_the_same_command_goes_on(tmp_path: Path) -> None:
    count = 40
    pairs, out = make_set(tmp_path / "pairs", [f"{number:03}" for number in range(count)]), tmp_path / "out"
    arguments = [str(pairs), "-o", str(out), "--models", "auif", "--metrics", "en"]
    command = [sys.executable, "-m", "imfuse", "bench", *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            assert until(lambda: len(list(out.rglob("[!.]*.png"))) >= 2, 60)
            os.killpg(process.pid, signal.SIGINT)
            _, told = process.communicate(timeout=60)
        finally:
            if process.poll() is None:
                process.kill()
    rows = read_csv(out / "results.csv")
    assert process.returncode == 130
    assert f"{out}: interrupted, {len(rows)} of {count} pictures are done" in told
    assert "the same command goes on with the rest" in told
    assert "Traceback" not in told
    assert 2 <= len(rows) < count
    assert all(row.values for row in rows)
    assert not (out / "index.html").exists()
    status, _, told = run(*arguments)
    assert status == 0
    assert f"{count - len(rows)} pictures made or scored, {len(rows)} were there" in told
    assert tuple(read_csv(out / "results.csv")[: len(rows)]) == tuple(rows)
