"""``dataset.toml``: what a data set's folder says of itself where names alone do not."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imfuse.errors import DataError
from imfuse.io.naming import cause, shown

SET_FILE = "dataset.toml"

_EXAMPLES = {
    "name": 'name = "TNO"',
    "task": 'task = "infrared"',
    "description": 'description = "40 pairs of TNO"',
    "sources": 'sources = ["ir", "vis"]',
    "truth": 'truth = "gt"',
    "layout": 'layout = "roles" (one folder per source) or layout = "scenes" (one folder per scene)',
}


@dataclass(frozen=True, slots=True)
class SetFile:
    """What ``dataset.toml`` holds; None where it says nothing.

    Attributes:
        name: of the data set.
        task: what is fused.
        description: a sentence for tables.
        sources: with layout ``roles`` the folders, with ``scenes`` the stems of the pictures, in the task's order.
        truth: the folder of the true pictures or, with layout ``scenes``, their stem in every scene.
        layout: ``roles`` or ``scenes``.
    """

    name: str | None = None
    task: str | None = None
    description: str | None = None
    sources: tuple[str, ...] | None = None
    truth: str | None = None
    layout: str | None = None


def read_set_file(folder: Path) -> SetFile:
    """The ``dataset.toml`` of a folder; an empty one if there is none.

    Raises:
        DataError: it cannot be read, or holds what it should not; the message says what to write.
    """
    path = folder / SET_FILE
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return SetFile()
    except OSError as error:
        raise DataError(f"{shown(path)}: cannot be read ({cause(error)})") from error
    except ValueError as error:  # of TOML or of UTF-8
        raise DataError(
            f"{shown(path)}: is not valid TOML ({cause(error)}); a line is like {_EXAMPLES['name']}"
        ) from error
    return _checked(path, entries)


def _checked(path: Path, entries: dict[str, Any]) -> SetFile:
    for key, value in entries.items():
        if key not in _EXAMPLES:
            raise DataError(f"{shown(path)}: unknown entry {shown(key)!r}; known are {', '.join(_EXAMPLES)}")
        if key == "sources":
            right = isinstance(value, list) and all(isinstance(item, str) and item for item in value)
            right = right and len(value) == len(set(value)) > 0
        else:
            right = isinstance(value, str) and value != ""
        if not right or (key == "layout" and value not in ("roles", "scenes")):
            raise DataError(f"{shown(path)}: {key} is {shown(repr(value))}; write {_EXAMPLES[key]}")
    sources = entries.pop("sources", None)
    return SetFile(**entries, sources=None if sources is None else tuple(sources))
