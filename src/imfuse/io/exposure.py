"""How a picture was taken, by its EXIF: exposure, time, camera."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from imfuse.io.ifd import Directory, IfdError, Layout, Read, rational, read_directory, read_header, value_bytes
from imfuse.io.metadata import EXIF_IFD, bytes_reader, sub_directory

_MAKE, _MODEL, _SERIAL = 271, 272, 42033
_TIME, _SHUTTER = 33434, 37377
_F_NUMBER, _APERTURE = 33437, 37378
_ISO, _LONG_ISOS = 34855, (34867, 34866, 34865)
_BIAS, _MODE, _FOCAL_LENGTH = 37380, 41986, 37386
_TAKEN = ((36867, 37521), (36868, 37522))
_TEXT_LIMIT = 1 << 12


@dataclass(frozen=True, slots=True)
class Capture:
    """What an EXIF block says of how its picture was taken; None for what it does not say.

    Attributes:
        exposure_time: in seconds.
        f_number: of the aperture.
        iso: sensitivity.
        bias: exposure compensation in EV; brackets of automatic exposures differ in it.
        mode: ExposureMode: 0 automatic, 1 manual, 2 automatic bracket.
        taken: when the exposure began, by the camera's clock, with fractions of a second where they are told.
        camera: maker, model and serial number, as far as they are told.
        focal_length: in mm.
    """

    exposure_time: float | None = None
    f_number: float | None = None
    iso: float | None = None
    bias: float | None = None
    mode: int | None = None
    taken: datetime | None = None
    camera: tuple[str, str, str] = ("", "", "")
    focal_length: float | None = None

    @property
    def ev100(self) -> float | None:
        """The exposure value at ISO 100, log₂(N² / t) − log₂(ISO / 100): larger for a darker picture of one scene."""
        if self.exposure_time is None or self.f_number is None or self.iso is None:
            return None
        return _value(self.exposure_time, self.f_number, self.iso)


def exposure_values(captures: Sequence[Capture]) -> list[float] | None:
    """The exposure values of pictures as far as they can be compared; None where one of them does not tell its own.

    EV at ISO 100. A lens without contacts tells no aperture, and it is the same in all pictures of a bracket: where
    none tells it, values are those of f/1, where none tells the sensitivity, those of ISO 100. Their differences hold.
    """
    if any(capture.exposure_time is None for capture in captures):
        return None
    for told in ([capture.f_number for capture in captures], [capture.iso for capture in captures]):
        if None in told and any(value is not None for value in told):
            return None
    return [
        _value(capture.exposure_time, capture.f_number or 1.0, capture.iso or 100.0)
        for capture in captures
        if capture.exposure_time is not None
    ]


def _value(exposure_time: float, f_number: float, iso: float) -> float:
    return math.log2(f_number**2 / exposure_time) - math.log2(iso / 100)


def read_capture(block: bytes | None) -> Capture:
    """What an EXIF block says; nothing where there is none, or where it is damaged.

    Args:
        block: as :class:`imfuse.io.source.Metadata` holds it.
    """
    if not block:
        return Capture()
    read = bytes_reader(block)
    try:
        layout, first = read_header(read)
        top = read_directory(read, layout, first)
    except (ValueError, struct.error):
        return Capture()
    main = _Tags(read, layout, top)
    tags = _Tags(read, layout, sub_directory(read, layout, top, EXIF_IFD) or Directory({}, 0, 0))
    camera = (main.text(_MAKE), main.text(_MODEL), tags.text(_SERIAL))
    bias, mode = tags.number(_BIAS), tags.number(_MODE)
    return Capture(
        tags.positive(_TIME) or _power(tags.number(_SHUTTER), -1.0),
        tags.positive(_F_NUMBER) or _power(tags.number(_APERTURE), 0.5),
        _iso(tags),
        bias if bias is not None and abs(bias) < 100 else None,
        None if mode is None else int(mode),
        _taken(tags),
        camera,
        tags.positive(_FOCAL_LENGTH),
    )


class _Tags:
    """The values of a directory, None where they are missing or damaged."""

    def __init__(self, read: Read, layout: Layout, directory: Directory) -> None:
        self._read, self._layout, self._entries = read, layout, directory.entries

    def number(self, tag: int) -> float | None:
        if tag not in self._entries:
            return None
        entry = self._entries[tag]
        try:
            value = rational(self._read, self._layout, entry)
        except (ValueError, struct.error):
            return None
        return value if value is not None and math.isfinite(value) else None

    def positive(self, tag: int) -> float | None:
        value = self.number(tag)
        return value if value is not None and value > 0 else None

    def text(self, tag: int) -> str:
        if tag not in self._entries:
            return ""
        try:
            data = value_bytes(self._read, self._entries[tag], _TEXT_LIMIT)
        except IfdError:
            return ""
        return data.partition(b"\0")[0].decode("ascii", "replace").strip()


def _iso(tags: _Tags) -> float | None:
    iso = tags.positive(_ISO)
    if iso == 65535:  # more than its 16 bits hold: one of the long tags says it
        return next((value for tag in _LONG_ISOS if (value := tags.positive(tag))), None)
    return iso


def _power(apex: float | None, factor: float) -> float | None:
    """The time or aperture of an APEX value: t = 2^−Tv, N = 2^(Av / 2)."""
    return 2.0 ** (factor * apex) if apex is not None and abs(apex) < 60 else None


def _taken(tags: _Tags) -> datetime | None:
    for tag, fraction in _TAKEN:
        try:
            moment = datetime.strptime(tags.text(tag), "%Y:%m:%d %H:%M:%S")
        except ValueError:
            continue
        digits = tags.text(fraction)
        seconds = float(f"0.{digits}") if digits.isascii() and digits.isdigit() else 0.0
        return moment + timedelta(seconds=seconds)
    return None
