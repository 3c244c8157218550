"""The parsers of this library on arbitrary bytes: their own error or an answer, and no answer that is out of bounds."""

from __future__ import annotations

import contextlib
import io
import struct
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from hostile.blobs import hostile_exif, made_exif
from hostile.seeds import exif_block
from imfuse.errors import SourceError
from imfuse.io.ifd import IfdError, Layout, pack_directory, read_directory, read_header, value_bytes
from imfuse.io.metadata import bytes_reader, clean_exif, clean_icc, exif_from_tiff, exif_resolution, upright
from imfuse.io.naming import shown
from imfuse.io.png_chunks import SIGNATURE, chunk, walk
from imfuse.io.source import Metadata
from imfuse.io.tiff_header import count_pages

QUIET = settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))

HEADS = st.sampled_from([b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08", b"II+\0\x08\0\0\0\x10" + bytes(7), b"", b"Exif\0\0"])
BYTES = st.builds(bytes.__add__, HEADS, st.binary(max_size=300))
MADE = st.integers(0, 1 << 32).map(lambda seed: made_exif(np.random.default_rng(seed)))
HOSTILE = st.integers(0, 1 << 32).map(lambda seed: hostile_exif(np.random.default_rng(seed)))


def orientation_for_others(block: bytes) -> object:
    """What Pillow, which lets the last of several entries count, takes for the orientation."""
    exif = Image.Exif()
    with warnings.catch_warnings(), contextlib.suppress(SyntaxError, struct.error, ValueError, OSError, TypeError):
        warnings.simplefilter("ignore")
        exif.load(b"Exif\0\0" + block)
        return exif.get(274, 1)
    return 1


@QUIET
@given(st.one_of(BYTES, MADE, HOSTILE))
def test_directories_are_read_or_refused_and_never_point_outside_unnoticed(data: bytes) -> None:
    read = bytes_reader(data)
    try:
        layout, offset = read_header(read)
        directory = read_directory(read, layout, offset)
    except IfdError:
        return
    assert 0 < count_pages(read, layout, directory) <= len(data)
    for entry in directory.entries.values():
        try:
            assert len(value_bytes(read, entry, 1 << 20)) == entry.size <= len(data)
        except IfdError:
            assert entry.size > 1 << 20 or entry.position + entry.size > len(data)


@QUIET
@given(st.one_of(BYTES, MADE, HOSTILE))
def test_a_cleaned_block_is_clean_again_and_says_upright(data: bytes) -> None:
    found = clean_exif(data)
    assert 1 <= found.orientation <= 8
    if found.block is None:
        return
    again = clean_exif(found.block)
    assert again.orientation == 1
    assert again.block == found.block
    assert len(found.block) <= len(data) + 4  # room for the pointer to a next directory, where it was cut off
    assert orientation_for_others(found.block) == 1
    dots = exif_resolution(found.block)
    assert dots is None or all(0 < value < 1e6 for value in dots)
    # Exchanging across and down twice changes nothing; a block without pairs is left alone.
    turned = upright(Metadata(found.block, None, dots), 6)
    assert turned.exif is not None and len(turned.exif) == len(found.block)
    assert upright(turned, 6) == Metadata(found.block, None, dots)


@QUIET
@given(st.one_of(BYTES, MADE, HOSTILE))
def test_the_exif_block_of_a_tiff_file_is_one_that_is_clean(data: bytes) -> None:
    read = bytes_reader(data)
    try:
        layout, offset = read_header(read)
        block = exif_from_tiff(read, layout, read_directory(read, layout, offset)).block
    except IfdError:
        return
    if block is not None:
        cleaned = clean_exif(block)
        assert cleaned.block is not None and cleaned.orientation == 1


@QUIET
@given(st.binary(max_size=300), st.sampled_from([b"RGB ", b"GRAY", b"\xff\n\x1b "]))
def test_a_profile_is_kept_whole_or_dropped_with_a_note(data: bytes, space: bytes) -> None:
    made = (struct.pack(">I", len(data) + 40) + bytes(12) + space + bytes(16) + b"acsp" + data) if space else data
    kept, notes = clean_icc(made, "RGB")
    assert (kept == made and not notes) or (kept is None and len(notes) == 1 and notes[0].isprintable())


CHUNKS = st.lists(
    st.tuples(
        st.sampled_from([b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"iCCP", b"eXIf", b"acTL", b"abCd", b"\0\1\2\3"]),
        st.one_of(st.binary(max_size=40), st.just(struct.pack(">IIBBBBB", 3, 4, 8, 2, 0, 0, 0))),
    ),
    max_size=8,
)


@QUIET
@given(CHUNKS, st.binary(max_size=20), st.booleans())
def test_chunks_are_walked_or_refused_in_a_line(chunks: list[tuple[bytes, bytes]], tail: bytes, whole: bool) -> None:
    head = [(b"IHDR", struct.pack(">IIBBBBB", 3, 4, 8, 0, 0, 0, 0))] if whole else []
    data = SIGNATURE + b"".join(chunk(kind, body) for kind, body in head + chunks) + tail
    try:
        found = walk(io.BytesIO(data), len(data), "a.png")
    except SourceError as error:
        assert str(error).startswith("a.png: ") and str(error).isprintable()
        return
    assert found.width > 0 or found.height >= 0
    assert all(place >= 0 and place + length + 4 <= len(data) for place, length in found.pixels) and found.pixels


@QUIET
@given(st.one_of(st.text(max_size=80), st.binary(max_size=80).map(lambda raw: raw.decode("utf-8", "surrogateescape"))))
def test_any_name_is_shown_on_one_printable_line_of_text(name: str) -> None:
    assert shown(name).isprintable()
    shown(name).encode()


@pytest.mark.parametrize("order", ["<", ">"])
@QUIET
@given(
    values=st.dictionaries(st.integers(1, 65535), st.binary(max_size=30), min_size=1, max_size=12), big=st.booleans()
)
def test_a_packed_directory_reads_back(order: str, values: dict[int, bytes], big: bool) -> None:
    layout = Layout(order, big)
    packed = bytes(16) + pack_directory([(tag, 7, len(data), data) for tag, data in values.items()], layout, 16)
    found = read_directory(bytes_reader(packed), layout, 16)
    assert {tag: value_bytes(bytes_reader(packed), entry, 99) for tag, entry in found.entries.items()} == values


def test_the_block_that_is_mutated_is_itself_clean() -> None:
    for orientation in range(1, 9):
        assert clean_exif(exif_block(orientation)).orientation == orientation
