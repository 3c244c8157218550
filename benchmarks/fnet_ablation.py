"""FNet's ablations (paper, Table III and Fig. 10): six short trainings of one schedule, scored and shown side by side.

Run: ``python benchmarks/fnet_ablation.py DATA --run runs/fnet-ablation`` with the folder of the data sets; ``--train``
for other training folders than ``infrared/msrs361``, ``--steps`` and the like for another schedule, ``--images`` to
score on a part of every set. On a machine with a GPU it trains there; ``--device cuda`` also scores there.

Members differ in what the row of the table says and in nothing else: seed, draws, steps and rates are the same. Without
IFNet there is no first stage, as in the paper, so that member has fewer steps in all. Run again, it goes on: with the
training that was cut, and with the pictures that are there.

Writes into ``--out`` ``table.csv`` and ``table.md``, as ``fnet_quality.py`` does, with the paper's rows below, and
``pictures.png``, the built-in scenes by every member; into ``--run`` the weights, the rows, and ``fig10.png``, crops of
``tno25`` and ``roadscene50``, which are not ours to pass on.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from fnet_quality import SETS, lines_of, means_of, parts_of, planned, write_tables
from numpy.typing import NDArray
from rich.console import Console

import imfuse
from imfuse.bench.results import BenchResults
from imfuse.commands.bench import run_shown
from imfuse.data.pairs import read_gray
from imfuse.data.samples import infrared_pair
from imfuse.io import save_image
from imfuse.registry import read_card
from imfuse.sheet import Cell, contact_sheet
from imfuse.train.fnet import FNetConfig
from imfuse.train.fnet_runs import train_pairs
from imfuse.train.loop import find_checkpoint

MEMBERS: dict[str, tuple[str, dict[str, Any]]] = {
    "fnet-lcsc": ("FNet, LCSC", {"block": "lcsc"}),
    "fnet-no-ifnet": ("FNet, no IFNet", {"inverse": False}),
    "fnet-no-intensity": ("FNet, no intensity loss", {"intensity_weight": 0.0}),
    "fnet-no-gradient": ("FNet, no gradient loss", {"gradient_weight": 0.0}),
    "fnet-no-ssim": ("FNet, no SSIM loss", {"ssim_weight": 0.0}),
    "fnet-whole": ("FNet", {}),
}
"""Name → the row of Table III, and what is other than in FNet as a whole."""

CROPS = {
    "infrared/tno25": ("05", (100, 240, 160, 200)),
    "infrared/roadscene50": ("FLIR_07555", (100, 230, 160, 200)),
}
"""Set → a scene, and top, left, height and width of what is shown of it, cut where the picture ends."""


SETTINGS = (
    "inverse_steps",
    "steps",
    "batch",
    "crop",
    "learning_rate",
    "schedule",
    "start",
    "epoch_steps",
    "seed",
    "features",
)


def trained(base: FNetConfig, data: Sequence[Path], run: Path) -> dict[str, Path]:
    """The weights of every member, trained where they are not there."""
    files = {}
    for name, (row, changes) in MEMBERS.items():
        folder, config = run / name, replace(base, **changes)
        files[name] = folder / "fnet.safetensors"
        card = files[name].with_suffix(".json")
        if card.is_file() and files[name].is_file():
            known = {key: value for key, value in read_card(card).recipe.items() if key in config.to_dict()}
            if known != config.to_dict():
                raise SystemExit(f"{folder}: was trained with other settings; choose another --run")
            continue
        print(f"{row}: training in {folder}", flush=True)
        train_pairs(config, data, folder, resume=find_checkpoint(folder) is not None, progress=False)
    return files


def markdown(results: BenchResults, config: FNetConfig, data: Sequence[Path]) -> str:
    """The table, the paper's rows below ours."""
    found, published = means_of(results), parts_of("fnet-table3")
    lines = ["# Ablations of FNet", ""]
    lines += [
        f"Every member: {config.inverse_steps} steps of stage I (none without IFNet) and {config.steps} of stage II, "
        f"{config.batch} crops of {config.crop}×{config.crop}, {config.schedule} rate {config.learning_rate:g}, start "
        f"{config.start:g}, seed {config.seed}, trained on {', '.join(folder.name for folder in data)}. The paper's "
        "schedule has 20,000 steps each of 16 crops of 128×128: rows are to be compared with one another, not with it.",
        "",
    ]
    lines += [f"**Only a part of the scenes:** {results.plan.subset}.", ""] if results.plan.subset else []
    for data_set in results.plan.data_sets:
        rows = {MEMBERS[name][0]: values for name, values in found[data_set.name].items()}
        part = published.get(data_set.name)
        lines += lines_of(data_set.name, rows, part.values if part else {}, f"{len(data_set.scenes)} pairs.")
    return "\n".join(lines) + "\n"


