"""What a benchmark gave, as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from imfuse.bench.plan import BenchPlan
from imfuse.bench.ranking import Direction, Standing, counted, standings
from imfuse.bench.rows import Row
from imfuse.data.sets import DataSet
from imfuse.metrics import METRICS


@dataclass(frozen=True)
class BenchResults:
    """The rows of a benchmark in the order of its plan.

    Attributes:
        plan: what was asked for.
        rows: of all pictures that were reached.
        made: how many pictures were made or scored in this run; the others were there, or failed.
        interrupted: whether the run was stopped before its end.
    """

    plan: BenchPlan
    rows: tuple[Row, ...]
    made: int
    interrupted: bool = False

    @property
    def failures(self) -> list[Row]:
        """The rows without a picture or without metrics."""
        return [row for row in self.rows if row.error]

    def rows_of(self, data_set: DataSet) -> list[Row]:
        """Those of one data set."""
        return [row for row in self.rows if row.data_set == data_set.name]

    def standings(self, data_set: DataSet) -> list[Standing]:
        """The contenders on a data set, best mean rank first."""
        models = [contender.name for contender in self.plan.contenders_of(data_set)]
        return standings(self.rows_of(data_set), models, self._directions(data_set))

    def uncounted(self, data_set: DataSet) -> list[str]:
        """Scenes that do not count, since no contender has a picture of them with all metrics."""
        scenes = counted(self.rows_of(data_set), self._directions(data_set))
        return [scene.name for scene in data_set.scenes if scene.name not in scenes]

    def _directions(self, data_set: DataSet) -> dict[str, Direction]:
        return {key: METRICS[key].direction for key in self.plan.metrics[data_set.name]}


def metric_columns(plan: BenchPlan) -> Sequence[str]:
    """Keys of all metrics of any data set, in the order of the metrics' table."""
    wanted = {key for keys in plan.metrics.values() for key in keys}
    return [key for key in METRICS if key in wanted]
