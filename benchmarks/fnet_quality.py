"""FNet beside its published weights, IFCNN, AUIF, CSC-IVFN and the classical methods, on the sets of its Table I.

Run: ``python benchmarks/fnet_quality.py DATA -o bench/fnet`` with the folder of the data sets; ``--models`` names what
is compared (built-in names, files, ``NAME=FILE``, or ``learned`` and ``classical``), ``--released FNet.pth`` adds the
weights that FNet's authors published, ``--device cuda`` computes on a GPU. ``--write-card`` stores the figures of the
first model in its card.

All go through ``imfuse bench``: the same Fuser, which gives FNet infrared or MRI first, and metrics of the saved 8-bit
picture as BT.601 luma. MI, VIF, Qabf and SSIM are those of Table I (docs/metrics.md: nats and the sum over both
sources; pixel domain and the sum; SSIM with scikit-image 0.19's data range of 2, the sum). The pixelwise maximum wins
the first three, which is why SCD, SF, AG and EN stand beside them. A model is left out on sets that lie in its training
data.

Writes ``table.csv`` (means, all digits) and ``table.md`` beside what ``imfuse bench`` writes: rows, summary, contact
sheets, a page with a slider. Run again, it goes on.
"""

from __future__ import annotations

import argparse
import csv
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from rich.console import Console

from imfuse.bench import plan_bench
from imfuse.bench.contenders import Contender
from imfuse.bench.overlap import training_overlap
from imfuse.bench.plan import BenchPlan
from imfuse.bench.published_tables import PublishedSet, published_table
from imfuse.bench.results import BenchResults
from imfuse.commands.bench import run_shown
from imfuse.convert import convert_checkpoint
from imfuse.data.sets import DataSet
from imfuse.metrics import METRICS
from imfuse.registry import read_card, write_card
from imfuse.train.fnet_runs import METRICS as KEYS

SETS = (
    "infrared/tno25",
    "infrared/roadscene50",
    "medical/ct_mri21",
    "medical/pet_mri42",
    "medical/spect_mri73",
    "infrared/nir_country",
)
PRINTED = ("mi", "vif", "qabf", "ssim-sk019")
"""The columns of Tables I and III."""
PUBLISHED = "fnet-published"

Means = Mapping[str, Mapping[str, float]]
"""Model → metric → mean over a set."""


@dataclass(frozen=True)
class Honest(Contender):
    """A contender that takes no part where its training data lie."""

    def serves(self, data_set: DataSet) -> bool:
        """Whether it can give pictures that it was not trained on."""
        return super().serves(data_set) and training_overlap(self.card, data_set.name) is None


def planned(
    data: Path, sets: Sequence[str], models: Sequence[str], folder: Path, images: int | None, device: str
) -> BenchPlan:
    """The benchmark of these models, each where it was not trained."""
    folders = [data / name for name in sets]
    plan = plan_bench(folders, models, KEYS, folder=folder, images=images, device=device)
    honest = (Honest(**{f.name: getattr(one, f.name) for f in fields(one)}) for one in plan.contenders)
    return replace(plan, contenders=tuple(honest), command=shlex.join(["python", *sys.argv]))


def means_of(results: BenchResults) -> dict[str, Means]:
    """Set → means of the models that have all its pictures, in the plan's order; of the others they would mislead."""
    found: dict[str, Means] = {}
    for data_set in results.plan.data_sets:
        means = {one.model: one.means for one in results.standings(data_set) if one.complete}
        order = [one.name for one in results.plan.contenders if one.name in means]
        found[data_set.name] = {name: means[name] for name in order}
    return found


def lines_of(heading: str, rows: Means, printed: Mapping[str, Sequence[object]], note: str) -> list[str]:
    """A table of one set: what is measured, the best of every column in bold, and what the paper prints."""
    heads = [METRICS[key].name for key in KEYS]
    lines = [f"## {heading}", "", *([note, ""] if note else [])]
    lines += ["| model | " + " | ".join(heads) + " |", "|" + " --- |" * (len(heads) + 1)]
    best = {key: max(row[key] for row in rows.values()) for key in KEYS} if rows else {}
    for model, row in rows.items():
        cells = (f"**{row[key]:.3f}**" if row[key] == best[key] else f"{row[key]:.3f}" for key in KEYS)
        lines.append(f"| {model} | " + " | ".join(cells) + " |")
    for method, values in printed.items():
        known = dict(zip(PRINTED, values, strict=True))
        lines.append(f"| {method}, as printed | " + " | ".join(str(known.get(key, "–")) for key in KEYS) + " |")
    return [*lines, ""]


