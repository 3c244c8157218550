"""What the halo loss does beside strong edges: figures, mean profiles across edges, and crops.

Run: ``python benchmarks/halo_effect.py DATA -o docs/training/csc-mefn`` with the folder that holds ``exposure/tci24``;
``--with-halo FILE`` and ``--without-halo FILE`` for other weights than the built-in ones, ``--sets hdrps44 tci24``.

Fused pictures are lumas in [0, 1] before the stretch, not rounded. Where edges are, the exposures alone say: their
mean, blurred by a Gaussian of σ = 2, has its strongest edges where Sobel's gradient is among the largest 2 % of the
picture.

- ``beside``: mean of |Sobel_x y| + |Sobel_y y| (kernels over 8, times 1000) 3 to 25 pixels from the nearest of them,
  the edge itself excluded. It counts halos, and with them the texture that is there; ``elsewhere`` is the same farther
  away, where there are no halos.
- ``overshoot``: profiles of 25 pixels to either side are read across the edges, where the mean of the exposures is even
  on both sides and the whole profile lies in the picture: skylines, window frames. How much brighter the bright side is
  3 to 8 pixels from the edge than 18 to 25 pixels from it, plus how much darker the dark side is, in hundredths of the
  range. A halo is positive; ``average``, which has no weights that could vary, shows what the scenes themselves have.
- ``unevenness``: the same of every profile without its sign, the sides taken for themselves: halos of either sign.

Writes ``halo-effect.csv`` (a row per scene and method), ``halo-effect.md`` (their means; scenes with fewer than 20
such profiles count for the first two figures alone), ``halo-profile.png`` and ``halo-crops.png``: from the scenes where
the picture without the halo loss overshoots most, the places where it does.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

import imfuse
from imfuse.bench.views import display
from imfuse.data.pairs import read_gray
from imfuse.data.sets import Scene, read_data_set
from imfuse.fuser import Fuser
from imfuse.io import save_image
from imfuse.losses.halo import sobel
from imfuse.ops.colour import luma
from imfuse.sheet import Cell, contact_sheet

Plane = NDArray[np.float64]

STRONGEST, BLUR = 0.02, 2.0
NEAR, FAR = 3, 25
CLOSE, DISTANT = (3, 8), (18, 25)
EVEN = 0.12
"""Deviation of an even side of a profile at most, as a fraction of the step."""
LEAST_STEP = 0.1
LEAST_PROFILES = 20
"""With fewer of them a scene has no overshoot."""
FIGURES = ("beside", "elsewhere", "overshoot", "unevenness")
CROP, CROPS, CROP_WIDTH = 128, 5, 300


def gradient(picture: Plane) -> tuple[Plane, Plane]:
    """Rise per row and per column by Sobel's kernels over 8, (H, W), borders repeated."""
    padded = torch.from_numpy(np.pad(picture, 1, mode="edge"))[None, None]
    rows, columns = sobel(padded)
    return rows[0, 0].numpy(), columns[0, 0].numpy()


def strong_edges(mean: Plane) -> tuple[NDArray[np.bool_], Plane, Plane]:
    """Where the strongest edges of a mean of exposures (H, W) are, and the direction in which it rises there."""
    blurred = cv2.GaussianBlur(mean, (0, 0), BLUR)
    rows, columns = gradient(blurred)
    strength = np.hypot(rows, columns)
    edges = (strength >= np.quantile(strength, 1 - STRONGEST)) & (strength > 0)
    strength = np.maximum(strength, np.finfo(float).tiny)
    return edges, rows / strength, columns / strength


