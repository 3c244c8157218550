"""What a reader gets of a benchmark of detection: ``detection.csv``, ``detection.md``, sheets with boxes, the page."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from html import escape
from urllib.parse import quote

from imfuse.bench.detection import DetectionResults
from imfuse.bench.detection_figures import detection_sheet
from imfuse.bench.detection_tables import Table, published_for, shown_figure, table_of, to_csv
from imfuse.bench.page import cell, head_cell
from imfuse.bench.report import write_page, write_report
from imfuse.bench.store import write_text
from imfuse.bench.summary import escaped
from imfuse.bench.surroundings import surroundings
from imfuse.data.sets import DataSet
from imfuse.detection.detector import MOST_FOUND
from imfuse.detection.precision import DEFINITION
from imfuse.io import save_image
from imfuse.outputs import make_folder

CSV_NAME, SUMMARY_NAME, SHEETS = "detection.csv", "detection.md", "detection-sheets"
_MOST_FAILURES = 20

_COMPARE = (
    "The paper trained YOLOv5 anew on the pictures of every method (3,800 pairs) and tested it on 400 others, which it "
    "does not list. Figures of a detector that was not trained so, or of another split, are not comparable with these."
)


def write_detection_report(results: DetectionResults, told: Callable[[str], None] = lambda what: None) -> None:
    """Write all reports into the folder; those of the metrics too, if there are any.

    Args:
        results: of :func:`imfuse.bench.detection.run_detection`, which reached its end.
        told: called with what is written next.

    Raises:
        OutputError: a file cannot be written.
        MissingExtraError: there are metrics, whose figures need matplotlib.
    """
    plan = results.plan.bench
    write_text(plan.folder / CSV_NAME, to_csv(results))
    make_folder(plan.folder / SHEETS)
    tables = {data_set.name: table_of(results, data_set) for data_set in plan.data_sets}
    for data_set in plan.data_sets:
        told(f"detections of {data_set.name}")
        order = list(tables[data_set.name].rows)
        save_image(
            plan.folder / SHEETS / f"{data_set.name}.png", detection_sheet(results, data_set, order), overwrite=True
        )
    write_text(plan.folder / SUMMARY_NAME, markdown(results))
    html = "\n".join(_html(results, data_set, tables[data_set.name]) for data_set in plan.data_sets)
    if any(plan.metrics.values()):
        write_report(results.bench, told, html)
    else:
        write_page(results.bench, surroundings(results.bench), told, html)


def markdown(results: DetectionResults) -> str:
    """``detection.md``."""
    plan = results.plan
    lines = ["# Detection", "", "```sh", plan.bench.command or "# made by imfuse.bench.detection", "```", ""]
    lines += ["All digits: [detection.csv](detection.csv). Pictures to compare: [index.html](index.html).", ""]
    if plan.bench.subset:
        lines += [f"**Only a part of the scenes:** {escaped(plan.bench.subset)}.", ""]
    for data_set in plan.bench.data_sets:
        lines += _data_set(results, data_set)
    options = plan.options
    lines += ["## What the figures are", "", DEFINITION, ""]
    lines += [
        f"Detector `{plan.detector}`; boxes with a score of at least {options.confidence:g}, suppressed beyond an "
        f"overlap of {options.suppression:g}, at most {MOST_FOUND} per picture. Deeper pictures than 8 bits are shown "
        "to it as the page shows them; gray ones as RGB. Boxes are compared in pixels of the visible picture.",
        "",
    ]
    return "\n".join(lines).rstrip() + "\n"


def _data_set(results: DetectionResults, data_set: DataSet) -> list[str]:
    table = table_of(results, data_set)
    marked = results.plan.annotations[data_set.name]
    scenes = len(data_set.scenes)
    counts = ", ".join(f"{count} {escaped(name)}" for name, count in table.objects.items())
    lines = [f"## {escaped(data_set.name)}", ""]
    lines += [f"{scenes} scene{'s' if scenes > 1 else ''} with {counts or 'no objects'} ({marked.form} annotations)."]
    lines += ["AP@[0.5:0.95] per class; the best in **bold**, the second in *italics*.", ""]
    lines += _rows(table, scenes)
    lines += [f"- {escaped(words)}" for words in results.plan.remarks[data_set.name]]
    lines += [*_failures(results, data_set), ""]
    lines += [f"![Some scenes]({SHEETS}/{quote(data_set.name)}.png)", ""]
    return lines + _published(results, data_set, table)


def _rows(table: Table, scenes: int) -> list[str]:
    lines = [_line(["method", *map(escaped, table.columns)]), _line(["---", *["---:"] * len(table.columns)])]
    for name, figures in table.rows.items():
        cells = []
        for column, value in zip(table.columns, figures, strict=True):
            text = shown_figure(value)
            place = 0 if text == "–" else table.places[column].get(name, 0)
            cells.append({1: f"**{text}**", 2: f"*{text}*"}.get(place, text))
        lines.append(_line([escaped(_called(table, name, scenes)), *cells]))
    return [*lines, ""]


def _called(table: Table, name: str, scenes: int) -> str:
    return name if table.counts[name] == scenes else f"{name} ({table.counts[name]} of {scenes})"


def _failures(results: DetectionResults, data_set: DataSet) -> Iterator[str]:
    told = [
        f"{one.method.name} · {scene}: {why}" for one in results.of(data_set) for scene, why in one.failures.items()
    ]
    for words in told[:_MOST_FAILURES]:
        yield f"- failed: {escaped(words)}"
    if len(told) > _MOST_FAILURES:
        yield f"- {len(told) - _MOST_FAILURES} more failed"


def _published(results: DetectionResults, data_set: DataSet, table: Table) -> list[str]:
    """The paper's rows as printed, with ours that stand for its methods."""
    paper = published_for(data_set, results)
    if paper is None:
        return []
    (part,) = paper.sets
    lines = [f"### Beside {paper.place} of the paper", "", f"{escaped(paper.paper)}.", _COMPARE, ""]
    lines += [_line(["method", *part.columns]), _line(["---", *["---:"] * len(part.columns)])]
    lines += [_line([f"{method}, as printed", *map(str, values)]) for method, values in part.values.items()]
    places = {column.casefold(): index for index, column in enumerate(table.columns)}
    for name, figures in table.rows.items():
        wanted = [*(places.get(column.casefold()) for column in part.columns[:-1]), len(table.columns) - 2]
        values = ["–" if place is None else shown_figure(figures[place]) for place in wanted]
        lines.append(_line([f"**{escaped(_called(table, name, len(data_set.scenes)))}**, measured", *values]))
    return [*lines, ""]


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _html(results: DetectionResults, data_set: DataSet, table: Table) -> str:
    """The table of a data set on the page."""
    scenes = len(data_set.scenes)
    heads = [("method", "whose pictures the detector looks at", "up")]
    heads += [
        (f"{column} ↑", "AP@[0.5:0.95]" if column in table.objects else DEFINITION, "down") for column in table.columns
    ]
    head = "".join(head_cell(*one) for one in heads)
    body = ""
    for name, figures in table.rows.items():
        cells = f'<th scope="row">{escape(_called(table, name, scenes))}</th>'
        for column, value in zip(table.columns, figures, strict=True):
            place = {1: "first", 2: "second"}.get(table.places[column].get(name, 0), "")
            cells += cell(value, shown_figure(value), place if math.isfinite(value) else "")
        body += f"<tr>{cells}</tr>"
    caption = f"{escape(data_set.name)}: objects found by {escape(results.plan.detector)}, {scenes} scene"
    caption += "s" if scenes > 1 else ""
    remarks = "".join(f"<li>{escape(words)}</li>" for words in results.plan.remarks[data_set.name])
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="Detection on {escape(data_set.name)}">'
        f'<table class="ranking" data-set="{escape(data_set.name)}"><caption>{caption}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
        f'<p class="hint">{escape(DEFINITION)}</p>' + (f"<ul>{remarks}</ul>" if remarks else "")
    )