def crop(picture: NDArray[Any], place: tuple[int, int, int, int]) -> NDArray[Any]:
    """A part of a picture, moved inside where it reaches beyond."""
    top, left, height, width = place
    top, left = max(0, min(top, picture.shape[0] - height)), max(0, min(left, picture.shape[1] - width))
    return picture[top : top + height, left : left + width]


def row_of(
    infrared: NDArray[np.uint8], visible: NDArray[Any], fused: Mapping[str, NDArray[Any]], place: Any
) -> list[Cell]:
    """Both sources and what every member makes of them, cut to one place."""
    cells = [Cell("infrared", crop(infrared, place)), Cell("visible", crop(visible, place))]
    return cells + [Cell(row, crop(fused[name], place)) for name, (row, _) in MEMBERS.items()]


def built_in(files: Mapping[str, Path]) -> NDArray[np.uint8]:
    """Two of the built-in scenes by every member, whole and a crop."""
    rows = []
    for scene, place in (("street", (95, 180, 100, 130)), ("garden", (100, 150, 100, 130))):
        pair = infrared_pair(scene, 240, 320, 3)
        sources = [np.asarray(pair.infrared), np.asarray(pair.visible)]
        fused = {name: np.asarray(imfuse.load(file).fuse(sources).image) for name, file in files.items()}
        rows += [row_of(sources[0], sources[1], fused, part) for part in ((0, 0, 240, 320), place)]
    return contact_sheet(rows, 300, "Ablations of FNet: built-in scenes, short trainings")


def figure_10(data: Path, files: Mapping[str, Path], sets: Sequence[str]) -> NDArray[np.uint8] | None:
    """Crops of the paper's sets by every member; None where no set of them is measured."""
    rows = []
    for name in (name for name in sets if name in CROPS):
        stem, place = CROPS[name]
        paths = [next((data / name / kind).glob(f"{stem}.*")) for kind in ("ir", "vis")]
        fused = {member: np.asarray(imfuse.load(file).fuse(paths).image) for member, file in files.items()}
        infrared, visible = (read_gray(path) for path in paths)
        rows.append(row_of(infrared, visible, fused, place))
    return contact_sheet(rows, 300, "Ablations of FNet, as Fig. 10 of the paper") if rows else None


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--run", type=Path, default=Path("runs/fnet-ablation"))
    parser.add_argument("--out", type=Path, default=Path("docs/training/fnet-ablation"))
    parser.add_argument(
        "--train", type=Path, nargs="+", help="folders with ir/ and vis/; default DATA/infrared/msrs361"
    )
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS, metavar="SET")
    parser.add_argument("--images", type=int, help="only so many pairs of each set")
    parser.add_argument("--device", default="cpu", help="for the scores")
    parser.add_argument("--inverse-steps", type=int, default=600)
    parser.add_argument("--steps", type=int, default=1200)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--crop", type=int, default=64)
    parser.add_argument("--learning-rate", type=float, default=2e-4)
    parser.add_argument("--schedule", default="cosine")
    parser.add_argument("--start", type=float, default=0.5)
    parser.add_argument("--epoch-steps", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--features", type=int, default=64, help="fewer only to try the script")
    return parser.parse_args()


def main() -> None:
    """Train, score, write."""
    options = arguments()
    named = vars(options)
    config = FNetConfig(**{key: named[key] for key in SETTINGS})
    data = options.train or [options.data / "infrared/msrs361"]
    files = trained(config, data, options.run)
    models = [f"{name}={file}" for name, file in files.items()]
    plan = planned(options.data, options.sets, models, options.run / "bench", options.images, options.device)
    results = run_shown(plan, Console(stderr=True), overwrite=False)
    if results is None:
        raise SystemExit(130)
    text = markdown(results, config, data)
    options.out.mkdir(parents=True, exist_ok=True)
    write_tables(means_of(results), text, options.out)
    save_image(options.out / "pictures.png", built_in(files), overwrite=True)
    crops = figure_10(options.data, files, options.sets)
    if crops is not None:
        save_image(options.run / "fig10.png", crops, overwrite=True)
    print(text)
    raise SystemExit(bool(results.failures))


if __name__ == "__main__":
    main()
