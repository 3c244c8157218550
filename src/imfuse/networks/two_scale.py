"""What AUIF and CSC-IVFN share: base and detail maps of every picture, merged by a rule each, decoded together."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple, Self

from torch import Tensor

from imfuse.networks.protocol import Core, FusionNetwork, Kind, Part
from imfuse.rules import Rule, rule
from imfuse.rules.fold import Fold
from imfuse.rules.histograms import Histogram, Scale

Branch = Literal["base", "detail"]
BRANCHES: tuple[Branch, Branch] = ("base", "detail")
WHOLE: Core = (slice(None), slice(None))


class TwoScale(NamedTuple):
    """Base and detail of one picture, each (B, C, H, W): images or feature maps."""

    base: Tensor
    detail: Tensor

    def of(self, branch: Branch) -> Tensor:
        """The base or the detail."""
        return self.base if branch == "base" else self.detail


@dataclass(frozen=True, slots=True)
class TwoScaleSurvey:
    """Histograms of the base and detail maps of every source; empty for a branch whose rule needs none."""

    base: tuple[Histogram, ...]
    detail: tuple[Histogram, ...]

    def of(self, branch: Branch) -> tuple[Histogram, ...]:
        """Those of the base or of the detail."""
        return self.base if branch == "base" else self.detail

    def merged(self, other: Self) -> Self:
        """The survey of both windows together."""
        return type(self)(_merged(self.base, other.base), _merged(self.detail, other.detail))


def _merged(first: tuple[Histogram, ...], second: tuple[Histogram, ...]) -> tuple[Histogram, ...]:
    return tuple(one.merged(other) for one, other in zip(first, second, strict=True))


class TwoScaleNetwork(FusionNetwork):
    """An autoencoder of base and detail maps; the rules stand between its encoder and its decoder.

    What takes the memory is the maps. So one branch is done after the other, and of a rule that allows it one source
    after the other.

    Args:
        base_rule: how base maps are merged.
        detail_rule: how detail maps are merged.
    """

    explain_bytes_per_pixel_per_source = 0  # those of a pair are counted
    bytes_per_pixel_per_source = 4  # it holds the lumas, once for each branch to go through

    rules: ClassVar[tuple[Rule, ...]]
    """The rules that it takes."""

    def __init__(self, base_rule: str, detail_rule: str) -> None:
        super().__init__()
        self.base_rule = rule(base_rule, self.rules)
        self.detail_rule = rule(detail_rule, self.rules)

    @abstractmethod
    def start(self, branch: Branch, source: Tensor) -> Tensor:
        """The base or detail image of a picture (B, 1, H, W) with which its encoder begins."""

    @abstractmethod
    def code(self, branch: Branch, source: Tensor) -> Tensor:
        """The base or detail maps (B, C, H, W) of a picture (B, 1, H, W) in [0, 1]."""

    @abstractmethod
    def image(self, branch: Branch, code: Tensor) -> Tensor:
        """Base or detail maps as the one image (B, 1, H, W) that the decoder makes of them."""

    @abstractmethod
    def compose(self, images: TwoScale) -> Tensor:
        """The picture (B, 1, H, W) in (0, 1) of a base and a detail image of :meth:`image`."""

    def scale(self, branch: Branch) -> Scale:
        """The levels of base or of detail maps, for rules that need histograms."""
        raise NotImplementedError(f"no rule of {type(self).__name__} needs histograms")

    def encode(self, source: Tensor) -> TwoScale:
        """Base and detail maps of a picture (B, 1, H, W) in [0, 1]."""
        return TwoScale(self.code("base", source), self.code("detail", source))

    def decode(self, features: TwoScale) -> Tensor:
        """The picture (B, 1, H, W) in (0, 1) of base and detail maps."""
        return self.compose(TwoScale(self.image("base", features.base), self.image("detail", features.detail)))

    def forward(self, source: Tensor) -> Tensor:
        """Reproduce a picture (B, 1, H, W): what the training optimises."""
        return self.decode(self.encode(source))

    def rule(self, branch: Branch) -> Rule:
        """How base or detail maps are merged."""
        return self.base_rule if branch == "base" else self.detail_rule

    @property
    def rule_name(self) -> str | None:
        """Name of the rule in use; ``base + detail`` where they differ."""
        base, detail = self.base_rule.name, self.detail_rule.name
        return base if base == detail else f"{base} + {detail}"

    def use_rule(self, name: str | None = None, *, base: str | None = None, detail: str | None = None) -> None:
        """Merge by the rule of this name from now on, or by one rule for base and one for detail maps.

        Raises:
            UsageError: the network takes no rule of this name.
        """
        asked = name if base is None else base, name if detail is None else detail
        chosen = [None if one is None else rule(one, self.rules) for one in asked]
        self.base_rule = chosen[0] or self.base_rule
        self.detail_rule = chosen[1] or self.detail_rule

    @property
    def rule_halo(self) -> int:
        """Pixels around a pixel on which the rules' results depend."""
        return max(self.base_rule.halo, self.detail_rule.halo)

    @property
    def surveyed(self) -> bool:
        """Whether a rule in use needs histograms of the whole pictures."""
        return self.base_rule.surveyed or self.detail_rule.surveyed

    def survey(self, sources: Iterable[Tensor], core: Core = WHOLE) -> TwoScaleSurvey:
        """Histograms of the maps that the rules need, over the core of these windows."""
        windows = list(sources)
        base, detail = (
            tuple(self._histogram(branch, self.code(branch, window), core) for window in windows)
            if self.rule(branch).surveyed
            else ()
            for branch in BRANCHES
        )
        return TwoScaleSurvey(base, detail)

    def merge(self, features: Iterable[TwoScale], survey: TwoScaleSurvey | None = None) -> TwoScale:
        """Merge the maps of several pictures by the rules, base with base and detail with detail.

        Args:
            features: of each picture.
            survey: of the whole pictures; without it, the maps are taken for those of whole pictures.
        """
        items = list(features)
        base, detail = (self._fold(branch, [item.of(branch) for item in items], survey) for branch in BRANCHES)
        return TwoScale(base.result(), detail.result())

    def fuse(self, sources: Iterable[Tensor], survey: TwoScaleSurvey | None = None) -> Tensor:
        """Fuse infrared and visible luma, each (B, 1, H, W) in [0, 1], into (B, 1, H, W) in (0, 1)."""
        pictures = list(sources)
        base, detail = (self._fused_image(branch, pictures, survey) for branch in BRANCHES)
        return self.compose(TwoScale(base, detail))

    def _fused_image(self, branch: Branch, pictures: Sequence[Tensor], survey: TwoScaleSurvey | None) -> Tensor:
        codes = (self.code(branch, picture) for picture in pictures)
        return self.image(branch, self._fold(branch, codes, survey).result())

    def _histogram(self, branch: Branch, code: Tensor, core: Core = WHOLE) -> Histogram:
        rows, columns = core
        return Histogram.of(code[..., rows, columns], self.scale(branch))

    def _fold(
        self, branch: Branch, codes: Iterable[Tensor], survey: TwoScaleSurvey | None, *, keep_weights: bool = False
    ) -> Fold:
        """The codes of one branch, folded by its rule; without a survey they are taken for those of whole pictures."""
        chosen = self.rule(branch)
        histograms = survey.of(branch) if survey is not None else ()
        if chosen.surveyed and survey is None:
            codes = list(codes)
            histograms = tuple(self._histogram(branch, code) for code in codes)
        fold = chosen.start(histograms, keep_weights=keep_weights)
        for code in codes:
            fold.add(code)
            del code  # the next one is made before the name is bound anew
        return fold

    def explain(
        self, sources: Iterable[Tensor], names: Sequence[str], survey: TwoScaleSurvey | None = None
    ) -> Mapping[str, Part]:
        """Base and detail of every source before and after its encoder, their weights, and what was merged of them.

        Args:
            sources: as for :meth:`fuse`.
            names: of the sources, for the names of the parts.
            survey: as for :meth:`fuse`.

        Returns:
            The parts that :meth:`part_names` names. Maps of several channels are shown as the image that the decoder
            makes of them, weights as their mean.
        """
        pictures = list(sources)
        parts = {
            name: Part(picture, "picture", f"{name}, as the network gets it", name, "picture")
            for name, picture in zip(names, pictures, strict=True)
        }
        for branch in BRANCHES:
            parts |= self._explained(branch, pictures, names, survey)
        fused = self.compose(TwoScale(parts["fused_base"].image, parts["fused_detail"].image))
        parts["fused"] = Part(fused, "picture", "fused", "fused", "picture")
        return {name: parts[name] for name in self.part_names(names)}

    def _explained(
        self, branch: Branch, pictures: Sequence[Tensor], names: Sequence[str], survey: TwoScaleSurvey | None
    ) -> dict[str, Part]:
        """The parts of one branch."""
        kind: Kind = "map" if branch == "base" else "signed"
        codes = [self.code(branch, picture) for picture in pictures]
        fold = self._fold(branch, codes, survey, keep_weights=True)
        parts = {}
        for name, picture, code, weight in zip(names, pictures, codes, fold.weights(), strict=True):
            found: list[tuple[str, Tensor, Kind, str]] = [
                (f"{branch}_start", self.start(branch, picture), kind, f"first {branch}"),
                (branch, self.image(branch, code), kind, f"{branch} after the encoder"),
                (f"{branch}_weight", weight, "weight", f"weight of the {branch}"),
            ]
            for key, image, sort, words in found:
                parts[f"{name}_{key}"] = Part(image, sort, f"{name}: {words}", name, key)
        merged = self.image(branch, fold.result())
        parts[f"fused_{branch}"] = Part(merged, kind, f"fused {branch}", "fused", branch)
        return parts

    def part_names(self, names: Sequence[str]) -> list[str]:
        """Names of the parts that :meth:`explain` gives.

        For every source NAME ``NAME``, ``NAME_base_start``, ``NAME_base``, ``NAME_base_weight``, and the same three of
        the detail; then ``fused``, ``fused_base``, ``fused_detail``.
        """
        keys = [f"_{branch}{key}" for branch in BRANCHES for key in ("_start", "", "_weight")]
        return [f"{name}{key}" for name in names for key in ("", *keys)] + ["fused", "fused_base", "fused_detail"]
