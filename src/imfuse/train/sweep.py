"""Sweeps of one setting, scored on validation pairs: table and figure (AUIF, Fig. 2 and Table 2)."""

from __future__ import annotations

import csv
import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from imfuse.errors import UsageError
from imfuse.metrics import METRICS
from imfuse.networks.two_scale import TwoScaleNetwork
from imfuse.train.autoencoder import train_autoencoder
from imfuse.train.autoencoder_config import AutoencoderConfig
from imfuse.train.loop import find_checkpoint
from imfuse.train.validation import SCORES, Pair, mean_ranks, means, score_pairs

log = logging.getLogger(__name__)

Row = dict[str, str | float]


def sweep(
    kind: str, config: AutoencoderConfig, data: Path, pairs: Sequence[Pair], run: Path, *, progress: bool
) -> list[Row]:
    """Train every candidate and score it; write ``KIND.csv``, ``KIND.md`` and ``KIND.png`` into ``run``.

    Candidates whose score is in the CSV already are not trained again, so that a sweep that was cut goes on.

    Returns:
        A row per candidate: its label, its mean scores, and the mean of its ranks.
    """
    run.mkdir(parents=True, exist_ok=True)
    _check_settings(kind, config, run)
    table = run / f"{kind}.csv"
    rows = read_table(table)
    for label, recipe in config.candidates(kind):
        if _is_done(kind, label, rows):
            continue
        log.info("sweep of %s: %s", kind, label or "one training")
        folder = run / f"{kind}-{label.replace(' + ', '-') or 'all'}"
        network = train_autoencoder(recipe, data, folder, resume=find_checkpoint(folder) is not None, progress=progress)
        rows += _scored(kind, label, recipe, network, pairs)
        write_table(table, rank(rows))
    rows = rank(rows)
    (run / f"{kind}.md").write_text(markdown(kind, rows), encoding="utf-8")
    draw(kind, rows, run / f"{kind}.png")
    return rows


def _check_settings(kind: str, config: AutoencoderConfig, run: Path) -> None:
    """Note the settings of a sweep, and refuse to go on with one of other settings.

    Raises:
        UsageError: the sweep in ``run`` has other settings.
    """
    noted = run / f"{kind}.json"
    settings = json.dumps(config.to_dict(), indent=1) + "\n"
    if noted.is_file() and noted.read_text(encoding="utf-8") != settings:
        raise UsageError(f"{run}: holds a sweep of {kind} with other settings ({noted}); choose another --run")
    noted.write_text(settings, encoding="utf-8")


def _is_done(kind: str, label: str, rows: Sequence[Row]) -> bool:
    return bool(rows) if kind == "rule" else any(row[kind] == label for row in rows)


def _scored(
    kind: str, label: str, config: AutoencoderConfig, network: TwoScaleNetwork, pairs: Sequence[Pair]
) -> list[Row]:
    if kind != "rule":
        return [{kind: label, **means(score_pairs(network, pairs))}]
    rows: list[Row] = []
    for name, base, detail in config.rule_choices():
        network.use_rule(base=base, detail=detail)
        rows.append({kind: name, **means(score_pairs(network, pairs))})
    return rows


def rank(rows: Sequence[Row]) -> list[Row]:
    """The rows with the mean of their ranks over the scores."""
    scores = [{key: float(row[key]) for key in SCORES} for row in rows]
    return [{**row, "mean_rank": value} for row, value in zip(rows, mean_ranks(scores), strict=True)] if rows else []


def read_table(path: Path) -> list[Row]:
    """The rows of an earlier, perhaps unfinished sweep."""
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as stream:
        return [dict(row) for row in csv.DictReader(stream)]


def write_table(path: Path, rows: Sequence[Mapping[str, str | float]]) -> None:
    """Rows as CSV."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def markdown(kind: str, rows: Sequence[Row]) -> str:
    """The rows as a Markdown table, the best of every column in bold."""
    best = {key: max(float(row[key]) for row in rows) for key in SCORES}
    head = [kind, *(METRICS[key].name for key in SCORES), "mean rank"]
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    for row in rows:
        cells = [
            f"**{float(row[key]):.3f}**" if float(row[key]) == best[key] else f"{float(row[key]):.3f}" for key in SCORES
        ]
        lines.append(f"| {row[kind]} | " + " | ".join(cells) + f" | {float(row['mean_rank']):.2f} |")
    return "\n".join(lines) + "\n"


def draw(kind: str, rows: Sequence[Row], path: Path) -> None:
    """Every score over the swept setting."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(2, 3, figsize=(10, 5))
    labels = [str(row[kind]) for row in rows]
    for axis, key in zip(axes.flat, SCORES, strict=True):
        values = [float(row[key]) for row in rows]
        if kind != "rule" and all(label.isdigit() for label in labels):
            axis.plot(labels, values, marker="o", markersize=3)
        else:
            axis.bar(labels, values, width=0.5)
            axis.tick_params("x", rotation=0 if len(labels) < 5 else 90, labelsize=6)
            axis.set_ylim(min(values) * 0.9, max(values) * 1.02)
        axis.set_title(METRICS[key].name, fontsize=9)
        axis.set_xlabel(kind)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)
