"""Models × data sets × metrics → a folder with tables, figures and a page.

>>> from imfuse.bench import plan_bench, run_bench, write_report
>>> plan = plan_bench(["infrared/tno40"], ["auif", "classical"], folder="bench")  # doctest: +SKIP
>>> results = run_bench(plan)  # doctest: +SKIP
>>> write_report(results)  # doctest: +SKIP
"""

from imfuse.bench.contenders import Contender
from imfuse.bench.plan import BenchPlan, Cell, plan_bench
from imfuse.bench.ranking import Standing, ranks, standings
from imfuse.bench.report import write_report
from imfuse.bench.results import BenchResults
from imfuse.bench.rows import Row
from imfuse.bench.runner import run_bench

__all__ = [
    "BenchPlan",
    "BenchResults",
    "Cell",
    "Contender",
    "Row",
    "Standing",
    "plan_bench",
    "ranks",
    "run_bench",
    "standings",
    "write_report",
]
