"""Quality of fused brackets: CSC-MEFN beside the usual methods, before and after the stretch, in one run.

Run: ``python benchmarks/exposure_quality.py DATA -o FOLDER`` with the folder that holds ``exposure/hdrps44`` and
``exposure/tci24``; ``--csc-mefn FILE`` and ``--no-halo FILE`` for other weights than the built-in ones, ``--sets`` for
one set, ``--images 3`` for a quick look, ``--sheets`` for pictures of all scenes side by side.

It is a benchmark of ``imfuse bench``, with the middle exposure (of two the brighter one) and OpenCV's exposure fusion
of weights (1, 1, 1) taken for pictures of other programs: run again it goes on, ``results.csv`` has a row per scene
with all digits, and ``index.html`` the pictures. ``table.md`` has the means over the scenes, with all their exposures,
of 8-bit results:

- ``mef-ssim-lum`` of docs/metrics.md (Ma et al. 2020, luma, with luminance). The last two columns tell the worst scene,
  and on how many scenes a method is ahead of ``exposure-fusion``: Mertens' method with the authors' number of scales,
  of which OpenCV has more.
- BRISQUE, NIQE and PIQE compare within this table alone: BRISQUE with LIVE's model (in ``DATA/iqa``, or where
  IMFUSE_BRISQUE_MODEL names its folder), NIQE with the one that comes with imfuse.

Behind a method ``+stretch`` means with the percentiles 0.5 and 99.5 at black and white, ``+no-stretch`` before that.
``deep-csc-table3.md`` is the paper's table beside these figures.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from imfuse.bench import BenchPlan, BenchResults, plan_bench, run_bench, write_report
from imfuse.bench.plan import Cell
from imfuse.bench.published_tables import published_table
from imfuse.bench.reproduce import as_markdown
from imfuse.bench.reproduction import reproduced
from imfuse.bench.views import display
from imfuse.data.sets import DataSet, Scene, read_data_set
from imfuse.errors import ImfuseError
from imfuse.io import save_image
from imfuse.metrics.blind.models import BRISQUE_VARIABLE
from imfuse.registry import find_card
from imfuse.sheet import Cell as SheetCell
from imfuse.sheet import contact_sheet

SETS = ("hdrps44", "tci24")
SCORE = "mef-ssim-lum"
METRICS = (SCORE, "brisque", "niqe", "piqe")
MODES = ("+no-stretch", "+stretch", "+fast+no-stretch", "+fast+stretch")
MIDDLE, OPENCV, MERTENS = "middle-exposure", "mertens-opencv", "exposure-fusion"
PEERS = (MERTENS, "ifcnn-mean", "average")
SHEET_ROWS, SHEET_WIDTH = 6, 340


def middle(scene: Scene) -> Path:
    """The middle exposure of a scene whose files run from dark to bright; of two the brighter one."""
    return scene.sources[len(scene.sources) // 2]


def make_others(sets: Sequence[DataSet], folder: Path) -> None:
    """The middle exposures, and what OpenCV makes of all; what is there stays."""
    merge: Any = cv2.createMergeMertens(1, 1, 1)
    for data_set in sets:
        for scene in data_set.scenes:
            source = middle(scene)
            copy = folder / MIDDLE / data_set.name / f"{scene.name}{source.suffix}"
            fused = folder / OPENCV / data_set.name / f"{scene.name}.png"
            for path in (copy, fused):
                path.parent.mkdir(parents=True, exist_ok=True)
            if not copy.exists():
                shutil.copyfile(source, copy)
            if not fused.exists():
                result = np.clip(merge.process([display(path) for path in scene.sources]), 0, 1)
                save_image(fused, np.rint(255 * result).astype(np.uint8))


def models(weights: Mapping[str, str]) -> list[str]:
    """What is compared, as ``imfuse bench`` takes it; what is not shipped is left out, with a line."""
    words = []
    for name, reference in weights.items():
        try:
            find_card(reference)
        except ImfuseError as error:
            print(f"left out: {name} ({error})")
            continue
        words += [f"{name}{mode}={reference}{mode}" for mode in MODES]
    return [*words, *PEERS]


def plan(options: argparse.Namespace) -> BenchPlan:
    """The benchmark."""
    folders = [options.data / "exposure" / name for name in options.sets]
    others = options.output / "others"
    make_others([read_data_set(folder, "exposure") for folder in folders], others)
    return plan_bench(
        folders,
        models({"csc-mefn": options.csc_mefn, "csc-mefn-no-halo": options.no_halo}),
        METRICS,
        folder=options.output,
        fused=[f"{name}={others / name}" for name in (OPENCV, MIDDLE)],
        task="exposure",
        images=options.images,
        command=shlex.join(["python", *sys.argv]),
    )


def table(results: BenchResults, data_set: DataSet) -> list[str]:
    """The means of a set as Markdown."""
    metrics = results.plan.metrics[data_set.name]
    scores: dict[str, dict[str, dict[str, float]]] = {}
    for row in results.rows_of(data_set):
        if not row.error:
            scores.setdefault(row.model, {})[row.scene] = dict(row.values)
    lines = [f"{data_set.name}: {len(data_set.scenes)} scenes", ""]
    lines.append(f"| method | scenes | {' | '.join(metrics)} | {SCORE}, worst scene | above {MERTENS} |")
    lines.append("| --- " * (len(metrics) + 4) + "|")
    for model, scenes in scores.items():
        means = [np.mean([values[key] for values in scenes.values()]) for key in metrics]
        worst = min(scenes, key=lambda scene: scenes[scene][SCORE])
        ahead = sum(scenes[name][SCORE] > scores[MERTENS][name][SCORE] for name in scenes if name in scores[MERTENS])
        figures = " | ".join(
            f"{mean:.4f}" if key == SCORE else f"{mean:.3f}" for key, mean in zip(metrics, means, strict=True)
        )
        lines.append(f"| {model} | {len(scenes)} | {figures} | {scenes[worst][SCORE]:.4f} ({worst}) | {ahead} |")
    return [*lines, ""]


def sheets(results: BenchResults, data_set: DataSet) -> None:
    """All scenes of a set side by side: darkest, middle and brightest exposure, then every contender."""
    folder = results.plan.folder
    made = {(row.model, row.scene): folder / row.picture for row in results.rows_of(data_set) if row.picture}
    names = [one.name for one in results.plan.contenders_of(data_set) if one.name != MIDDLE]
    rows = []
    for scene in data_set.scenes:
        sources = {"darkest": scene.sources[0], "middle": middle(scene), "brightest": scene.sources[-1]}
        shown = {f"{scene.name}: {name}": path for name, path in sources.items()}
        shown |= {name: made[name, scene.name] for name in names if (name, scene.name) in made}
        rows.append([SheetCell(name, display(path)) for name, path in shown.items()])
    for start in range(0, len(rows), SHEET_ROWS):
        part = contact_sheet(rows[start : start + SHEET_ROWS], SHEET_WIDTH, data_set.name)
        number = start // SHEET_ROWS + 1
        save_image(folder / "contact-sheets" / f"{data_set.name}-all-{number}.png", part, overwrite=True)


def main() -> None:
    """Measure, write and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=Path("exposure-quality"), help="folder for all results")
    parser.add_argument("--csc-mefn", default="csc-mefn")
    parser.add_argument("--no-halo", default="csc-mefn-no-halo")
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--images", type=int, help="only so many scenes of each set, spread evenly")
    parser.add_argument("--sheets", action="store_true", help="contact sheets of all scenes")
    options = parser.parse_args()
    os.environ.setdefault(BRISQUE_VARIABLE, str(options.data / "iqa"))

    def progress(cell: Cell, done: int) -> None:
        print(f"{done}: {' '.join(cell.key)}", end="\r", file=sys.stderr, flush=True)

    results = run_bench(plan(options), progress=progress)
    write_report(results)
    text = "\n".join(line for data_set in results.plan.data_sets for line in table(results, data_set))
    (options.output / "table.md").write_text(text + "\n", encoding="utf-8")
    print(text)
    published = published_table("deep-csc-table3")
    beside = as_markdown(published, reproduced(published, results))
    (options.output / f"{published.name}.md").write_text(beside, encoding="utf-8")
    if options.sheets:
        for data_set in results.plan.data_sets:
            sheets(results, data_set)
    for row in results.failures:
        print(f"failed: {row.data_set} {row.model} {row.scene}: {row.error}")


if __name__ == "__main__":
    main()
