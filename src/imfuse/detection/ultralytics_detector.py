"""Detectors as ultralytics keeps them: ``.pt`` files."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imfuse.detection.boxes import Detections
from imfuse.detection.detector import MOST_FOUND, DetectorOptions, fingerprint
from imfuse.errors import UsageError, WeightsError
from imfuse.io.naming import cause, shown
from imfuse.registry import file_hash


class UltralyticsDetector:
    """A ``.pt`` file that ultralytics runs, with its own letterbox and suppression.

    Such a file is a pickle, which can run any code when it is loaded: open only files whose origin is known.

    Args:
        path: of the file.
        options: how it is run.

    Raises:
        UsageError: ultralytics is not installed, or the number of given classes is another than the file's.
        WeightsError: ultralytics cannot load the file.
    """

    def __init__(self, path: Path, options: DetectorOptions) -> None:
        # Nothing is sent, fetched or installed in passing.
        os.environ.setdefault("YOLO_OFFLINE", "true")
        os.environ.setdefault("YOLO_AUTOINSTALL", "false")
        try:
            import ultralytics
        except ImportError as error:
            raise UsageError(
                f"{shown(path)}: a .pt file needs ultralytics, which is not installed (pip install ultralytics); or "
                "export it once (yolo export format=onnx) and give the ONNX file"
            ) from error
        try:
            self._network = ultralytics.YOLO(str(path), task="detect")
            own = tuple(str(self._network.names[place]) for place in range(len(self._network.names)))
        except Exception as error:  # whatever unpickling and building a network raises
            raise WeightsError(f"{shown(path)}: ultralytics cannot load it ({cause(error)})") from error
        if options.classes and len(options.classes) != len(own):
            raise UsageError(f"{shown(path)}: has {len(own)} classes, {len(options.classes)} names are given")
        self.names = options.classes or own
        self._path, self._options = path, options
        self.fingerprint = fingerprint(options, "ultralytics", ultralytics.__version__, file_hash(path), *self.names)

    def detect(self, pixels: NDArray[np.uint8]) -> Detections:
        """What it finds in a picture (H, W, 3), sRGB, in pixels of that picture.

        Raises:
            WeightsError: the network fails.
        """
        options = self._options
        try:
            (found,) = self._network.predict(
                np.ascontiguousarray(pixels[..., ::-1]),  # arrays are BGR to it
                imgsz=options.size or 640,
                conf=options.confidence,
                iou=options.suppression,
                max_det=MOST_FOUND,
                device=options.device,
                verbose=False,
            )
            boxes = found.boxes
            corners, scores, labels = (part.cpu().numpy() for part in (boxes.xyxy, boxes.conf, boxes.cls))
        except Exception as error:  # whatever a network raises
            raise WeightsError(f"{shown(self._path)}: the detector cannot be run ({cause(error)})") from error
        whole = Detections(corners.astype(np.float64), scores.astype(np.float64), labels.astype(np.int64))
        return whole.usable(options.confidence).best(MOST_FOUND)