def against_published(rows: Means, first: str) -> list[str]:
    """What the first model reaches of the published weights, in hundredths."""
    if first == PUBLISHED or first not in rows or PUBLISHED not in rows:
        return []
    shares = (f"{METRICS[key].name} {100 * rows[first][key] / rows[PUBLISHED][key]:.1f} %" for key in KEYS)
    return [f"{first} has of {PUBLISHED}: {', '.join(shares)}.", ""]


def parts_of(table: str) -> dict[str, PublishedSet]:
    """Name of a data set here → its part of a table of the paper."""
    return {part.data: part for part in published_table(table).sets}


def markdown(found: Mapping[str, Means], results: BenchResults, first: str) -> str:
    """All sets."""
    plan = results.plan
    lines = ["# FNet on the sets of its Table I", ""]
    lines += [f"**Only a part of the scenes:** {plan.subset}.", ""] if plan.subset else []
    published = parts_of("fnet-table1")
    for data_set in plan.data_sets:
        rows, part = found[data_set.name], published.get(data_set.name)
        printed = {"FNet": part.values["FNet"]} if part else {}
        note = f"{len(data_set.scenes)} pairs."
        note += f" {part.note[0].upper()}{part.note[1:]}." if part and part.note else ""
        lines += lines_of(data_set.name, rows, printed, note) + against_published(rows, first)
        left_out = [training_overlap(one.card, data_set.name) for one in plan.contenders]
        words = [f"Left out: {why}." for why in left_out if why]
        lines += [*words, ""] if words else []
    lines += [f"- {METRICS[key].name}: `{key}`, {METRICS[key].variant}." for key in KEYS]
    return "\n".join(lines) + "\n"


def write_tables(found: Mapping[str, Means], text: str, folder: Path) -> None:
    """``table.csv`` and ``table.md``."""
    with (folder / "table.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["set", "model", *KEYS])
        for name, rows in found.items():
            writer.writerows([name, model, *(row[key] for key in KEYS)] for model, row in rows.items())
    (folder / "table.md").write_text(text, encoding="utf-8")


def store(found: Mapping[str, Means], first: Contender, sets: Sequence[str]) -> None:
    """Put the first model's figures into its card."""
    if first.card is None or first.card.path is None:
        raise SystemExit(f"{first.name} has no card to write to")
    figures = {name: dict(found[Path(name).name][first.name]) for name in sets}
    card = read_card(first.card.path)
    test = {"metrics": "imfuse.metrics, 8-bit luma, mean over the pairs", "sets": figures}
    write_card(replace(card, figures={**card.figures, "test": card.figures.get("test", {}) | test}), first.card.path)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=Path("bench/fnet"))
    parser.add_argument("--models", nargs="+", default=["fnet", "ifcnn-max", "auif", "csc-ivfn", "classical"])
    parser.add_argument("--released", type=Path, metavar="FNet.pth", help="the checkpoint of FNet's authors")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS, metavar="SET")
    parser.add_argument("--images", type=int, help="only so many pairs of each set")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--write-card", action="store_true")
    options = parser.parse_args()
    models = list(options.models)
    if options.released is not None:
        options.output.mkdir(parents=True, exist_ok=True)
        file = options.output / f"{PUBLISHED}.safetensors"
        convert_checkpoint([options.released], file, overwrite=True)
        models.insert(1, str(file))
    plan = planned(options.data, options.sets, models, options.output, options.images, options.device)
    results = run_shown(plan, Console(stderr=True), overwrite=False)
    if results is None:
        raise SystemExit(130)
    found, first = means_of(results), plan.contenders[0]
    text = markdown(found, results, first.name)
    write_tables(found, text, options.output)
    print(text)
    if options.write_card and plan.subset:
        raise SystemExit("the card takes figures of whole sets: leave --images out")
    if options.write_card:
        store(found, first, options.sets)
    for row in results.failures:
        print(f"failed: {row.data_set}, {row.model}, {row.scene}: {row.error}")
    raise SystemExit(bool(results.failures))


if __name__ == "__main__":
    main()
