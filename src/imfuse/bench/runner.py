"""Running a benchmark: what is there already is kept, and nothing that fails stops the rest."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from imfuse.batch import out_of_memory
from imfuse.bench.fingerprints import Fingerprints
from imfuse.bench.pictures import Made, fuse_picture, missing, take_picture
from imfuse.bench.plan import BenchPlan, Cell
from imfuse.bench.results import BenchResults, metric_columns
from imfuse.bench.rows import Row
from imfuse.bench.store import Store
from imfuse.errors import ImfuseError, UsageError
from imfuse.metrics import METRICS
from imfuse.outputs import make_folder
from imfuse.registry import file_hash
from imfuse.scoring import score

if TYPE_CHECKING:
    from imfuse.fuser import Fuser

log = logging.getLogger(__name__)

Progress = Callable[[Cell, int], None]
"""Called with the picture that is begun and the number of those before it."""


def run_bench(
    plan: BenchPlan,
    *,
    progress: Progress = lambda cell, done: None,
    stop: Callable[[], bool] = lambda: False,
    overwrite: bool = False,
) -> BenchResults:
    """Make and score all pictures of a plan; write ``results.csv`` and the pictures into its folder.

    Pictures and metrics that are there from an earlier run and depend on nothing that has changed (weights, settings,
    sources, the picture itself, imfuse's version) are kept. A picture or a model that fails gives rows with an
    ``error``, and the rest goes on. Whatever ends the run, rows that are finished are kept.

    Args:
        plan: what to do.
        progress: told before every picture.
        stop: asked before every picture; once it says yes, no more are begun.
        overwrite: make all pictures of the plan again.

    Raises:
        OutputError: the folder cannot be written to.
        DataError: the folder holds a file of another kind where the rows belong.
    """
    make_folder(plan.folder)
    cells = list(plan.cells())
    store = Store(plan.folder, [cell.key for cell in cells], metric_columns(plan))
    bench = _Bench(plan, store, overwrite)
    interrupted, made = False, 0
    try:
        for done, cell in enumerate(cells):
            if stop():
                interrupted = True
                break
            progress(cell, done)
            before = store.get(cell.key)
            row = bench.row(cell, before)
            made += row != before and not row.error
            store.put(row)
    finally:
        store.write()
    return BenchResults(plan, tuple(store.rows()), made, interrupted)


class _Bench:
    """The work on single pictures, with what they share: hashes of files, and the model in use."""

    def __init__(self, plan: BenchPlan, store: Store, overwrite: bool) -> None:
        self.plan, self.store, self.overwrite = plan, store, overwrite
        self.fingerprints = Fingerprints(plan.device)
        self._model: tuple[str, str] | None = None
        self._fuser: Fuser | Exception | None = None

    def row(self, cell: Cell, before: Row | None) -> Row:
        """The row of a picture: the earlier one, or the earlier picture with more metrics, or a new one."""
        contender = cell.contender
        row = Row(cell.data_set.name, cell.data_set.task, contender.name, contender.kind, cell.scene.name)
        try:
            settings = self.fingerprints.settings(cell)
            if before is not None and not self.overwrite and self._stands(cell, before, settings):
                row = before
            else:
                row = self._made(cell, replace(row, settings=settings))
            return self._scored(cell, replace(row, error=""))
        except Exception as error:
            return replace(row, error=why_failed(error))

    def _stands(self, cell: Cell, before: Row, settings: str) -> bool:
        """Whether the picture of an earlier run can be kept."""
        path = self.plan.folder / cell.picture
        return before.settings == settings and path.is_file() and file_hash(path) == before.picture_sha256

    def _made(self, cell: Cell, row: Row) -> Row:
        import torch

        target = self.plan.folder / cell.picture
        target.unlink(missing_ok=True)  # of other settings: if this fails, nobody shall take that one for it
        made = self._taken(cell) if cell.contender.card is None else self._fused(cell)
        fused_here = cell.contender.card is not None
        return replace(
            row,
            seconds=made.seconds,
            peak_memory_mib=made.peak_memory_mib,
            height=made.height,
            width=made.width,
            device=self.plan.device if fused_here else "",
            threads=torch.get_num_threads() if fused_here else None,
            picture=cell.picture.as_posix(),
            picture_sha256=file_hash(target),
            notes="; ".join(made.notes),
        )

    def _taken(self, cell: Cell) -> Made:
        given = cell.contender.pictures(cell.data_set).get(cell.scene.name)
        if given is None:
            raise missing(cell.contender.name, cell.contender.folder, cell.scene.name)
        return take_picture(given, self.plan.folder / cell.picture)

    def _fused(self, cell: Cell) -> Made:
        fuser, fresh = self._loaded(cell)
        if fresh:
            fuser.fuse(cell.scene.sources)  # what only the first picture pays for is not counted
        return fuse_picture(fuser, cell.scene.sources, self.plan.folder / cell.picture, cell.contender.stretch)

    def _loaded(self, cell: Cell) -> tuple[Fuser, bool]:
        """The model, and whether it has just been loaded; a model that cannot be loaded fails the same way again."""
        from imfuse import load
        from imfuse.fuser import Fuser

        contender, task = cell.contender, cell.data_set.task
        key = (contender.name, task)
        fresh = self._model != key
        if fresh:
            self._model, self._fuser = key, None  # one model in memory at a time
            try:
                self._fuser = load(contender.reference, task=task, fast=contender.fast, device=self.plan.device)
            except Exception as error:
                self._fuser = error
        if not isinstance(self._fuser, Fuser):
            raise self._fuser or UsageError(f"model {contender.name!r} is not loaded")
        return self._fuser, fresh

    def _scored(self, cell: Cell, row: Row) -> Row:
        """The row with the metrics that it lacks; those for which the picture is too small stay empty."""
        scoring = self.fingerprints.scoring(cell, row.picture_sha256)
        values = dict(row.values) if row.scoring == scoring and not self.overwrite else {}
        size = row.height or 0, row.width or 0
        wanted = [
            key for key in self.plan.metrics[cell.data_set.name] if key not in values and METRICS[key].fits(*size)
        ]
        if wanted:
            values |= score(self.plan.folder / row.picture, cell.scene.sources, wanted, truth=cell.scene.truth)
        return replace(row, values=values, scoring=scoring)


def why_failed(error: Exception) -> str:
    """Why there is no picture or no metric, on one line."""
    if isinstance(error, ImfuseError):
        return " ".join(str(error).split())
    if out_of_memory(error):
        return "not enough memory"
    if isinstance(error, OSError):
        return f"{error.filename or 'file'}: {error.strerror or error}"
    log.debug("internal error", exc_info=error)
    return " ".join(f"internal error ({error!r})".split())
