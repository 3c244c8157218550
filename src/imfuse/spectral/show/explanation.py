"""Sharpened bands beside what they were made of and, where it is known, what they should be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imfuse.explanation import Explanation
from imfuse.io.window import Window
from imfuse.networks.protocol import Kind
from imfuse.sheet import Cell, contact_sheet
from imfuse.spectral.show.chart import check_chart, spectra_chart
from imfuse.spectral.show.composite import Composite, choose_composite
from imfuse.spectral.show.looks import Looks, spectrum_name
from imfuse.spectral.show.maps import angle, band_error, limits, rms_error, shown
from imfuse.spectral.show.marks import with_marks

_WHITE_ANGLE = 10.0
"""The angle between spectra that is white, in degrees; dark pixels, whose spectra are noise, have such angles."""


@dataclass(frozen=True, slots=True)
class Shot:
    """One window of a scene: arrays of float32 with the bands' levels at 0 and 1, missing values NaN.

    Attributes:
        guide: (G, H, W).
        bicubic: the bands, interpolated, (L, H, W).
        fused: the result, (L, H, W).
        truth: what it should be, (L, H, W), where it is known.
    """

    guide: NDArray[np.float32]
    bicubic: NDArray[np.float32]
    fused: NDArray[np.float32]
    truth: NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """What an explanation is of.

    Attributes:
        height: of the guide and the result.
        width: likewise.
        bands: how many.
        truth: whether it is known.
        model: that sharpened the bands.
        wavelengths: of the bands in nm; empty where they are not known.
        low: the value of the bands that is 0 here.
        high: the value that is 1.
        curved: whether the guide is a picture under the sRGB curve.
    """

    height: int
    width: int
    bands: int
    truth: bool
    model: str = ""
    wavelengths: tuple[float, ...] = ()
    low: float = 0.0
    high: float = 1.0
    curved: bool = True


class SpectralExplanation(Explanation):
    """The pictures of one sharpened scene by name, in the order of :meth:`imfuse.spectral.show.looks.Looks.names`.

    Composites are (H, W, 3), maps (H, W), both float32 with the bands' levels at 0 and 1 and missing values NaN;
    spectra are (curves, L) in the units of the bands: fused, bicubic and, where it is known, truth. :meth:`displayed`
    gives each as a picture. Only these are held, never the cubes: scenes come window by window by :meth:`take`.

    Args:
        subject: what it is of.
        looks: what is to be looked at.
        notes: what was done to the sources before.

    Raises:
        UsageError: the scene has no such band or pixel.
        MissingExtraError: spectra are asked for, and matplotlib is not installed.
    """

    def __init__(self, subject: Subject, looks: Looks, notes: Sequence[str] = ()) -> None:
        looks.check(subject.bands, subject.height, subject.width)
        if looks.pixels:
            check_chart()
        self.composite: Composite = choose_composite(subject.bands, subject.wavelengths, looks.composite)
        told = [*notes, f"pictures: {self.composite.words}"]
        if subject.truth:
            told.append(
                "PSNR on the sheet: one error for all pixels and bands of the result as it is, not clipped, against "
                f"the bands' range {subject.low:g}…{subject.high:g}"
            )
        super().__init__(subject.height, subject.width, subject.model, None, told)
        self.subject, self.looks = subject, looks
        for name in looks.names(truth=subject.truth):
            self.titles[name], self.kinds[name], self.groups[name] = self._place(name)
            self._arrays[name] = np.full(self._shape(name), np.nan, np.float32)

    def take(self, window: Window, shot: Shot) -> None:
        """Take one window of the scene; windows cover it, each pixel once."""
        rows, columns = window.slices
        cubes = {"bicubic": shot.bicubic, "fused": shot.fused}
        cubes |= {} if shot.truth is None else {"truth": shot.truth}
        self["guide"][rows, columns] = _as_picture(shot.guide)
        for name, bands in cubes.items():
            self[name][rows, columns] = self.composite.of(bands)
        for number in self.looks.bands:
            self[f"band{number}_detail"][rows, columns] = shot.fused[number - 1] - shot.bicubic[number - 1]
            for name, bands in cubes.items():
                self[f"band{number}_{name}"][rows, columns] = bands[number - 1]
        if shot.truth is not None:
            self._take_errors(window, cubes, shot.truth)
        for x, y in self.looks.pixels:
            if window.top <= y < window.bottom and window.left <= x < window.right:
                spectra = [cubes[name][:, y - window.top, x - window.left] for name in self._curves()]
                values = np.stack(spectra) * (self.subject.high - self.subject.low) + self.subject.low
                self[spectrum_name(x, y)][:] = values

    def _take_errors(self, window: Window, cubes: dict[str, NDArray[np.float32]], truth: NDArray[np.float32]) -> None:
        rows, columns = window.slices
        for name in ("bicubic", "fused"):
            self[f"{name}_error"][rows, columns] = rms_error(cubes[name], truth)
            self[f"{name}_angle"][rows, columns] = angle(cubes[name], truth)
            for number in self.looks.bands:
                self[f"band{number}_{name}_error"][rows, columns] = band_error(cubes[name], truth, number)

    @property
    def figures(self) -> dict[str, dict[str, float]]:
        """Of ``bicubic`` and ``fused`` the ``psnr`` in dB and the mean ``sam`` in degrees; empty without a truth.

        The error is one for all bands and all pixels that have all of them, against the bands' range, and not clipped.
        """
        names = ("bicubic", "fused") if self.subject.truth else ()
        return {name: self._figures(name) for name in names}

    def _figures(self, name: str) -> dict[str, float]:
        error = float(np.nanmean(np.square(self[f"{name}_error"], dtype=np.float64)))
        psnr = math.inf if error == 0 else -10 * math.log10(error)
        return {"psnr": psnr, "sam": float(np.nanmean(self[f"{name}_angle"], dtype=np.float64))}

    def displayed(self, name: str) -> tuple[NDArray[np.float32], str]:
        """A picture in [0, 1], and in words what black and white stand for.

        Composites share one stretch, and so do the pictures of one band, which is that of the truth or else of the
        result. All light is shown under the sRGB curve; errors are not: white is 1 / gain of the bands' range. Of what
        the guide gave, middle gray is nothing, and black and white are −1 / gain and 1 / gain of it. Missing values are
        black.
        """
        values = self[name]
        if name.startswith("spectrum"):
            return self._chart(name), ""
        if self.kinds[name] == "picture":
            return self._light(name)
        if name.endswith("angle"):
            unit, words = values / _WHITE_ANGLE, f"white: {_WHITE_ANGLE:g}°"
        elif self.kinds[name] == "signed":
            unit, words = 0.5 + 0.5 * values * self.looks.gain, f"times {self.looks.gain:g}"
        else:
            unit, words = values * self.looks.gain, f"times {self.looks.gain:g}"
        return np.nan_to_num(np.clip(unit, 0, 1)).astype(np.float32), words

    def _light(self, name: str) -> tuple[NDArray[np.float32], str]:
        values = self[name]
        if name == "guide":
            if self.subject.curved:
                return np.nan_to_num(np.clip(values, 0, 1)), ""
            return shown(values, limits(values, together=True)), "stretched"
        reference = "truth" if self.subject.truth else "fused"
        band, single, _ = name.rpartition("_")
        shared = self[f"{band}_{reference}" if single else reference]
        bounds = limits(shared, together=bool(single) or self.composite.true_colour)
        return shown(values, bounds), f"white: {', '.join(f'{white:.3g}' for white in bounds[1])}"

    def _chart(self, name: str) -> NDArray[np.float32]:
        curves = dict(zip(self._curves(), self[name], strict=True))
        _, x, y = name.split("_")
        chart = spectra_chart(curves, f"pixel {x},{y} (column, row)", self.subject.wavelengths)
        return np.asarray(chart, np.float32) / np.float32(255)

    def sheet(self, cell_width: int = 360) -> NDArray[np.uint8]:
        """All pictures on one sheet (H, W, 3): a column each for guide, bicubic, fused and truth, then the spectra."""
        columns = ["guide", "bicubic", "fused", *(["truth"] if self.subject.truth else [])]
        rows: list[list[Cell | None]] = []
        spectra = [name for name in self if name.startswith("spectrum")]
        for row in dict.fromkeys(self.groups[name][0] for name in self if name not in spectra):
            cells: list[Cell | None] = [None] * len(columns)
            for name in self:
                if self.groups[name][0] == row:
                    cells[columns.index(self.groups[name][1])] = self._cell(name)
            rows.append(cells)
        for start in range(0, len(spectra), len(columns)):
            rows.append([self._cell(name) for name in spectra[start : start + len(columns)]])
        title = f"{self.model}: bands sharpened by a guide ({self.composite.words})"
        return contact_sheet(rows, cell_width, title=title)

    def _cell(self, name: str) -> Cell:
        image, words = self.displayed(name)
        caption = self.titles[name] + (f"  ({words})" if words else "")
        if name in ("bicubic_error", "fused_error"):
            caption += f", PSNR {self._figures(self.groups[name][1])['psnr']:.2f} dB"
        elif name in ("bicubic_angle", "fused_angle"):
            caption += f", mean {self._figures(self.groups[name][1])['sam']:.2f}°"
        if self.groups[name][0] == "colours":
            image = with_marks(image, self.looks.pixels)
        return Cell(caption, image)

    def _curves(self) -> tuple[str, ...]:
        return ("fused", "bicubic", "truth") if self.subject.truth else ("fused", "bicubic")

    def _shape(self, name: str) -> tuple[int, ...]:
        if name.startswith("spectrum"):
            return len(self._curves()), self.subject.bands
        return (*self.shape, 3) if self.groups[name][0] == "colours" else self.shape

    def _place(self, name: str) -> tuple[str, Kind, tuple[str, str]]:
        """Title, kind, and row and column on the sheet."""
        words = {"guide": "guide", "bicubic": "bicubic", "fused": self.model or "fused", "truth": "truth"}
        if name.startswith("spectrum"):
            return "spectra at " + ",".join(name.split("_")[1:]), "picture", ("spectra", name)
        if name in words:
            return words[name], "picture", ("colours", name)
        first, _, second = name.partition("_")
        if first in words:
            title = "RMS error" if second == "error" else "angle of spectra"
            return f"{words[first]}: {title}", "map", (second, first)
        number = first.removeprefix("band")
        if second == "detail":
            return f"band {number}: what the guide gave", "signed", (first, "guide")
        which, _, error = second.partition("_")
        if error:
            return f"band {number}: error of {words[which]}", "map", (f"{first} errors", which)
        return f"band {number}: {words[which]}", "picture", (first, which)


def _as_picture(guide: NDArray[np.float32]) -> NDArray[np.float32]:
    """A guide (G, H, W) as (H, W, 3): as it is with three channels, otherwise the mean of them in gray."""
    channels = guide if len(guide) == 3 else np.repeat(guide.mean(0, keepdims=True), 3, 0)
    return channels.transpose(1, 2, 0)
