"""One case tried, inside a worker: read, fused, saved, and everything checked that must hold afterwards."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hostile.cases import PLACES, Case, case, generator, kind_of
from hostile.damage import pick
from hostile.places import PLACES as SCENES
from hostile.results import check_message, check_pixels, check_result, independent_size
from hostile.runs import FaultError, RefusedError, by_command, by_library
from hostile.scenes import Scene
from hostile.seeds import HEIGHT, WIDTH, Seed, picture, seeds, upright
from imfuse.errors import SourceError
from imfuse.io import Window, open_source, save_image

_TURNED = "turned upright (orientation "
_READ_WHOLE = 1 << 22


def tried(number: int, seed: int, scratch: str) -> dict[str, str]:
    """Try a case in a folder of its own under ``scratch``; how it ended, as the judge wants it."""
    folder = Path(tempfile.mkdtemp(dir=scratch))
    folder.chmod(0o777)
    try:
        if kind_of(number) == PLACES:
            return _place(number, seed, folder)
        return _file(case(number, seed), folder)
    except FaultError as fault:
        return {"outcome": fault.kind, "detail": str(fault)}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def prepare() -> None:
    """Import and load once what every case needs, so that no case is charged for it."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for kind, files in seeds().items():
            path = folder / "seed"
            path.write_bytes(files[0].data)
            source = open_source(path)
            source.read(Window(0, 0, source.height, source.width))
            for ending in ("png", "tif", "jpg", "webp", "bmp"):
                by_command((_partner(folder, (HEIGHT, WIDTH), 1), path), folder / f"{kind}.{ending}", "first")


@cache
def _partner_bytes(height: int, width: int, channels: int) -> bytes:
    """A valid picture of any size."""
    rows, columns = np.arange(height) % HEIGHT, np.arange(width) % WIDTH
    with tempfile.TemporaryDirectory() as folder:
        save_image(Path(folder) / "a.png", picture(channels)[rows][:, columns])
        return (Path(folder) / "a.png").read_bytes()


def _partner(folder: Path, size: tuple[int, int], channels: int) -> Path:
    path = folder / f"partner{channels}.png"
    path.write_bytes(_partner_bytes(*size, channels))
    return path


@cache
def _valid(name: str, kind: str, scratch: str) -> NDArray[Any]:
    """What imfuse reads from an unharmed file, not turned upright."""
    seed = next(seed for seed in seeds()[kind] if seed.name == name)
    path = Path(scratch) / "valid"
    path.write_bytes(seed.data)
    pixels, _ = _read(path)
    path.unlink()
    return upright(pixels, {6: 8, 8: 6}.get(seed.orientation, seed.orientation))


def _read(path: Path) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Pixels with alpha, upright, and the source's notes; of large pictures the corners only."""
    source = open_source(path)
    height, width = source.height, source.width
    if height * width > _READ_WHOLE:
        source.read(Window(height - 1, width - 1, 1, 1))
        height, width = min(height, 64), min(width, 64)
    window = Window(0, 0, height, width)
    pixels, alpha = source.read(window), source.read_alpha(window)
    if pixels.shape != (height, width, source.channels) or pixels.dtype != source.dtype:
        raise FaultError("wrong", f"{pixels.shape} {pixels.dtype} of {source.channels} × {source.dtype}")
    if source.has_alpha != (alpha is not None):
        raise FaultError("wrong", f"alpha is told {source.has_alpha}")
    size = independent_size(path)
    if size is not None and sorted(size) != sorted((source.height, source.width)):
        raise FaultError("wrong", f"{source.height} × {source.width}, an independent reader says {size}")
    whole = pixels if alpha is None else np.concatenate([pixels, alpha[:, :, None]], axis=2)
    if (height, width) == (source.height, source.width) and not any(_TURNED in note for note in source.notes):
        check_pixels(path, whole, transparency=not any("tRNS" in note for note in source.notes))
    return whole, source.notes


