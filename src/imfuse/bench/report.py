"""All that a reader gets of a benchmark: summary, figures, page."""

from __future__ import annotations

from collections.abc import Callable

from imfuse.bench.figures import box_plots, check_figures, sheet
from imfuse.bench.page import page
from imfuse.bench.results import BenchResults
from imfuse.bench.store import write_text
from imfuse.bench.summary import BOX_PLOTS, CONTACT_SHEETS, markdown
from imfuse.bench.surroundings import Surroundings, surroundings
from imfuse.bench.views import write_source_views
from imfuse.outputs import make_folder

SUMMARY_NAME, PAGE_NAME = "summary.md", "index.html"


def write_report(results: BenchResults, told: Callable[[str], None] = lambda what: None, further: str = "") -> None:
    """Write ``summary.md``, ``box-plots/``, ``contact-sheets/``, ``sources/`` and ``index.html`` into the folder.

    Args:
        results: of :func:`imfuse.bench.runner.run_bench`, finished or not.
        told: called with what is written next.
        further: HTML of tables that stand before those of the metrics on the page.

    Raises:
        MissingExtraError: matplotlib is not installed.
        OutputError: a file cannot be written.
    """
    check_figures()
    folder = results.plan.folder
    for name in (BOX_PLOTS, CONTACT_SHEETS):
        make_folder(folder / name)
    for data_set in results.plan.data_sets:
        told(f"figures of {data_set.name}")
        box_plots(results, data_set, folder / BOX_PLOTS / f"{data_set.name}.png")
        sheet(results, data_set, folder / CONTACT_SHEETS / f"{data_set.name}.png")
    told("costs of the models")
    around = surroundings(results)
    write_text(folder / SUMMARY_NAME, markdown(results, around))
    write_page(results, around, told, further)


def write_page(
    results: BenchResults,
    around: Surroundings,
    told: Callable[[str], None] = lambda what: None,
    further: str = "",
) -> None:
    """Write ``sources/`` and ``index.html`` alone; arguments as for :func:`write_report`.

    Raises:
        OutputError: a file cannot be written.
    """
    told("pictures of the page")
    views = write_source_views(results.plan)
    write_text(results.plan.folder / PAGE_NAME, page(results, around, views, further))
