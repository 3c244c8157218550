"""A fusion of volumes on the command line: its output's name, what is refused before it begins, and doing it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from imfuse.batch import Job, Outcome, Settings, check_sources, fuser_of
from imfuse.errors import SourceError
from imfuse.io.naming import shown
from imfuse.medical.fusing import fuse_volumes
from imfuse.medical.kinds import as_given, medical_kind, stem
from imfuse.medical.opening import open_volume
from imfuse.medical.saving import check_anonymise, check_volume_output, form_of, target_of
from imfuse.medical.scene import refuse_for_volumes
from imfuse.medical.volume import Volume
from imfuse.outputs import output_stem
from imfuse.tasks import Task

_NOT_OF_VOLUMES = ("resize_to", "align", "stretch", "shares")


def volume_job(sources: Sequence[Path], output: Path | None, task: Task, model: str) -> Job:
    """The job of volumes; a result without a name lies beside the first source and is named after the files.

    Raises:
        SourceError: a source is not there, or the MRI cannot be read.
        UsageError: the task does not take so many sources.
    """
    task.roles_for(len(sources))
    for source in sources:
        if not source.exists():
            raise SourceError(f"{shown(source)}: no such file or folder")
    if output is not None and not output.is_dir():
        return Job(tuple(sources), output)
    ending = _ending(sources[task.detail_role])
    if output is not None and not ending:
        return Job(tuple(sources), output)
    name = output_stem(stem(sources[0]), stem(sources[-1]), model) + ending
    return Job(tuple(sources), (output or as_given(sources[0]).parent) / name)


def _ending(detail: Path) -> str:
    """That of a result in the format of the MRI; none for a folder with a series."""
    kind = medical_kind(detail)
    if kind == "DICOM":
        return ".dcm" if open_volume(detail).grid.slices == 1 else ""
    return {"NIfTI": ".nii.gz", "series": ""}.get(kind or "", ".png")


def check_volume_options(settings: Settings) -> None:
    """Refuse settings of a run that volumes do not have.

    Raises:
        UsageError: one of them is set.
    """
    options = dict(settings.options)
    refuse_for_volumes(**{name: options.get(name) for name in _NOT_OF_VOLUMES})


def fuse_volume_job(
    job: Job, settings: Settings, progress: Callable[[float], None] | None = None, *, anonymise: bool = False
) -> Outcome:
    """Fuse the volumes of a job and save the result.

    Raises:
        ImfuseError: it failed; nothing is left under the output's name that was not there before.
    """
    check_volume_options(settings)
    options = {name: value for name, value in settings.options if name not in _NOT_OF_VOLUMES}
    check_sources(job)
    fuser = fuser_of(settings)

    def check(volumes: Sequence[Volume]) -> None:
        detail = volumes[fuser.task.detail_role]
        form = form_of(job.output, detail.grid.slices, detail.kind)
        check_anonymise(form, anonymise)
        check_sources(replace(job, output=target_of(job.output, form)))
        check_volume_output(job.output, form, settings.overwrite)

    result = fuse_volumes(fuser, job.sources, **options, progress=progress, opened=check)
    notes = result.save(job.output, overwrite=settings.overwrite, quality=settings.quality, anonymise=anonymise)
    return Outcome(job, "fused", notes=(*result.report.notes, *notes), report=result.report.to_dict())
