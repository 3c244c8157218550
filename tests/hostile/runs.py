"""The two ways in: the library's functions and the command line, both inside this process."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import tempfile
import traceback
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from imfuse.batch import Job, Settings, check_sources, fuser_of
from imfuse.errors import ImfuseError
from imfuse.io import check_format, check_output
from imfuse.result import FusionResult
from imfuse.tasks import task

Pair = tuple[Path, Path]

LIBPNG_WORDS = b"PNG warning: IDAT: Too much image data\n"
"""What libpng writes to standard error, past Python, of pixels that go on after the last row. The picture is right; to
find it out beforehand would take unpacking every PNG file twice."""


class FaultError(Exception):
    """What must not happen; ``kind`` is how the judge counts it."""

    def __init__(self, kind: str, words: str) -> None:
        super().__init__(words)
        self.kind = kind


class RefusedError(Exception):
    """What may happen: the message that the user gets."""


@cache
def _settings() -> Settings:
    return Settings("infrared", task("infrared").default_model, (), "cpu", (), overwrite=False)


def by_library(sources: Pair, output: Path, resize_to: str | None) -> FusionResult:
    """What ``imfuse.batch.fuse_job`` does, with the picture for the checks."""
    try:
        check_sources(Job(sources, output))
        check_format(output)
        check_output(output, overwrite=False)
        result = fuser_of(_settings()).fuse(sources, resize_to=resize_to)  # type: ignore[arg-type]
        result.save(output)
    except ImfuseError as error:
        if "not enough memory" in str(error):
            raise FaultError("memory", str(error)) from error
        raise RefusedError(str(error)) from error
    return result


@contextlib.contextmanager
def _captured() -> Iterator[io.BytesIO]:
    """Everything that is written to standard error, by Python or by a decoder."""
    out, words = io.TextIOWrapper(io.BytesIO()), io.TextIOWrapper(io.BytesIO())
    kept = os.dup(2)
    seen = io.BytesIO()
    with tempfile.TemporaryFile() as file, warnings.catch_warnings():
        os.dup2(file.fileno(), 2)
        try:
            with contextlib.redirect_stderr(words), contextlib.redirect_stdout(out):
                yield seen
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            words.flush()
            file.seek(0)
            seen.write(words.buffer.getvalue() + file.read())  # type: ignore[attr-defined]


def _name(path: Path, folder: Path) -> str:
    return os.fspath(path.relative_to(folder)) if path.is_relative_to(folder) else os.fspath(path)


def by_command(sources: Pair, output: Path, resize_to: str | None) -> None:
    """``imfuse fuse --quiet``, from the output's folder's point of view where that exists."""
    from imfuse import cli

    here = Path.cwd()
    folder = sources[1].parent if sources[1].parent.is_dir() else here
    options = ["--quiet", *([f"--resize-to={resize_to}"] if resize_to else []), f"--output={_name(output, folder)}"]
    arguments = ["imfuse", "fuse", *options, "--", *(_name(source, folder) for source in sources)]
    before, status = sys.argv, None
    with _captured() as seen:
        sys.argv = arguments
        os.chdir(folder)
        try:
            cli.main()
        except SystemExit as end:
            status = end.code
        except BaseException:
            raise FaultError("exception", traceback.format_exc()[-3000:]) from None
        finally:
            os.chdir(here)
            sys.argv = before
    words = seen.getvalue().replace(LIBPNG_WORDS, b"").decode(errors="replace")
    if status == 0:
        if words:
            raise FaultError("message", f"status 0, and on standard error: {words}")
        return
    lines = words.splitlines()
    if status != 2 or len(lines) != 1 or not lines[0].startswith("imfuse: ") or "Traceback" in words:
        raise FaultError("message", f"status {status}, and on standard error: {words}")
    if "not enough memory" in words:
        raise FaultError("memory", words)
    raise RefusedError(lines[0])
