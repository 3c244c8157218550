"""The report of a run for programs: one JSON file, one schema (``schemas/run-report.schema.json``, docs/run-report.md).

It is written when the run begins, with every picture "not-reached" and no end, and again when it ends. So a file that
cannot be written stops a run before it costs anything, and a report without an end tells of a run that was killed.
"""

from __future__ import annotations

import base64
import json
import math
import numbers
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from imfuse import __version__
from imfuse.batch import Job, Outcome, is_made
from imfuse.errors import OutputError, UsageError
from imfuse.io import atomic_path, check_output, is_picture_name, remove_dead_parts
from imfuse.io.naming import shown

SCHEMA = "imfuse-run-report"
SCHEMA_VERSION = 1
_HEAD = f'{{\n "schema": "{SCHEMA}"'
_LEAVE_PIXELS_ALONE = frozenset({"weights_sha256", "device", "memory", "jobs", "quality", "overwrite", "skip_orphans"})


@dataclass(slots=True)
class RunReport:
    """The report of a run on its way to a file.

    Attributes:
        path: the file.
        settings: what the user asked for, as plain values.
        jobs: the pictures in order.
        orphans: pictures without a partner.
        folders: the source folders and the output folder, or None for a single result.
        earlier: settings of earlier runs into the same folder, other than those of this one.
        started: when the run began.
    """

    path: Path
    settings: Mapping[str, Any]
    jobs: Sequence[Job]
    orphans: Sequence[Path] = ()
    folders: tuple[tuple[Path, ...], Path] | None = None
    earlier: list[Mapping[str, Any]] = field(default_factory=list)
    started: str = field(init=False)

    def __post_init__(self) -> None:
        self.started = _now()

    def begin(self) -> None:
        """Write the report of a run that has not reached any picture.

        Raises:
            OutputError: the file cannot be written.
        """
        remove_dead_parts(self.path.parent, self.path.name)
        if any(map(is_made, self.jobs)):
            self.earlier = _earlier_settings(self.path, self)
        self._write({}, None, interrupted=False)

    def end(self, outcomes: Mapping[Job, Outcome], *, interrupted: bool = False) -> None:
        """Write what became of every picture; those without an outcome were not reached.

        Raises:
            OutputError: the file cannot be written; the report of the beginning is still there.
        """
        made_now = {job for job, outcome in outcomes.items() if outcome.status == "fused"}
        if not any(is_made(job) for job in self.jobs if job not in made_now):
            self.earlier = []
        self._write(outcomes, _now(), interrupted=interrupted)

    def earlier_words(self) -> tuple[str, ...]:
        """In what the settings of earlier runs into the same folder were other ones, one line for each."""
        return tuple(", ".join(differences(settings, _plain(self.settings, {}))) for settings in self.earlier)

    def _write(self, outcomes: Mapping[Job, Outcome], finished: str | None, *, interrupted: bool) -> None:
        found = [outcomes.get(job, Outcome(job, "not-reached")) for job in self.jobs]
        folders = self.folders and {"sources": list(self.folders[0]), "output": self.folders[1]}
        counts = {
            status.replace("-", "_"): sum(outcome.status == status for outcome in found)
            for status in ("fused", "skipped", "failed", "not-reached")
        }
        entries = {
            "schema": SCHEMA,
            "schema_version": SCHEMA_VERSION,
            "program": {"name": "imfuse", "version": __version__},
            "started": self.started,
            "finished": finished,
            "interrupted": interrupted,
            "directory": _directory(),
            "folders": folders,
            "settings": self.settings,
            "earlier_settings": self.earlier,
            "counts": {"pairs": len(self.jobs), **counts, "orphans": len(self.orphans)},
            "entries": [_entry(outcome) for outcome in found],
            "orphans": list(self.orphans),
        }
        raw: dict[str, str] = {}
        plain = _plain(entries, raw) | {"raw_names": raw}
        text = json.dumps(plain, indent=1, allow_nan=False) + "\n"
        with atomic_path(self.path, overwrite=True) as part:
            part.write_text(text, encoding="ascii")