def beside_edges(picture: Plane, edges: NDArray[np.bool_]) -> tuple[float, float]:
    """Mean |∇y| of a picture 3 to 25 pixels from edges, and farther away; NaN where there is no such pixel."""
    rows, columns = gradient(picture)
    slope = np.abs(rows) + np.abs(columns)
    distance = cv2.distanceTransform((~edges).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    places = (distance >= NEAR) & (distance <= FAR), distance > FAR
    near, far = (float(slope[place].mean()) if place.any() else np.nan for place in places)
    return near, far


def crossings(mean: Plane) -> NDArray[np.float32]:
    """Where profiles across the strongest edges are read: (N, 2 · 25 + 1, 2) as row and column, dark side first."""
    edges, rows, columns = strong_edges(mean)
    ridge = edges & _is_crest(mean, rows, columns)
    places = np.argwhere(ridge)
    direction = np.stack([rows[ridge], columns[ridge]], 1)
    steps = np.arange(-FAR, FAR + 1)
    found = places[:, None] + steps[None, :, None] * direction[:, None]
    inside = ((found >= 0) & (found <= np.array(mean.shape) - 1)).all((1, 2))
    found = found[inside].astype(np.float32)
    profiles = across(mean, found)
    dark, bright = profiles[:, : FAR - NEAR + 1], profiles[:, FAR + NEAR :]
    step = bright.mean(1) - dark.mean(1)
    even = np.maximum(dark.std(1), bright.std(1)) < EVEN * step
    return found[even & (step > LEAST_STEP)]


def _is_crest(mean: Plane, rows: Plane, columns: Plane) -> NDArray[np.bool_]:
    """Whether the blurred gradient is larger than those a pixel farther along its direction: one place per crossing."""
    strength = np.hypot(*gradient(cv2.GaussianBlur(mean, (0, 0), BLUR)))
    down, right = (np.rint(part).astype(int) for part in (rows, columns))
    at = np.indices(mean.shape)
    others = []
    for sign in (-1, 1):
        row = np.clip(at[0] + sign * down, 0, mean.shape[0] - 1)
        column = np.clip(at[1] + sign * right, 0, mean.shape[1] - 1)
        others.append(strength[row, column])
    return (strength > others[0]) & (strength >= others[1])


def across(picture: Plane, places: NDArray[np.float32]) -> Plane:
    """Values of a picture at the places of crossings, bilinear, (N, 51)."""
    if not len(places):
        return np.zeros((0, 2 * FAR + 1))
    # OpenCV's tables have fewer than 32768 rows, and their fractions are steps of 1/32.
    parts = [
        cv2.remap(picture.astype(np.float32), part[..., 1], part[..., 0], cv2.INTER_LINEAR)
        for part in np.array_split(places, len(places) // 32000 + 1)
    ]
    return np.concatenate(parts).astype(np.float64)


def overshoots(profiles: Plane) -> tuple[Plane, Plane]:
    """By how much the dark side of each profile is too dark beside the edge, and the bright side too bright."""
    close, distant = (slice(FAR + first, FAR + last + 1) for first, last in (CLOSE, DISTANT))
    bright = profiles[:, close].mean(1) - profiles[:, distant].mean(1)
    turned = profiles[:, ::-1]
    dark = turned[:, distant].mean(1) - turned[:, close].mean(1)
    return dark, bright


def figures(picture: Plane, edges: NDArray[np.bool_], places: NDArray[np.float32]) -> dict[str, float]:
    """All figures of a fused picture."""
    beside, elsewhere = beside_edges(picture, edges)
    dark, bright = overshoots(across(picture, places))
    signed, unsigned = (dark + bright, np.abs(dark) + np.abs(bright))
    overshoot, unevenness = (float(one.mean()) if len(one) else np.nan for one in (signed, unsigned))
    return {
        "beside": 1000 * beside,
        "elsewhere": 1000 * elsewhere,
        "overshoot": 100 * overshoot,
        "unevenness": 100 * unevenness,
    }


class Effect:
    """What is gathered of all scenes.

    Attributes:
        rows: figures by set, scene and method.
        profiles: of every method the mean profile of each scene, less its mean.
        crops: (overshoot without the halo loss, captioned crops) of every scene.
    """

    def __init__(self, fusers: Mapping[str, Fuser], without: str) -> None:
        self.fusers, self.without = fusers, without
        self.rows: list[dict[str, str | float]] = []
        self.profiles: dict[str, list[Plane]] = {name: [] for name in fusers}
        self.crops: list[tuple[float, list[Cell]]] = []

    def add(self, data_set: str, scene: Scene) -> None:
        """Fuse a scene by every method, and measure."""
        mean = np.mean([read_gray(path) / 255 for path in scene.sources], axis=0)
        edges, places = strong_edges(mean)[0], crossings(mean)
        places = places if len(places) >= LEAST_PROFILES else places[:0]
        results = {name: self._fused(fuser, scene) for name, fuser in self.fusers.items()}
        for name, colours in results.items():
            picture = as_luma(colours)
            found = figures(picture, edges, places)
            self.rows.append({"set": data_set, "scene": scene.name, "method": name, "profiles": len(places), **found})
            if len(places):
                self.profiles[name].append(across(picture, places).mean(0))
        if len(places):
            self._crop(scene, results, places)

    def _fused(self, fuser: Fuser, scene: Scene) -> NDArray[np.float32]:
        options = {"stretch": False} if fuser.network.stretches else {}
        return np.asarray(fuser.fuse(scene.sources, depth="float", **options).image)

    def _crop(self, scene: Scene, results: Mapping[str, NDArray[np.float32]], places: NDArray[np.float32]) -> None:
        """The square around the place where the picture without the halo loss overshoots most, smoothed over places."""
        halo = np.add(*overshoots(across(as_luma(results[self.without]), places)))
        shape = results[self.without].shape[:2]
        total, count = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        rows, columns = places[:, FAR].astype(int).T
        np.add.at(total, (rows, columns), halo.astype(np.float32))
        np.add.at(count, (rows, columns), 1)
        total, count = (cv2.boxFilter(one, -1, (33, 33), normalize=False) for one in (total, count))
        mean = np.where(count >= 10, total / np.maximum(count, 1), -np.inf)
        row, column = np.unravel_index(int(mean.argmax()), shape)
        if not np.isfinite(mean.max()):
            return
        top, left = (
            int(np.clip(at - CROP // 2, 0, max(0, size - CROP))) for at, size in zip((row, column), shape, strict=True)
        )
        area = np.s_[top : top + CROP, left : left + CROP]
        middle = display(scene.sources[len(scene.sources) // 2])[area]
        cells = [Cell(f"{scene.name}: middle exposure", middle)]
        cells += [Cell(name, colours[area]) for name, colours in results.items()]
        self.crops.append((float(mean.max()), cells))

    def means(self) -> dict[str, dict[str, float]]:
        """Means over the scenes, by method."""
        return {
            name: {key: float(np.nanmean([row[key] for row in self.rows if row["method"] == name])) for key in FIGURES}
            for name in self.fusers
        }


def as_luma(picture: NDArray[np.float32]) -> Plane:
    """Luma (H, W) of a picture (H, W) or (H, W, 3)."""
    tensor = torch.from_numpy(picture.reshape(*picture.shape[:2], -1)).permute(2, 0, 1)[None]
    found: Plane = luma(tensor)[0, 0].double().numpy()
    return found


def table(effect: Effect) -> str:
    """The means as Markdown."""
    lines = [f"| method | {' | '.join(FIGURES)} |", "| --- " * (len(FIGURES) + 1) + "|"]
    for name, values in effect.means().items():
        lines.append(f"| {name} | {' | '.join(f'{values[key]:.2f}' for key in FIGURES)} |")
    return "\n".join(lines) + "\n"


def draw_profiles(effect: Effect, path: Path) -> None:
    """Mean profiles over the scenes, without the edge itself and less their level far from it."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    sides = figure.subplots(1, 2, sharey=True)
    steps = np.arange(-FAR, FAR + 1)
    for name, profiles in effect.profiles.items():
        profile = np.mean(profiles, 0)
        for axis, inside, far in ((sides[0], steps < -1, slice(0, 8)), (sides[1], steps > 1, slice(-8, None))):
            axis.plot(steps[inside], 100 * (profile[inside] - profile[far].mean()), label=name)
    for axis, title in zip(sides, ("dark side of the edge", "bright side of the edge"), strict=True):
        axis.set(title=title, xlabel="pixels from the edge")
        axis.axhline(0, color="0.6", linewidth=0.8)
        axis.grid(linewidth=0.4, alpha=0.6)
    sides[0].set_ylabel("luma less that 18 to 25 pixels away,\nhundredths of the range")
    sides[1].legend(fontsize=8)
    figure.savefig(path, dpi=120)


def write(effect: Effect, folder: Path) -> None:
    """All files."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "halo-effect.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(effect.rows[0]))
        writer.writeheader()
        writer.writerows(effect.rows)
    (folder / "halo-effect.md").write_text(table(effect), encoding="utf-8")
    draw_profiles(effect, folder / "halo-profile.png")
    chosen = sorted(effect.crops, key=lambda crop: -crop[0])[:CROPS]
    if chosen:
        save_image(folder / "halo-crops.png", contact_sheet([cells for _, cells in chosen], CROP_WIDTH), overwrite=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, write and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=Path("halo-effect"))
    parser.add_argument("--with-halo", default="csc-mefn")
    parser.add_argument("--without-halo", default="csc-mefn-no-halo")
    parser.add_argument("--sets", nargs="+", default=["tci24"])
    parser.add_argument("--limit", type=int, help="only the first scenes of each set")
    options = parser.parse_args(arguments)
    without = "without halo loss"
    references = {
        "Mertens": "exposure-fusion",
        without: options.without_halo,
        "with halo loss": options.with_halo,
        "average": "average",
    }
    effect = Effect({name: imfuse.load(word, task="exposure") for name, word in references.items()}, without)
    for name in options.sets:
        for scene in read_data_set(options.data / "exposure" / name, "exposure").scenes[: options.limit]:
            effect.add(name, scene)
    write(effect, options.output)
    print(table(effect))


if __name__ == "__main__":
    main()
