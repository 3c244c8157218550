"""Curves of a training: the loss, what else a recipe logs, and learned step sizes and weights, as CSV and picture."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import lightning.pytorch as pl
from torch import nn

CSV_NAME, PNG_NAME = "curves.csv", "curves.png"


def scalar_parameters(network: nn.Module) -> dict[str, float]:
    """Every learned scalar of the blocks: η and θ of AUIF's layers, and the mean of a unit's thresholds γ."""
    wanted = ("eta", "theta", "threshold")
    return {
        name: float((value.detach().abs() if name.endswith("threshold") else value.detach()).mean())
        for name, value in network.named_parameters()
        if name.rsplit(".", 1)[-1] in wanted
    }


@runtime_checkable
class Scored(Protocol):
    """A module that scores itself at the end of an epoch."""

    def figures(self) -> dict[str, float]:
        """Names and values for the epoch's row, the same names every time; NaN where nothing was measured."""


class Curves(pl.Callback):
    """Write a row per epoch to ``curves.csv`` and draw ``curves.png`` at the end.

    The rows are part of the checkpoint, so that a resumed run goes on with the same file.
    """

    def __init__(self, run: Path) -> None:
        self.run = run
        self.rows: list[dict[str, float]] = []
        self.learning_rate = 0.0

    def on_before_optimizer_step(self, trainer: pl.Trainer, *_: Any) -> None:
        """Note the learning rate; that of the epoch's last step stays."""
        self.learning_rate = float(trainer.optimizers[0].param_groups[0]["lr"])

    def state_dict(self) -> dict[str, Any]:
        """The rows so far."""
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on after these rows."""
        self.rows = list(state_dict["rows"])

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Add the epoch's row."""
        network = pl_module.network
        row = {
            "epoch": float(trainer.current_epoch),
            "loss": float(trainer.callback_metrics["loss"]),
            **{name: float(value) for name, value in trainer.callback_metrics.items() if name != "loss"},
            "learning_rate": self.learning_rate,
        }
        if isinstance(network, nn.Module):
            row |= scalar_parameters(network)
        if isinstance(pl_module, Scored):
            row |= pl_module.figures()
        self.rows = [old for old in self.rows if old["epoch"] < row["epoch"]] + [row]
        write_rows(self.run / CSV_NAME, self.rows)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Draw the curves."""
        draw_curves(self.rows, self.run / PNG_NAME)


def write_rows(path: Path, rows: list[dict[str, float]]) -> None:
    """Rows as CSV with seven digits."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows({key: f"{value:.7g}" for key, value in row.items()} for row in rows)


def draw_curves(rows: list[dict[str, float]], path: Path) -> None:
    """The loss, and a panel for each kind of learned scalar and encoder (AUIF, Fig. 3)."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    others = [name for name in rows[0] if "." not in name and name not in ("epoch", "learning_rate")]
    groups: dict[str, list[str]] = {name: [name] for name in others}
    for name in rows[0]:
        if "." in name:
            groups.setdefault(f"{name.split('.')[0]}: {name.rsplit('.', 1)[-1]}", []).append(name)
    figure, axes = plt.subplots(1, len(groups), figsize=(3.6 * len(groups), 3.2), squeeze=False)
    for axis, (title, names) in zip(axes[0], groups.items(), strict=True):
        for number, name in enumerate(names, start=1):
            measured = [r for r in rows if not math.isnan(r[name])]
            axis.plot([r["epoch"] for r in measured], [r[name] for r in measured], label=f"{number}", linewidth=1)
        axis.set_title(title, fontsize=9)
        axis.set_xlabel("epoch")
        if len(names) > 1:
            axis.legend(title="layer", fontsize=6, title_fontsize=6, ncols=2)
    for axis, name in zip(axes[0], others, strict=False):
        if all(row[name] > 0 for row in rows):
            axis.set_yscale("log")
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)