def check_report(path: Path, sources: Sequence[Path], made: Path | None) -> None:
    """Refuse a file that a report must not replace, before anything is done.

    A report of an earlier run is replaced, and so is an empty file, since the same command goes on after a kill; no
    other file is, whatever ``--overwrite`` says.

    Args:
        path: where the report is to go.
        sources: the pictures or folders that are fused.
        made: a folder that will be there when the report is written.

    Raises:
        UsageError: it has the name of a picture, or is one of the sources.
        OutputError: it exists and is no report, or its folder is missing.
    """
    if str(path) == "-":
        raise UsageError("the report is a file: give it a name such as run.json")
    if made is None or made.exists() or path.absolute().parent != made.absolute():
        check_output(path, overwrite=True)
    if path.exists() and any(path.samefile(source) for source in sources if source.exists()):
        raise UsageError(f"{shown(path)}: is one of the sources; choose another file for the report")
    if made is not None and path.absolute() == made.absolute():
        raise UsageError(f"{shown(path)}: is the folder of the results; choose another file for the report")
    if is_picture_name(path):
        raise UsageError(f"{shown(path)}: is the name of a picture; a report is JSON, give it a name such as run.json")
    try:
        with path.open("rb") as file:
            head = file.read(len(_HEAD))
    except FileNotFoundError:
        return
    except OSError as error:
        raise OutputError(f"{shown(path)}: cannot be read to see whether it is a report ({error.strerror})") from error
    if head and head != _HEAD.encode():
        raise OutputError(f"{shown(path)}: exists and is no run report of imfuse; choose another file for the report")


def _entry(outcome: Outcome) -> dict[str, Any]:
    error = {"kind": outcome.kind, "message": outcome.message} if outcome.status == "failed" else None
    return {
        "sources": list(outcome.job.sources),
        "output": outcome.job.output,
        "map": outcome.job.shares.map,
        "weights": list(outcome.job.shares.weights),
        "status": outcome.status,
        "error": error,
        "notes": list(outcome.notes),
        "report": outcome.report,
    }


def _plain(value: Any, raw: dict[str, str]) -> Any:
    """A value as JSON has it; names that are not UTF-8 get their exact bytes into ``raw``."""
    if isinstance(value, Mapping):
        return {_text(str(key), raw): _plain(entry, raw) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry, raw) for entry in value]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, numbers.Real):
        number = int(value) if isinstance(value, numbers.Integral) else float(value)
        return number if math.isfinite(number) else None
    return _text(str(value), raw)


def _text(text: str, raw: dict[str, str]) -> str:
    """The text without lone surrogates, which JSON can spell but many programs cannot read."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        data = os.fsencode(text)
        told = data.decode("utf-8", "backslashreplace")
        raw[told] = base64.b64encode(data).decode("ascii")
        return told
    return text


def _earlier_settings(path: Path, now: RunReport) -> list[Mapping[str, Any]]:
    """Settings, other than those of now, that pictures of earlier runs into the same folder may have been made with."""
    former = _read(path)
    folders = former.get("folders")
    if now.folders is None or not isinstance(folders, dict):
        return []
    there = Path(str(former.get("directory"))) / str(folders.get("output"))
    if there != Path(_text(str(now.folders[1].absolute()), {})):
        return []
    told = former.get("earlier_settings")
    known = [former.get("settings"), *(told if isinstance(told, list) else [])]
    differing: list[Mapping[str, Any]] = []
    for settings in known:
        if isinstance(settings, dict) and differences(settings, _plain(now.settings, {})):
            differing += [settings] if settings not in differing else []
    return differing


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="ascii"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def differences(earlier: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[str, ...]:
    """The settings that change the pixels of a folder run and are not the same, as ``name was x``."""
    old, new = dict(_pixel_settings(earlier)), dict(_pixel_settings(now))
    names = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    return tuple(f"{name} was {_word(old.get(name))}" for name in names)


def _pixel_settings(settings: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in settings.items():
        if name == "options" and isinstance(value, Mapping):
            yield from _pixel_settings(value)
        elif name == "model":
            weights = settings.get("weights_sha256")
            yield name, f"{value} (weights {str(weights)[:8]})" if weights else value
        elif name not in _LEAVE_PIXELS_ALONE and (name != "fast" or value):  # reports of before have no such setting
            yield name, value


def _word(value: Any) -> str:
    return "the default" if value is None else value if isinstance(value, str) else json.dumps(value)


def _directory() -> Path | None:
    try:
        return Path.cwd()
    except OSError:  # it was removed
        return None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
