"""What detectors found, on disk: a line per picture, so that nothing is looked at twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from imfuse.detection import Detections
from imfuse.errors import OutputError
from imfuse.io.naming import cause, shown
from imfuse.outputs import make_folder

FOLDER = "detections"


class DetectionStore:
    """The lines of one method on one data set: ``detections/SET/METHOD.jsonl``.

    A line is appended as soon as a picture is done; a half line of a killed process is passed over. Lines of other
    detectors and of pictures that are no longer the same stay, and are not read.

    Args:
        folder: of the benchmark.
        data_set: its name.
        method: its name.

    Raises:
        OutputError: the folder cannot be made, or the file not be read.
    """

    def __init__(self, folder: Path, data_set: str, method: str) -> None:
        make_folder(folder / FOLDER / data_set)
        self.path = folder / FOLDER / data_set / f"{method}.jsonl"
        self._found: dict[tuple[str, str, str], Detections] = {}
        self._ended = True
        try:
            text = self.path.read_text(encoding="utf-8", errors="replace") if self.path.exists() else ""
        except OSError as error:
            raise OutputError(f"{shown(self.path)}: cannot be read ({cause(error)}); choose another folder") from error
        self._ended = text.endswith("\n") or not text
        for line in text.splitlines():
            self._take(line)

    def get(self, scene: str, picture: str, detector: str) -> Detections | None:
        """What this detector found in this picture, by their hashes; None if it has not looked at it."""
        return self._found.get((scene, picture, detector))

    def put(self, scene: str, picture: str, detector: str, found: Detections) -> Detections:
        """Keep what was found; what is kept has as many digits as the file.

        Raises:
            OutputError: it cannot be written.
        """
        boxes = [
            [*(round(float(edge), 2) for edge in box), round(float(score), 6), int(label)]
            for box, score, label in zip(found.boxes, found.scores, found.labels, strict=True)
        ]
        entry = {"scene": scene, "picture": picture, "detector": detector, "boxes": boxes}
        line = json.dumps(entry, ensure_ascii=False, separators=(",", ":"))
        try:
            with self.path.open("a", encoding="utf-8", newline="\n") as stream:
                stream.write(("" if self._ended else "\n") + line + "\n")
        except OSError as error:
            raise OutputError(
                f"{shown(self.path)}: cannot be written ({cause(error)}); free space or permit it"
            ) from error
        self._ended = True
        self._take(line)
        return self._found[scene, picture, detector]

    def _take(self, line: str) -> None:
        try:
            entry: Any = json.loads(line)
            key = str(entry["scene"]), str(entry["picture"]), str(entry["detector"])
            table = np.array(entry["boxes"], np.float64).reshape(-1, 6)
        except (ValueError, TypeError, KeyError):
            return  # half a line, or somebody else's
        self._found[key] = Detections(table[:, :4], table[:, 4], table[:, 5].astype(np.int64))
