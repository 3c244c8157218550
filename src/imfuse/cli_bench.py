"""The command line of the benchmark."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Optional

import typer

from imfuse.cli_detection import (
    DETECTION,
    AnnotationsPath,
    Classes,
    Confidence,
    DetectionOptions,
    DetectorLayout,
    DetectorName,
    DetectorSize,
    ExportFolder,
    PartName,
    SameClass,
    SplitFolder,
    Suppression,
)
from imfuse.cli_detection import run as run_detection
from imfuse.errors import UsageError
from imfuse.interruption import INTERRUPTED


def bench(
    data_sets: Annotated[
        list[Path],
        typer.Argument(
            help="Folders with a folder of pictures per source (ir/ vis/ …), or per scene; "
            "dataset.toml where names differ.",
            metavar="DATASET...",
            show_default=False,
        ),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for all results.")] = Path("bench"),
    models: Annotated[
        str,
        typer.Option(
            help="What is compared, with commas: names of models, paths of .safetensors files, NAME=PATH to call one "
            "otherwise, or all, learned, classical. An empty text for none, with --fused. For brackets "
            "also MODEL+fast, MODEL+stretch and MODEL+no-stretch.",
            metavar="MODEL,…",
        ),
    ] = "all",
    fused: Annotated[
        Optional[list[str]],  # noqa: UP045 - Typer reads this form
        typer.Option(
            help="Pictures that another program made, called as the scenes are: in FOLDER/DATASET/ or in FOLDER. "
            "May be given several times.",
            metavar="NAME=FOLDER",
        ),
    ] = None,
    metrics: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="Keys of metrics, with commas. Default: those of the task.", metavar="KEY,…"),
    ] = None,
    task: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            help="What is fused, where neither dataset.toml nor the names of folders tell; or detection, to see how "
            "well a detector finds objects in infrared, visible and fused pictures."
        ),
    ] = None,
    images: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(min=1, help="Only so many scenes of each data set, spread evenly: for a quick look."),
    ] = None,
    scenes: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="Only these scenes, with commas.", metavar="NAME,…"),
    ] = None,
    seed: Annotated[Optional[int], typer.Option(help="Draw the scenes of --images at random.")] = None,  # noqa: UP045
    reproduce: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            help="A paper's table beside what is measured here: auif-table2 or 3, deep-csc-table2 to 4, fnet-table1 "
            "to 3, ifcnn-table1 to 5. DATASET is then the folder that holds its data sets under their names.",
            metavar="TABLE",
        ),
    ] = None,
    scale: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(
            min=2,
            help="Of --task spectral and deep-csc-table4: pixels of the guide that a band's is wide. Default: 4. "
            "Models for other scales are left out.",
        ),
    ] = None,
    device: Annotated[str, typer.Option(help="Where to compute: cpu, cuda, mps.")] = "cpu",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Make again what is there.")] = False,
    list_only: Annotated[bool, typer.Option("--list", help="Say what would be done, and do nothing.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Show errors only.")] = False,
    detector: DetectorName = None,
    annotations: AnnotationsPath = None,
    classes: Classes = None,
    same_class: SameClass = None,
    part: PartName = None,
    split: SplitFolder = None,
    export_yolo: ExportFolder = None,
    confidence: Confidence = None,
    nms_iou: Suppression = None,
    detector_size: DetectorSize = None,
    detector_layout: DetectorLayout = None,
) -> None:
    """Compare models on data sets: ranked tables, box plots, a contact sheet, and a page with a slider.

    Writes results.csv (a row per picture, all digits), summary.md, index.html,
    box-plots/, contact-sheets/, and every fused picture.

    Run again, it goes on: what is there stays unless weights, settings, sources
    or metrics are others.

    What fails is told at the end, has its reason in results.csv, and does not
    stop the rest; the exit status is then 1.

    [bold]Examples[/bold]

      imfuse bench infrared/tno40 -o bench/

      imfuse bench infrared/tno40 infrared/flir_test --models auif,csc-ivfn,average --images 5

      imfuse bench infrared/tno40 --models auif --fused theirs=their-results/ --metrics en,sd,scd

      imfuse bench data/ --reproduce auif-table3 -o auif-table3/

      imfuse bench m3fd --task detection --detector yolov5s.onnx --same-class person=People

      imfuse bench spectral/cave --task spectral --scale 8 -o cave-x8/
    """
    from imfuse.bench import plan_bench
    from imfuse.commands.bench import list_bench, show_bench

    detection = DetectionOptions(
        detector,
        annotations,
        classes,
        same_class,
        part,
        split,
        export_yolo,
        confidence,
        nms_iou,
        detector_size,
        detector_layout,
    )
    if task != DETECTION:
        detection.refuse()
    if reproduce is not None:
        why = "--reproduce, whose table says what is measured on what"
        _refuse_beside(why, fused=fused, metrics=metrics, task=task, scenes=scenes, seed=seed)
        from imfuse.commands.reproduce import show_reproduction

        _end(
            show_reproduction(
                reproduce,
                data_sets,
                output,
                models=_words(models),
                images=images,
                scale=scale,
                device=device,
                command=_command(),
                list_only=list_only,
                overwrite=overwrite,
                quiet=quiet,
            )
        )
        return
    if task == "spectral":
        _refuse_beside("--task spectral, which measures every scene anew", fused=fused, metrics=metrics, seed=seed)
        from imfuse.bench.spectral import SCALE
        from imfuse.commands.bench_spectral import show_spectral

        _end(
            show_spectral(
                data_sets,
                output,
                models=_words(models),
                images=images,
                scenes=_words(scenes),
                scale=scale or SCALE,
                device=device,
                command=_command(),
                list_only=list_only,
                quiet=quiet,
            )
        )
        return
    if scale is not None:
        raise UsageError("--scale belongs to --task spectral, or to --reproduce deep-csc-table4")

    if task == DETECTION:
        _end(
            run_detection(
                detection,
                data_sets,
                _words(models),
                list_only=list_only,
                overwrite=overwrite,
                quiet=quiet,
                device=device,
                folder=output,
                fused=fused or (),
                metrics=_words(metrics),
                images=images,
                scenes=_words(scenes),
                seed=seed,
                command=_command(),
            )
        )
        return

    plan = plan_bench(
        data_sets,
        _words(models),
        _words(metrics),
        folder=output,
        fused=fused or (),
        task=task,
        images=images,
        scenes=_words(scenes),
        seed=seed,
        device=device,
        command=_command(),
    )
    if list_only:
        list_bench(plan)
        return
    _end(show_bench(plan, overwrite=overwrite, quiet=quiet))


def _end(status: int) -> None:
    if status == INTERRUPTED:
        sys.exit(status)  # it has told what is made and how to go on
    raise typer.Exit(status)


def _refuse_beside(other: str, **options: object) -> None:
    """Refuse options that say nothing beside another one."""
    given = [f"--{name}" for name, value in options.items() if value is not None]
    if given:
        raise UsageError(f"{', '.join(given)}: not together with {other}")


def _words(text: str | None) -> list[str]:
    return [word.strip() for word in (text or "").split(",") if word.strip()]


def _command() -> str:
    """The command line as a shell takes it."""
    import shlex

    return shlex.join(["imfuse", *sys.argv[1:]])
