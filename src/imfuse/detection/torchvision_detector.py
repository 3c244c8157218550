"""Detectors of torchvision, by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from imfuse.detection.boxes import Detections, suppress
from imfuse.detection.detector import MOST_FOUND, TORCHVISION, DetectorOptions, fingerprint
from imfuse.errors import UsageError, WeightsError
from imfuse.fuser import usable_device
from imfuse.io.naming import cause, shown
from imfuse.registry import file_hash


class TorchvisionDetector:
    """A detection network of torchvision: ``fasterrcnn_resnet50_fpn_v2``, ``retinanet_resnet50_fpn_v2`` and the like.

    Without a file it has torchvision's COCO weights, which torchvision downloads when they are first used. A file is a
    state dictionary, loaded with ``weights_only=True``; the options name its classes, and class 0 of the network is
    the background, as torchvision has it. RetinaNet and FCOS, whose classes of the COCO weights begin likewise, fit.

    Args:
        reference: ``NAME`` or ``NAME=FILE``.
        options: how it is run; its size is not used, since these networks scale pictures themselves.

    Raises:
        UsageError: torchvision is not installed, has no such network, or classes are missing.
        WeightsError: the file does not belong to the network.
    """

    def __init__(self, reference: str, options: DetectorOptions) -> None:
        try:
            import torchvision
            from torchvision.models import detection
        except Exception as error:  # one that does not fit the installed torch raises RuntimeError
            raise UsageError(
                f"{TORCHVISION}{shown(reference)}: torchvision is not installed, or does not fit this torch "
                f"({cause(error)}); pip install torchvision of the same release, or give an ONNX file"
            ) from error
        name, _, file = reference.partition("=")
        if name not in torchvision.models.list_models(module=detection):
            known = ", ".join(torchvision.models.list_models(module=detection))
            raise UsageError(f"{TORCHVISION}{shown(name)}: torchvision has no such detector; it has {known}")
        self._options, self._device = options, usable_device(options.device)
        if file:
            self._network, self.names = _own(torchvision, name, Path(file), options)
        else:
            weights = torchvision.models.get_model_weights(name).DEFAULT
            self._network, self.names = torchvision.models.get_model(name, weights=weights), _labels(weights)
        self._network.eval().to(self._device)
        digest = file_hash(Path(file)) if file else "COCO"
        self.fingerprint = fingerprint(options, "torchvision", torchvision.__version__, name, digest, *self.names)

    @torch.inference_mode()
    def detect(self, pixels: NDArray[np.uint8]) -> Detections:
        """What it finds in a picture (H, W, 3), sRGB, in pixels of that picture."""
        planes = torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1))).to(self._device).float() / 255
        (found,) = self._network([planes])
        boxes, scores, labels = (found[key].double().cpu().numpy() for key in ("boxes", "scores", "labels"))
        every = Detections(boxes, scores, labels.astype(np.int64) - 1).usable(self._options.confidence)
        every = every.take((every.labels >= 0) & (every.labels < len(self.names)))
        return suppress(every, self._options.suppression, MOST_FOUND)


def _labels(weights: Any) -> tuple[str, ...]:
    """Names of the classes after the background."""
    return tuple(map(str, weights.meta["categories"][1:]))


def _own(torchvision: Any, name: str, path: Path, options: DetectorOptions) -> tuple[Any, tuple[str, ...]]:
    if not path.is_file():
        raise UsageError(f"detector {shown(path)}: there is no such file; check the path")
    if not options.classes:
        raise UsageError(f"{shown(path)}: does not tell the names of its classes; give them: --classes person,car,…")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        classes = len(options.classes) + 1
        network = torchvision.models.get_model(name, weights=None, weights_backbone=None, num_classes=classes)
        network.load_state_dict(state)
    except Exception as error:  # whatever a damaged or foreign file raises
        raise WeightsError(f"{shown(path)}: is no state dictionary of {name} ({cause(error)})") from error
    return network, options.classes
