"""What is told of the alignment of a stack."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from imfuse.registration.motion import MotionName

State = Literal["reference", "moved", "in place", "not aligned"]


@dataclass(frozen=True, slots=True)
class PictureReport:
    """How one picture of a stack lies against the reference, and what was done to it.

    Attributes:
        name: of the picture.
        state: ``reference``; ``moved`` (resampled to lie as the reference does); ``in place`` (it lies so already, and
            was left as it was); ``not aligned`` (no motion was found that is to be believed; it was left as it was).
        against: name of the picture that it was compared with: the reference, or the one before it on the way there.
        right: mean shift of its pixels against the reference, in pixels; things lie so far right of their place there.
        down: likewise.
        displacement: root of the mean square by which its pixels are displaced, turn and scale included, in pixels.
        rotation: against the reference, in degrees, clockwise.
        scale: against the reference; above 1 things are larger than there.
        before: correlation of its local contrast with that of ``against`` as the files are, from −1 to 1.
        after: as it was found to lie; ``before`` again where nothing correlates better.
        reason: why it was not aligned.
    """

    name: str
    state: State
    against: str | None = None
    right: float = 0.0
    down: float = 0.0
    displacement: float = 0.0
    rotation: float = 0.0
    scale: float = 1.0
    before: float | None = None
    after: float | None = None
    reason: str | None = None

    @property
    def shift(self) -> float:
        """Length of the mean shift, in pixels."""
        return float((self.right**2 + self.down**2) ** 0.5)


@dataclass(frozen=True, slots=True)
class AlignmentReport:
    """How the pictures of a stack were aligned.

    Attributes:
        motion: the motion model.
        reference: name of the picture that the others were aligned to.
        left: first column of the reference that the result shows.
        top: first row likewise.
        height: rows that all pictures share: those of the result.
        width: columns likewise.
        pictures: in the order given.
    """

    motion: MotionName
    reference: str
    left: int
    top: int
    height: int
    width: int
    pictures: tuple[PictureReport, ...]
