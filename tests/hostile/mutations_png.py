"""Mutations of PNG files, with check sums put right so that they get past the first check."""

from __future__ import annotations

import struct
import zlib

from hostile.blobs import hostile_exif, hostile_icc, hostile_text, packed_text
from hostile.damage import DAMAGE, Rng, below, extreme, garbage, pick
from hostile.seeds_png import SIGNATURE, Chunk, chunk, joined


def split(data: bytes) -> list[Chunk]:
    """The chunks of a valid file."""
    chunks, place = [], len(SIGNATURE)
    while place + 12 <= len(data):
        length = int.from_bytes(data[place : place + 4], "big")
        chunks.append((data[place + 4 : place + 8], data[place + 8 : place + 8 + length]))
        place += 12 + length
    return chunks


def _place(rng: Rng, chunks: list[Chunk], *kinds: bytes) -> int:
    found = [i for i, (kind, _) in enumerate(chunks) if not kinds or kind in kinds]
    return pick(rng, found) if found else 0


def header_field(rng: Rng, data: bytes) -> bytes:
    """Width, height, depth, colour type, compression, filter or interlace set to something else."""
    chunks = split(data)
    fields = list(struct.unpack(">IIBBBBB", chunks[0][1]))
    for _ in range(int(rng.integers(1, 3))):
        field = below(rng, 7)
        near = fields[field] + pick(rng, (-1, 1, 2, 8))
        small = pick(rng, (0, 1, 2, 3, 4, 6, 8, 16, 255))
        fields[field] = pick(rng, (extreme(rng, 4), max(near, 0) & 0xFFFFFFFF)) if field < 2 else small
    chunks[0] = (b"IHDR", struct.pack(">IIBBBBB", *fields))
    return joined(chunks)


def chunk_contents(rng: Rng, data: bytes) -> bytes:
    """Any chunk's data damaged, its check sum right."""
    chunks = split(data)
    place = _place(rng, chunks)
    chunks[place] = (chunks[place][0], pick(rng, DAMAGE)(rng, chunks[place][1]))
    return joined(chunks)


def chunk_order(rng: Rng, data: bytes) -> bytes:
    """A chunk left out, doubled, or put elsewhere."""
    chunks = split(data)
    place, action = _place(rng, chunks), below(rng, 3)
    taken = chunks.pop(place)
    if action == 1:
        chunks[place:place] = [taken] * int(rng.integers(2, 5))
    elif action == 2:
        chunks.insert(below(rng, len(chunks) + 1), taken)
    return joined(chunks)


def chunk_length(rng: Rng, data: bytes) -> bytes:
    chunks = split(data)
    place = len(joined(chunks[: _place(rng, chunks)]))
    return data[:place] + extreme(rng, 4).to_bytes(4, "big") + data[place + 4 :]


def chunk_name(rng: Rng, data: bytes) -> bytes:
    chunks = split(data)
    place = _place(rng, chunks)
    names = (b"\0\0\0\0", b"idat", b"ABCD", b"abCd", b"PLTE", b"tRNS", b"IEND", b"IHDR", b"\xff\xd8\xff\xe0", b"fdAT")
    chunks[place] = (pick(rng, names), chunks[place][1])
    return joined(chunks)


def pixel_stream(rng: Rng, data: bytes) -> bytes:
    """The unpacked rows damaged (filter types, too few, too many) and packed again."""
    chunks = split(data)
    rows = zlib.decompress(b"".join(body for kind, body in chunks if kind == b"IDAT"))
    rows = pick(rng, (*DAMAGE, lambda _, stream: stream * 50, lambda _, stream: b""))(rng, rows)
    others = [part for part in chunks if part[0] != b"IDAT"]
    return joined([*others[:-1], (b"IDAT", zlib.compress(rows)), others[-1]])


def bomb(rng: Rng, data: bytes) -> bytes:
    """A large picture of zeros in few bytes: whole, or with fewer rows than its header says."""
    side = pick(rng, (3000, 4097, 20000, 65535))
    depth, color = pick(rng, ((1, 0), (8, 0), (8, 2), (16, 6)))
    head = struct.pack(">IIBBBBB", side, side, depth, color, 0, 0, below(rng, 2))
    size = min(side * (1 + side * depth * {0: 1, 2: 3, 6: 4}[color] // 8), 30_000_000)
    return joined([(b"IHDR", head), (b"IDAT", zlib.compress(bytes(size))), (b"IEND", b"")])


def _inserted(rng: Rng, data: bytes, *new: Chunk) -> bytes:
    """The file with chunks put where they may stand, instead of chunks of the same kind."""
    names = {kind for kind, _ in new}
    chunks = [part for part in split(data) if part[0] not in names]
    place = 1 + below(rng, next(i for i, (kind, _) in enumerate(chunks) if kind in (b"PLTE", b"IDAT")))
    chunks[place:place] = new
    return joined(chunks)


def exif(rng: Rng, data: bytes) -> bytes:
    return _inserted(rng, data, (b"eXIf", hostile_exif(rng)))


def icc(rng: Rng, data: bytes) -> bytes:
    packed = zlib.compress(hostile_icc(rng)) if rng.random() < 0.7 else packed_text(rng)
    return _inserted(
        rng, data, (b"iCCP", pick(rng, (b"", b"name", b"x" * 90)) + b"\0" + pick(rng, (b"\0", b"\7")) + packed)
    )


def ancillary(rng: Rng, data: bytes) -> bytes:
    """Chunks that say nothing of the pixels, with contents that no writer writes."""
    kinds = (b"tEXt", b"zTXt", b"iTXt", b"pHYs", b"gAMA", b"cHRM", b"sRGB", b"sBIT", b"bKGD", b"hIST", b"tIME", b"acTL")
    more = (b"fcTL", b"fdAT", b"cICP", b"sPLT", b"xyZa", b"oFFs")
    bodies = (garbage(rng), hostile_text(rng), b"k\0\0" + packed_text(rng), b"k\0\1\0\0\0" + packed_text(rng), b"")
    new = [(pick(rng, kinds + more), pick(rng, bodies)) for _ in range(int(rng.integers(1, 4)))]
    return _inserted(rng, data, *new)


def wrong_check_sum(rng: Rng, data: bytes) -> bytes:
    """A metadata chunk whose check sum is wrong; the pixels are none the worse."""
    bad = chunk(pick(rng, (b"eXIf", b"iCCP", b"pHYs", b"tEXt")), garbage(rng))[:-4] + b"\1\2\3\4"
    chunks = split(data)
    return joined(chunks[:1]) + bad + joined(chunks[1:])[len(SIGNATURE) :]


HARMFUL = (
    header_field,
    header_field,
    chunk_contents,
    chunk_contents,
    chunk_order,
    chunk_length,
    chunk_name,
    pixel_stream,
    bomb,
)
HARMLESS = (exif, exif, icc, ancillary, ancillary, wrong_check_sum)