def _check_reading(tried_case: Case, path: Path) -> str | None:
    """Read the file; the message if it is refused."""
    seed = tried_case.seed
    try:
        pixels, notes = _read(path)
    except SourceError as error:
        check_message(str(error), path)
        if tried_case.harmless and seed.pixels is not None:
            raise FaultError("wrong", f"refused although only metadata changed: {error}") from error
        return str(error)
    if tried_case.harmless and seed.pixels is not None:
        _check_pixels(seed, pixels, notes, str(path.parent.parent))
    return None


def _check_pixels(seed: Seed, pixels: NDArray[Any], notes: tuple[str, ...], scratch: str) -> None:
    turned = [note.partition(_TURNED)[2] for note in notes if _TURNED in note]
    expected = upright(_valid(seed.name, seed.kind, scratch), int(turned[0][0]) if turned else 1)
    if expected.shape != pixels.shape:
        raise FaultError("wrong", f"metadata changed the shape from {expected.shape} to {pixels.shape}: {notes}")
    if not seed.colour_by_profile and not np.array_equal(expected, pixels):
        raise FaultError("wrong", f"metadata changed the pixels: {notes}")


def _file(tried_case: Case, folder: Path) -> dict[str, str]:
    path = folder / f"source.{tried_case.ending}"
    path.write_bytes(tried_case.data)
    shape = tried_case.seed.pixels.shape if tried_case.seed.pixels is not None else (HEIGHT, WIDTH)
    size = (shape[0], shape[1]) if tried_case.first else (HEIGHT, WIDTH)
    partner = _partner(folder, size, 3 if tried_case.first else 1)
    unread = None if tried_case.command else _check_reading(tried_case, path)
    sources = (path, partner) if tried_case.first else (partner, path)
    scene = Scene(*sources, folder / f"fused.{tried_case.output}", False if unread else None)
    return _end(scene, folder, size, tried_case.command, None if tried_case.first else "first")


def _place(number: int, seed: int, folder: Path) -> dict[str, str]:
    rng = generator(number, seed)
    found = {"outcome": "exception", "detail": "no scene"}
    make = pick(rng, SCENES)
    with contextlib.closing(make(rng, folder)) as scenes:  # type: ignore[type-var]
        for scene in scenes:
            found = _end(scene, folder, (HEIGHT, WIDTH), bool(rng.random() < 0.5), None)
    return found


def _end(scene: Scene, folder: Path, size: tuple[int, int], command: bool, resize_to: str | None) -> dict[str, str]:
    """Fuse, and check what is left behind."""
    before = _contents(folder)
    run = by_command if command else by_library
    try:
        made = run((scene.first, scene.second), scene.output, resize_to)
    except RefusedError as refusal:
        if not command:
            check_message(str(refusal), scene.first, scene.second, scene.output)
        if _contents(folder) != before:
            raise FaultError(
                "leftover", f"refused, but files changed: {_changed(folder, before)}: {refusal}"
            ) from refusal
        if scene.fused:
            raise FaultError("wrong", f"refused although valid: {refusal}") from refusal
        return {"outcome": "refused", "detail": str(refusal)}
    if scene.fused is False:
        raise FaultError("wrong", f"fused although it cannot be right: {scene}")
    if (changed := _changed(folder, before)) != [os.path.realpath(scene.output)]:
        raise FaultError("leftover", f"fused, but these files changed: {changed}")
    check_result(scene.output, size, made)
    return {"outcome": "fused", "detail": str(scene.output)}


def _contents(folder: Path) -> dict[str, Any]:
    """What lies in a folder: contents of files, targets of links, kinds of others."""
    found: dict[str, Any] = {}
    for place, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            path = os.path.join(place, name)  # noqa: PTH118 - names that are no text come through as they are
            with contextlib.suppress(OSError):
                mode = os.lstat(path).st_mode
                found[path] = mode
                if stat.S_ISLNK(mode):
                    found[path] = os.readlink(path)  # noqa: PTH115
                elif stat.S_ISREG(mode):
                    found[path] = Path(path).read_bytes()
    return found


def _changed(folder: Path, before: dict[str, Any]) -> list[str]:
    after = _contents(folder)
    return sorted(path for path in after.keys() | before.keys() if after.get(path) != before.get(path))
