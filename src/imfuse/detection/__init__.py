"""Detectors on pictures, annotated objects, and how well the ones find the others.

>>> from imfuse.detection import open_detector
>>> detector = open_detector("yolov5s.onnx")  # doctest: +SKIP
>>> detector.detect(pixels).boxes  # doctest: +SKIP
"""

from imfuse.detection.annotations import AnnotatedObject, Annotations
from imfuse.detection.boxes import Detections
from imfuse.detection.detector import Detector, DetectorOptions, open_detector
from imfuse.detection.precision import ClassPrecision, Precision, average_precision
from imfuse.detection.read_annotations import read_annotations

__all__ = [
    "AnnotatedObject",
    "Annotations",
    "ClassPrecision",
    "Detections",
    "Detector",
    "DetectorOptions",
    "Precision",
    "average_precision",
    "open_detector",
    "read_annotations",
]
