"""Measuring spectral fusion: bands are made coarse, sharpened by their guide, and compared with what they were.

This is Wald's protocol (L. Wald, T. Ranchin, M. Mangolini, "Fusion of satellite images of different spatial
resolutions: assessing the quality of resulting images", Photogrammetric Engineering & Remote Sensing 63(6), 1997).
Nothing is quantised on the way: neither the coarse bands nor the results, which are no pictures and are not saved.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from imfuse.bench.contenders import Contender, find_contenders
from imfuse.bench.plan import BenchPlan, Cell, chosen_scenes, subset_words
from imfuse.bench.results import BenchResults, metric_columns
from imfuse.bench.rows import Row, to_csv
from imfuse.bench.runner import Progress, why_failed
from imfuse.bench.store import write_text
from imfuse.classical.spectral.method import SpectralMethod
from imfuse.data.cave import cave_set, read_cave
from imfuse.data.sets import Scene
from imfuse.errors import DataError, UsageError
from imfuse.fuser import usable_device
from imfuse.metrics import default_metrics, evaluate
from imfuse.metrics.spectral import ERGAS_RATIO
from imfuse.networks.protocol import FusionNetwork
from imfuse.ops.resampling import downsample
from imfuse.outputs import make_folder
from imfuse.registry import load_network

SCALE = 4
"""How many pixels of the guide a coarse pixel is wide: that of most publications on CAVE."""

SPECTRAL_NAME = "spectral.csv"

AS_STORED = ", guide as stored"
"""At the end of the names of contenders that do not decode the guide: they see it under the sRGB curve."""


def plan_spectral(
    place: Path,
    models: Sequence[str] = ("all",),
    *,
    folder: Path = Path("bench"),
    device: str = "cpu",
    command: str = "",
    images: int | None = None,
    scenes: Sequence[str] = (),
    scale: int = SCALE,
) -> BenchPlan:
    """What is measured on a folder of CAVE.

    Args:
        place: as :func:`imfuse.data.cave.cave_set` takes it.
        models: as for :func:`imfuse.bench.plan.plan_bench`; all of them as :func:`with_stored_guides` gives them.
        folder: where the rows go.
        device: where the models run.
        command: the command line that this is.
        images: only so many scenes, spread evenly.
        scenes: only those of these names, as far as they are there; all if empty.
        scale: how many pixels of the guide a coarse pixel is wide; models that were trained for others are left out.

    Raises:
        DataError: there is no such scene.
        UsageError: a model is unknown, or none is for this scale.
    """
    found = cave_set(place)
    if scale < 2:
        raise UsageError(f"the scale is {scale}; it must be a whole number from 2 up")
    wanted = tuple(scene for scene in found.scenes if not scenes or scene.name in scenes)
    if not wanted:
        raise DataError(f"{found.folder}: holds none of the scenes {', '.join(scenes)}")
    subset = f"{len(wanted)} of the scenes {', '.join(scenes)}" if len(wanted) < len(scenes) else ""
    taken = chosen_scenes([replace(found, scenes=wanted)], images, (), None)
    return BenchPlan(
        tuple(taken),
        with_stored_guides(of_scale(find_contenders(models, (), ("spectral",)), scale)),
        {found.name: default_metrics("spectral", truth=True)},
        folder,
        device,
        command,
        "; ".join(filter(None, [subset, subset_words(images, (), None)])),
    )


def of_scale(contenders: Iterable[Contender], scale: int) -> tuple[Contender, ...]:
    """The contenders that can do this scale: a learned model is for one alone, which stands on its card.

    Raises:
        UsageError: there is none.
    """
    fitting = tuple(one for one in contenders if one.card is None or one.card.arguments.get("scale", scale) == scale)
    if not fitting:
        raise UsageError(f"none of the models is for scale {scale}; imfuse models shows which there are")
    return fitting


def with_stored_guides(contenders: Iterable[Contender]) -> tuple[Contender, ...]:
    """Every contender, and once more with its guide as it is stored if that makes a difference.

    The methods mix light, and decode an RGB guide by the sRGB curve. Publications rarely say that they do; figures as
    low as theirs come out where the stored values are taken for light. A learned model sees the guide as it was
    trained to and is taken once. The names of all that see it as stored end with :data:`AS_STORED`.
    """
    every = []
    for contender in contenders:
        card = contender.card
        if card is None:
            every.append(contender)
            continue
        if card.learned:
            stored = card.arguments.get("guide_transfer", "srgb") == "srgb"
            every.append(replace(contender, name=contender.name + AS_STORED) if stored else contender)
            continue
        every.append(contender)
        network = load_network(card)
        if isinstance(network, SpectralMethod) and network.mixes_light:
            stored = replace(card, arguments={**card.arguments, "guide_encoding": "linear"})
            every.append(replace(contender, name=contender.name + AS_STORED, card=stored))
    return tuple(every)


def run_spectral(
    plan: BenchPlan,
    *,
    scale: int = SCALE,
    progress: Progress = lambda cell, done: None,
    stop: Callable[[], bool] = lambda: False,
) -> BenchResults:
    """Measure all scenes of a plan by all its models, and write ``spectral.csv`` into its folder.

    A scene or model that fails gives rows with an ``error``, and the rest goes on. Whatever ends the run, rows that
    are finished are written. Nothing is taken over from earlier runs.

    Args:
        plan: of :func:`plan_spectral`.
        scale: how many pixels of the guide a coarse pixel is wide.
        progress: told before every result.
        stop: asked before every result; once it says yes, no more are begun.

    Raises:
        OutputError: the folder cannot be written to.
    """
    make_folder(plan.folder)
    bench = _SpectralBench(plan, scale)
    rows: dict[tuple[str, str, str], Row] = {}
    interrupted = False
    try:
        for done, cell in enumerate(_scene_by_scene(plan)):
            if stop():
                interrupted = True
                break
            progress(cell, done)
            rows[cell.key] = bench.row(cell)
    finally:
        ordered = tuple(rows[cell.key] for cell in plan.cells() if cell.key in rows)
        write_text(plan.folder / SPECTRAL_NAME, to_csv(ordered, metric_columns(plan)))
    return BenchResults(plan, ordered, len(rows), interrupted)


def score_bands(fused: Tensor, truth: Tensor, metrics: Sequence[str], scale: int = SCALE) -> dict[str, float]:
    """Metrics of sharpened bands against the true ones.

    What the result has beyond [0, 1] is clamped, since the metrics take nothing beyond, and no file would keep it.

    Args:
        fused: (1, L, H, W).
        truth: likewise, in [0, 1].
        metrics: keys of :data:`imfuse.metrics.METRICS` that need a truth.
        scale: how many pixels of the guide a coarse pixel was wide, for ERGAS.
    """
    given = evaluate(fused.clamp(0, 1), metrics=metrics, truth=truth)
    values = {key: float(value) for key, value in given.items()}
    if "ergas" in values:
        values["ergas"] *= ERGAS_RATIO / scale
    return values


class _SpectralBench:
    """The work on single results, with what they share: the scene in work, and the networks."""

    def __init__(self, plan: BenchPlan, scale: int) -> None:
        self.plan, self.scale = plan, scale
        self.device = usable_device(plan.device)
        self._scene: tuple[Scene, Tensor, Tensor] | None = None
        self._networks: dict[str, FusionNetwork] = {}

    def row(self, cell: Cell) -> Row:
        """The figures of a scene by a contender, or why there are none."""
        contender = cell.contender
        row = Row(cell.data_set.name, cell.data_set.task, contender.name, contender.kind, cell.scene.name)
        try:
            truth, guide = self._read(cell.scene)
            sources = [downsample(truth, self.scale), guide]
            fused, seconds = self._fused(contender, sources)
            guide_words = seen_guide(contender, self._networks[contender.name])
            beyond = float(((fused < 0) | (fused > 1)).double().mean())
            return replace(
                row,
                values=score_bands(fused, truth, self.plan.metrics[cell.data_set.name], self.scale),
                seconds=seconds,
                height=truth.shape[-2],
                width=truth.shape[-1],
                device=self.plan.device,
                threads=torch.get_num_threads(),
                notes=f"scale {self.scale}, averages over blocks; {guide_words}; {beyond:.3%} of the values clamped to "
                "[0, 1]",
            )
        except Exception as error:
            return replace(row, error=why_failed(error))

    def _read(self, scene: Scene) -> tuple[Tensor, Tensor]:
        if self._scene is None or self._scene[0] != scene:
            self._scene = (scene, *read_cave(scene))
        return self._scene[1:]

    @torch.inference_mode()
    def _fused(self, contender: Contender, sources: Sequence[Tensor]) -> tuple[Tensor, float]:
        """The result and the seconds that it took, without reading."""
        given = [source.to(self.device) for source in sources]
        if contender.name not in self._networks:
            if contender.card is None:
                raise DataError(f"{contender.name}: spectral results of other programs are not taken")
            self._networks[contender.name] = load_network(contender.card).to(self.device)
            self._networks[contender.name].fuse(given)  # what only the first result pays for is not counted
        start = time.perf_counter()
        fused = self._networks[contender.name].fuse(given).cpu()
        return fused, time.perf_counter() - start


def seen_guide(contender: Contender, network: FusionNetwork) -> str:
    """In words, how a contender's network takes the values of the guide."""
    if contender.name.endswith(AS_STORED):
        return "guide as stored"
    if isinstance(network, SpectralMethod) and not network.mixes_light:
        return "no guide"
    return "guide decoded by the sRGB curve"


def _scene_by_scene(plan: BenchPlan) -> Iterator[Cell]:
    """All results, those of one scene together: reading a cube takes longer than most methods."""
    for data_set in plan.data_sets:
        for scene in data_set.scenes:
            for contender in plan.contenders_of(data_set):
                yield Cell(data_set, contender, scene)
