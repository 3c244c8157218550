"""Options of ``imfuse bench --task detection``, and what becomes of them. Typer 0.12 reads Optional."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Optional, get_args

import typer

from imfuse.errors import UsageError
from imfuse.io.naming import shown

DETECTION = "detection"
"""The task of the benchmark that is none of fusion's."""

_PANEL = "Detection (--task detection)"


def _option(help_text: str, metavar: str | None = None, flag: str | None = None) -> Any:
    names = [flag] if flag else []
    return typer.Option(*names, help=help_text, metavar=metavar, rich_help_panel=_PANEL)


DetectorName = Annotated[
    Optional[str],  # noqa: UP045
    _option(
        "A YOLO export as ONNX, a .pt file of ultralytics, or torchvision:NAME. {method} in it stands for the name of "
        "the method whose pictures it was trained on.",
        "FILE",
    ),
]
AnnotationsPath = Annotated[
    Optional[Path],  # noqa: UP045
    _option("COCO file, or folder of VOC's or YOLO's files. Default: those in the data set's folder.", "PATH"),
]
Classes = Annotated[
    Optional[str],  # noqa: UP045
    _option(
        "Names of the detector's classes in its order, or a file with a name per line. Default: its own.", "NAME,…"
    ),
]
SameClass = Annotated[
    Optional[list[str]],  # noqa: UP045
    _option("A class of the detector that the annotations call otherwise. May be given several times.", "MINE=THEIRS"),
]
PartName = Annotated[
    Optional[str],  # noqa: UP045
    _option("The scenes that are looked at: test, train or all. Default: test where lists or M3FD's form split them."),
]
SplitFolder = Annotated[
    Optional[Path],  # noqa: UP045
    _option("Folder with train.txt and val.txt, such as that of --export-yolo. Default: the data set's.", "FOLDER"),
]
ExportFolder = Annotated[
    Optional[Path],  # noqa: UP045
    _option("Detect nothing; write the pictures of every method as a training set for YOLO.", "FOLDER"),
]
Confidence = Annotated[
    Optional[float],  # noqa: UP045
    _option("Least score of a box. Default 0.001, as YOLOv5 validates."),
]
Suppression = Annotated[
    Optional[float],  # noqa: UP045
    _option("Overlap beyond which the weaker of two boxes goes. Default 0.6, as YOLOv5 validates.", flag="--nms-iou"),
]
DetectorSize = Annotated[
    Optional[int],  # noqa: UP045
    _option(
        "Height and width of the detector's input where its file leaves it open. Default: the file's word, or 640."
    ),
]
DetectorLayout = Annotated[
    Optional[str],  # noqa: UP045
    _option("Output of the ONNX file: yolov5, yolov8 or end-to-end. Default: told by its shape."),
]


@dataclass(frozen=True)
class DetectionOptions:
    """The options as they were given; None where they were not."""

    detector: str | None
    annotations: Path | None
    classes: str | None
    same_class: Sequence[str] | None
    part: str | None
    split: Path | None
    export_yolo: Path | None
    confidence: float | None
    nms_iou: float | None
    detector_size: int | None
    detector_layout: str | None

    def refuse(self) -> None:
        """Refuse any of them where nothing is detected.

        Raises:
            UsageError: one is given.
        """
        given = [f"--{name.replace('_', '-')}" for name, value in vars(self).items() if value not in (None, [])]
        if given:
            raise UsageError(f"{', '.join(given)}: only with --task {DETECTION}")


def run(
    given: DetectionOptions,
    folders: Sequence[Path],
    models: Sequence[str],
    *,
    list_only: bool,
    overwrite: bool,
    quiet: bool,
    device: str,
    **shared: Any,
) -> int:
    """Do what the command line asks for; the exit status.

    Args:
        given: the options of detection.
        folders: of the data sets.
        models: what is compared.
        list_only: only say what would be done.
        overwrite: make everything again.
        quiet: show errors only.
        device: where models and detectors run.
        shared: further arguments of :func:`imfuse.bench.detection_plan.plan_detection`.

    Raises:
        UsageError: an option does not serve.
    """
    from imfuse.bench.detection_plan import Part, plan_detection
    from imfuse.commands.bench_detection import list_detection, show_detection, show_export

    export = given.export_yolo
    if (given.detector is None) == (export is None):
        raise UsageError("give --detector FILE to look at pictures, or --export-yolo FOLDER to write training sets")
    if given.part is not None and given.part not in get_args(Part):
        raise UsageError(f"--part {shown(given.part)}: choose one of {', '.join(get_args(Part))}")
    plan = plan_detection(
        folders,
        models,
        detector=given.detector or "",
        options=_detector_options(given, device),
        annotations=given.annotations,
        same=_pairs(given.same_class or ()),
        part=given.part,  # type: ignore[arg-type]
        split=given.split,
        device=device,
        export=export is not None,
        **shared,
    )
    if list_only:
        list_detection(plan)
        return 0
    if export is not None:
        return show_export(plan, export, overwrite=overwrite, quiet=quiet)
    return show_detection(plan, overwrite=overwrite, quiet=quiet)


def _detector_options(given: DetectionOptions, device: str) -> Any:
    from imfuse.detection import DetectorOptions
    from imfuse.detection.yolo_outputs import LAYOUTS

    layout = given.detector_layout
    if layout is not None and layout not in LAYOUTS:
        raise UsageError(f"--detector-layout {shown(layout)}: choose one of {', '.join(LAYOUTS)}")
    numbers = {"confidence": given.confidence, "suppression": given.nms_iou}
    return DetectorOptions(
        classes=_names(given.classes),
        size=given.detector_size,
        layout=layout,
        device=device,
        **{name: value for name, value in numbers.items() if value is not None},
    )


def _names(text: str | None) -> tuple[str, ...]:
    if not text:
        return ()
    path = Path(text)
    if "," not in text and path.is_file():
        try:
            text = path.read_text(encoding="utf-8-sig").replace("\n", ",")
        except (OSError, ValueError) as error:
            raise UsageError(f"--classes {shown(path)}: cannot be read as a text of one name per line") from error
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _pairs(words: Sequence[str]) -> dict[str, str]:
    found = {}
    for word in words:
        mine, equals, theirs = (part.strip() for part in word.partition("="))
        if not equals or not mine or not theirs:
            raise UsageError(
                f"--same-class {shown(word)}: write the detector's name and the annotations': person=People"
            )
        found[mine] = theirs
    return found
