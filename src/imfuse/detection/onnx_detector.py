"""Detectors as ONNX files: the usual exports of YOLO, run by onnxruntime."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imfuse.detection.boxes import Detections, suppress
from imfuse.detection.detector import MOST_FOUND, MOST_SIDE, DetectorOptions, fingerprint
from imfuse.detection.letterbox import letterbox
from imfuse.detection.yolo_outputs import LAYOUTS, Layout, decode, find_layout
from imfuse.errors import MissingExtraError, UsageError, WeightsError
from imfuse.io.naming import cause, shown
from imfuse.registry import file_hash

_USUAL_SIZE = 640
_INPUTS: dict[str, type[np.generic]] = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(uint8)": np.uint8,
}
"""Types of input: floats in [0, 1], or levels."""


class OnnxDetector:
    """A YOLO export: one input (1, 3, H, W), RGB, and an output of :mod:`imfuse.detection.yolo_outputs`.

    Pictures are letterboxed. Names of classes stand in the file's metadata ``names``, as YOLOv5's and ultralytics'
    exporters write them, or come with the options.

    Args:
        path: of the file.
        options: how it is run.

    Raises:
        MissingExtraError: onnxruntime is not installed.
        WeightsError: the file is damaged, or its input or output is none that is known.
        UsageError: an option does not go with the file.
    """

    def __init__(self, path: Path, options: DetectorOptions) -> None:
        self._path, self._options = path, options
        self._session = _session(path, options.device)
        metadata = dict(self._session.get_modelmeta().custom_metadata_map)
        self.names = options.classes or _names(path, metadata)
        self.fingerprint = fingerprint(options, "onnx", file_hash(path), *self.names)
        self._input, self._type, self._size = self._checked_input(metadata)
        ground = np.full((*self._size, 3), 114, np.uint8)
        self._output, self._layout = self._known_output(self._run(ground))

    def detect(self, pixels: NDArray[np.uint8]) -> Detections:
        """What it finds in a picture (H, W, 3), sRGB, in pixels of that picture.

        Raises:
            WeightsError: the network fails, or gives out something else than at first.
        """
        given, placed = letterbox(pixels, *self._size)
        outputs = self._run(given)
        if find_layout(outputs[self._output].shape, len(self.names), self._layout) is None:
            raise WeightsError(f"{shown(self._path)}: its output changes its layout from picture to picture")
        found = decode(outputs[self._output], self._layout, self._options.confidence)
        found = found.take((found.labels >= 0) & (found.labels < len(self.names)))
        if self._layout == "end-to-end":
            found = found.best(MOST_FOUND)
        else:
            found = suppress(found, self._options.suppression, MOST_FOUND)
        return placed.back(found)

    def _run(self, pixels: NDArray[np.uint8]) -> list[NDArray[Any]]:
        planes = np.ascontiguousarray(pixels.transpose(2, 0, 1)[None])
        given = planes if self._type is np.uint8 else (planes.astype(np.float32) / 255).astype(self._type)
        try:
            return [np.asarray(output) for output in self._session.run(None, {self._input: given})]
        except Exception as error:  # onnxruntime's exceptions share no base of their own
            raise WeightsError(f"{shown(self._path)}: the detector cannot be run ({cause(error)})") from error

    def _checked_input(self, metadata: Mapping[str, str]) -> tuple[str, type[np.generic], tuple[int, int]]:
        """Name, type and size (height, width) of the input."""
        inputs = self._session.get_inputs()
        if len(inputs) != 1 or not _takes_pictures(inputs[0]):
            told = ", ".join(f"{one.name} {one.type} {one.shape}" for one in inputs) or "none"
            raise WeightsError(
                f"{shown(self._path)}: a detector has one input (1, 3, height, width) of float, float16 or uint8, this "
                f"file has {shown(told)}; export it with batch 1, in the layout of YOLO"
            )
        first = inputs[0]
        free = self._options.size or _metadata_size(metadata) or _USUAL_SIZE
        height, width = (side if isinstance(side, int) else free for side in first.shape[2:])
        if not (1 <= height <= MOST_SIDE and 1 <= width <= MOST_SIDE):
            raise WeightsError(
                f"{shown(self._path)}: takes pictures of {height}×{width} pixels; a side of 1 to {MOST_SIDE} is taken"
            )
        if self._options.size is not None and (height, width) != (free, free):
            raise UsageError(f"{shown(self._path)}: takes {height}×{width} pixels and no other size")
        return first.name, _INPUTS[first.type], (height, width)

    def _known_output(self, outputs: list[NDArray[Any]]) -> tuple[int, Layout]:
        """The output that holds the boxes, and its layout."""
        for place, output in enumerate(outputs):
            layout = find_layout(output.shape, len(self.names), self._options.layout)
            if layout is not None and output.dtype.kind in "fiu":
                return place, layout
        shapes = ", ".join(str(output.shape) for output in outputs)
        asked = self._options.layout or f"any of {', '.join(LAYOUTS)}"
        raise WeightsError(
            f"{shown(self._path)}: gives out {shapes}, which for {len(self.names)} classes is not {asked}; check the "
            "names of the classes, or export the detector anew (docs/detection.md says which exports are known)"
        )


def _session(path: Path, device: str) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingExtraError("an ONNX detector", "detect") from error
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 3
    known = onnxruntime.get_available_providers()
    providers = ["CPUExecutionProvider"]
    if device.startswith("cuda"):
        if "CUDAExecutionProvider" not in known:
            raise UsageError(f"device {device}: this onnxruntime has no CUDA; pip install onnxruntime-gpu, or take cpu")
        number = device.partition(":")[2] or "0"
        providers = [("CUDAExecutionProvider", {"device_id": number}), *providers]  # type: ignore[list-item]
    try:
        return onnxruntime.InferenceSession(str(path), settings, providers=providers)
    except Exception as error:  # onnxruntime's exceptions share no base of their own
        raise WeightsError(
            f"{shown(path)}: cannot be read as an ONNX network ({cause(error)}); export the detector again"
        ) from error


def _takes_pictures(given: Any) -> bool:
    """Whether an input is a batch of one RGB picture, of a type that is known."""
    shape = given.shape
    return given.type in _INPUTS and len(shape) == 4 and shape[1] == 3 and not _fixed(shape[0], 1)


def _fixed(side: object, wanted: int) -> bool:
    """Whether a side of the input is fixed to something else than is wanted."""
    return isinstance(side, int) and side != wanted


def _names(path: Path, metadata: Mapping[str, str]) -> tuple[str, ...]:
    """The names of the classes in the metadata: a dictionary or a list, as Python or JSON writes it."""
    found = _literal(metadata.get("names", ""))
    if isinstance(found, dict):
        keys = [int(key) for key in found if str(key).isdecimal()]
        found = [found[key] for key in found] if keys == list(range(len(found))) else None
    if not isinstance(found, list | tuple) or not found or not all(isinstance(name, str) for name in found):
        raise UsageError(
            f"{shown(path)}: does not tell the names of its classes; give them in its order: --classes person,car,…"
        )
    return tuple(found)


def _metadata_size(metadata: Mapping[str, str]) -> int | None:
    """The size that the network was exported for, if its input leaves it open."""
    found = _literal(metadata.get("imgsz", ""))
    sides = found if isinstance(found, list | tuple) else [found]
    whole = [side for side in sides if type(side) is int and 0 < side <= MOST_SIDE]
    return max(whole) if whole and len(whole) == len(sides) else None


def _literal(text: str) -> object:
    for parse in (ast.literal_eval, json.loads):
        try:
            return parse(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
    return None
