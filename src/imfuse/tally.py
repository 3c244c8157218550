"""What is summed over the pixels of a fusion, and what the report says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from imfuse.colour_policies import ColourPolicy

if TYPE_CHECKING:
    from imfuse.plan import Plan
    from imfuse.stretch import Limits

MUCH_DARKER = 0.6
"""A result whose mean luma is below this share of the detail source's is told: addition darkens dark pairs."""


def beyond_words(share: float, is_float: bool, clipping: str = ColourPolicy.clipping) -> str:
    """What the report says of the share of the pixels that have a channel beyond black or white."""
    fate = "which float keeps" if is_float else clipping
    return f"{100 * share:.3g} % of the pixels have a channel beyond black or white, {fate}"


@dataclass(slots=True)
class Tally:
    """Sums over the pixels fused so far.

    Attributes:
        beyond: pixels with a channel beyond black or white.
        before: luma of the source that carries the detail, for tasks that keep its light.
        after: luma of the result, likewise.
        stretch: the limits of the stretch, where there was one.
    """

    beyond: int = 0
    before: float = 0.0
    after: float = 0.0
    stretch: Limits | None = None

    def share_beyond(self, plan: Plan) -> float:
        """Share of the pixels with a channel beyond black or white."""
        return self.beyond / (plan.detail.height * plan.detail.width)

    def notes(self, plan: Plan) -> list[str]:
        """What the report has to say of the result as a whole."""
        detail = plan.detail
        pixels = detail.height * detail.width
        notes = [] if self.stretch is None else [self.stretch.words]
        if self.beyond:
            notes.append(beyond_words(self.share_beyond(plan), plan.depth.is_float, plan.colour.clipping))
        before, after = self.before / pixels, self.after / pixels
        if plan.task.keeps_light and after < MUCH_DARKER * before:
            notes.append(
                f"the result is much darker than {detail.name} (mean {after:.2f} after {before:.2f}); where both "
                "sources are dark in the same places, --range percentile or, of models that have rules, --rule average "
                "keeps more light"
            )
        return notes
