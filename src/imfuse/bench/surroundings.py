"""What the reports say beside the rows: costs, overlaps with training data, machine, versions, date."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from imfuse.bench.facts import machine, versions
from imfuse.bench.plan import BenchPlan
from imfuse.bench.remarks import Overlap, overlap
from imfuse.bench.results import BenchResults
from imfuse.errors import ImfuseError

if TYPE_CHECKING:
    from imfuse.bench.cost import Cost

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Surroundings:
    """What the reports say beside the rows.

    Attributes:
        costs: of the learned models, by name.
        overlaps: of training data with data sets.
        machine: what matters of the machine, in words by name.
        versions: by name.
        date: of the report, ISO 8601, UTC.
    """

    costs: Mapping[str, Cost]
    overlaps: tuple[Overlap, ...]
    machine: Mapping[str, str]
    versions: Mapping[str, str]
    date: str


def surroundings(results: BenchResults) -> Surroundings:
    """Gather them."""
    plan = results.plan
    found = [overlap(one, data_set) for data_set in plan.data_sets for one in plan.contenders_of(data_set)]
    return Surroundings(
        costs=_costs(plan),
        overlaps=tuple(one for one in found if one is not None),
        machine=machine(plan.device, {row.threads for row in results.rows if row.threads is not None}),
        versions=versions(),
        date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M"),
    )


def _costs(plan: BenchPlan) -> dict[str, Cost]:
    from imfuse.bench.cost import Cost, multiplications_per_pixel
    from imfuse.registry import load_network

    costs = {}
    for contender in plan.contenders:
        if contender.card is None or not contender.card.learned:
            continue
        try:
            network = load_network(contender.card)
            network.use_fast(contender.fast)
            products = multiplications_per_pixel(network)
        except ImfuseError:
            log.debug("the cost of %s cannot be told", contender.name, exc_info=True)
            products = None
        costs[contender.name] = Cost(contender.card.parameters, products)
    return costs
