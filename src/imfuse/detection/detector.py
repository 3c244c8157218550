"""What a detector is, and how one is opened by the name that a user gives it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from imfuse.detection.boxes import Detections
from imfuse.detection.yolo_outputs import Layout
from imfuse.errors import UsageError
from imfuse.io.naming import shown

MOST_FOUND = 300
"""Boxes that are kept per picture: the maximum of YOLOv5's validation."""

MOST_SIDE = 1 << 14
"""Pixels of a side of a network's input."""

TORCHVISION = "torchvision:"
"""Before the name of a network of torchvision."""


@dataclass(frozen=True)
class DetectorOptions:
    """How detectors are run.

    Attributes:
        classes: names of the detector's classes in its order; empty if its file tells them.
        size: height and width of the network's input where the file leaves it open; None for the file's word or 640.
        layout: of the output of an ONNX file; None to tell it by its shape.
        confidence: smallest score; 0.001 is that of YOLOv5's validation. A higher one cuts the end of the curve of
            precision and recall, and lowers mAP.
        suppression: intersection over union beyond which the weaker of two boxes of a class goes; 0.6 is that of
            YOLOv5's validation.
        device: where networks run.
    """

    classes: tuple[str, ...] = ()
    size: int | None = None
    layout: Layout | None = None
    confidence: float = 0.001
    suppression: float = 0.6
    device: str = "cpu"

    def __post_init__(self) -> None:
        for name, value in (("confidence", self.confidence), ("suppression", self.suppression)):
            if not 0 <= value <= 1:
                raise UsageError(f"{name} {value}: give a number from 0 to 1")
        if self.size is not None and not 1 <= self.size <= MOST_SIDE:
            raise UsageError(f"a detector's input of {self.size} pixels: give a number from 1 to {MOST_SIDE}")
        if len(set(self.classes)) < len(self.classes):
            raise UsageError(f"classes {', '.join(self.classes)}: a name is there twice")


class Detector(Protocol):
    """Finds boxes in pictures."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of its classes."""
        ...

    @property
    def fingerprint(self) -> str:
        """A hash of all that its results depend on beside the picture."""
        ...

    def detect(self, pixels: NDArray[np.uint8]) -> Detections:
        """What it finds in a picture (H, W, 3), sRGB, in pixels of that picture."""
        ...


def open_detector(reference: str, options: DetectorOptions | None = None) -> Detector:
    """The detector of a file or name.

    Args:
        reference: an ONNX file; a ``.pt`` file for ultralytics; ``torchvision:NAME`` for a network of torchvision with
            its COCO weights, ``torchvision:NAME=FILE`` with weights of one's own.
        options: how it is run.

    Raises:
        UsageError: there is no such file, its kind is unknown, or what runs it is not installed.
        MissingExtraError: onnxruntime is not installed.
        WeightsError: the file is damaged, or gives out nothing that is known.
    """
    options = options or DetectorOptions()
    if reference.startswith(TORCHVISION):
        from imfuse.detection.torchvision_detector import TorchvisionDetector

        return TorchvisionDetector(reference.removeprefix(TORCHVISION), options)
    path = detector_file(reference)
    if path.suffix.lower() == ".onnx":
        from imfuse.detection.onnx_detector import OnnxDetector

        return OnnxDetector(path, options)
    from imfuse.detection.ultralytics_detector import UltralyticsDetector

    return UltralyticsDetector(path, options)


def detector_file(reference: str) -> Path:
    """The file of a detector.

    Raises:
        UsageError: it is not there, or of no kind that is known.
    """
    path = Path(reference)
    if path.suffix.lower() not in (".onnx", ".pt"):
        raise UsageError(
            f"detector {shown(reference)}: give an ONNX file (.onnx), a file of ultralytics (.pt) or {TORCHVISION}NAME"
        )
    if not path.is_file():
        raise UsageError(f"detector {shown(path)}: there is no such file; check the path")
    return path


def fingerprint(options: DetectorOptions, *facts: str) -> str:
    """A hash of a detector's options and of what else its results depend on."""
    text = json.dumps([asdict(options), MOST_FOUND, *facts], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
