"""Stacks take no more memory than pairs: one source at a time, and files that are let go of."""

import gc
import tracemalloc
import weakref
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from helpers import Average, noise
from imfuse import plan as plan_module
from imfuse.errors import SizeMismatchError
from imfuse.fuser import Fuser
from imfuse.io import ArraySource, PixelSource, Window, open_source, save_image
from imfuse.sizes import same_size
from imfuse.tasks import task

STACKS = ["focus", "exposure"]


class Counting(Average):
    """An average that counts the sources that live while it asks for the next."""

    def __init__(self) -> None:
        super().__init__()
        self.most = 0

    def fuse(self, sources: Iterable[torch.Tensor], survey: object = None) -> torch.Tensor:
        return super().fuse(self._counted(sources), survey)

    def _counted(self, sources: Iterable[torch.Tensor]) -> Iterator[torch.Tensor]:
        seen: list[weakref.ref[torch.Tensor]] = []
        for source in sources:
            seen.append(weakref.ref(source))
            self.most = max(self.most, sum(one() is not None for one in seen))
            yield source
            del source


@pytest.mark.parametrize("name", STACKS)
def test_a_network_that_folds_has_one_source_in_memory(name: str) -> None:
    gc.collect()
    network = Counting()
    Fuser(network, task(name)).fuse([noise(30, 31, seed=seed) for seed in range(9)], memory="1MiB")
    assert network.most == 1


def write_stack(folder: Path, count: int, ending: str = "png") -> list[Path]:
    folder.mkdir()
    paths = [folder / f"{index}.{ending}" for index in range(count)]
    for index, path in enumerate(paths):
        save_image(path, noise(300, 400, 3, index))
    return paths


@pytest.mark.parametrize("name", STACKS)
@pytest.mark.parametrize("ending", ["png", "tif"])
def test_many_pictures_take_no_more_memory_than_few(tmp_path: Path, name: str, ending: str) -> None:
    """Counted by Python's own tracer, which sees NumPy's arrays: decoded files among them."""
    peaks = []
    fuser = Fuser(Average(), task(name))
    fuser.fuse(write_stack(tmp_path / "warm", 2, ending), memory="1MiB")
    for count in (3, 12):
        paths = write_stack(tmp_path / str(count), count, ending)
        tracemalloc.start()
        result = fuser.fuse(paths, memory="1MiB")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert result.report.tiles > 1
    assert peaks[1] < peaks[0] + 300 * 400 * 3


def test_files_are_kept_where_there_is_room_and_otherwise_decoded_for_every_window(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from imfuse.io.decoded import DecodedFile

    decoded: list[str] = []
    original = DecodedFile._upright
    monkeypatch.setattr(DecodedFile, "_upright", lambda self, *a: decoded.append(self.name) or original(self, *a))
    paths = write_stack(tmp_path / "stack", 6)
    fuser = Fuser(Average(), task("focus"))
    roomy = fuser.fuse(paths)
    assert len(decoded) == 6
    assert not any("decoded" in note for note in roomy.report.notes)
    decoded.clear()
    narrow = fuser.fuse(paths, memory="1MiB")
    assert len(decoded) == 6 * narrow.report.tiles
    assert any(f"decoded for {narrow.report.tiles} windows" in note for note in narrow.report.notes)
    np.testing.assert_array_equal(narrow.image, roomy.image)
    decoded.clear()
    pair = Fuser(Average(), task("infrared")).fuse(paths[:2], memory="1MiB")
    assert (len(decoded), pair.report.tiles > 1) == (2, True)


def test_resized_pictures_of_a_stack_are_let_go_too(tmp_path: Path) -> None:
    paths = write_stack(tmp_path / "stack", 3)
    save_image(tmp_path / "small.png", noise(150, 200))
    with pytest.raises(SizeMismatchError, match=r"small\.png is 200×150"):
        Fuser(Average(), task("focus")).fuse([*paths, tmp_path / "small.png"])
    options = {"resize_to": "first", "depth": "float"}
    stack = [*paths, tmp_path / "small.png"]
    narrow = Fuser(Average(), task("focus")).fuse(stack, memory="1MiB", **options)
    roomy = Fuser(Average(), task("focus")).fuse(stack, **options)
    assert narrow.report.tiles > roomy.report.tiles
    np.testing.assert_allclose(narrow.image, roomy.image, atol=1e-6)
    assert any("resized" in note for note in narrow.report.notes)


def test_alpha_survives_files_that_are_decoded_again(tmp_path: Path) -> None:
    stack = [np.dstack([noise(300, 400, 3, seed), noise(300, 400, 1, seed + 9)]) for seed in range(4)]
    for index, picture in enumerate(stack):
        save_image(tmp_path / f"{index}.png", picture, alpha=True)
    result = Fuser(Average(), task("focus")).fuse([tmp_path / f"{i}.png" for i in range(4)], memory="1MiB")
    assert result.report.tiles > 1
    np.testing.assert_array_equal(result.image[..., 3], stack[0][..., 3])


def test_a_network_that_holds_its_sources_gets_smaller_windows_for_more_of_them() -> None:
    class Holding(Average):
        bytes_per_pixel_per_source = 400

    stack = [noise(200, 210, 1)] * 12
    tiles = [Fuser(Holding(), task("focus")).fuse(stack[:n], memory="64MiB").report.tiles for n in (2, 12)]
    assert tiles[0] == 1
    assert tiles[1] > 1


def test_a_released_source_reads_the_same_again(tmp_path: Path) -> None:
    """What the Fuser relies on when it lets a resized file go."""
    save_image(tmp_path / "a.png", noise(20, 30))
    first = ArraySource(noise(10, 10), "first")
    source: PixelSource = same_size([first, open_source(tmp_path / "a.png")], "first")[0][1]
    window = Window(0, 0, 10, 10)
    before = source.read(window).copy()
    plan_module.release(source)
    np.testing.assert_array_equal(source.read(window), before)
