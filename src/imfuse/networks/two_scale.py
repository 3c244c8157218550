"""What AUIF and CSC-IVFN share: base and detail maps of every picture, merged by a rule each, decoded together."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

from torch import Tensor

from imfuse.networks.protocol import Core, FusionNetwork, Kind, Part
from imfuse.rules import Fold, Rule, rule
from imfuse.rules.histograms import Histogram, Scale

Branch = Literal["base", "detail"]
BRANCHES: tuple[Branch, Branch] = ("base", "detail")
WHOLE: Core = (slice(None), slice(None))


class TwoScale(NamedTuple):
    """Base and detail of one picture, each (B, C, H, W): images, feature maps or weights."""

    base: Tensor
    detail: Tensor


@dataclass(frozen=True, slots=True)
class TwoScaleSurvey:
    """Histograms of the base and detail maps of every source; empty for a branch whose rule needs none."""

    base: tuple[Histogram, ...]
    detail: tuple[Histogram, ...]

    def merged(self, other: TwoScaleSurvey) -> TwoScaleSurvey:
        """The survey of both windows together."""
        return TwoScaleSurvey(_merged(self.base, other.base), _merged(self.detail, other.detail))


def _merged(first: tuple[Histogram, ...], second: tuple[Histogram, ...]) -> tuple[Histogram, ...]:
    return tuple(one.merged(other) for one, other in zip(first, second, strict=True))


class TwoScaleNetwork(FusionNetwork):
    """An autoencoder of base and detail maps; the rules stand between its encoder and its decoder.

    Args:
        base_rule: how base maps are merged.
        detail_rule: how detail maps are merged.
    """

    rules: ClassVar[tuple[Rule, ...]]
    """The rules that its paper has, and that it takes."""

    def __init__(self, base_rule: str, detail_rule: str) -> None:
        super().__init__()
        self.base_rule = rule(base_rule, self.rules)
        self.detail_rule = rule(detail_rule, self.rules)

    @abstractmethod
    def start(self, source: Tensor) -> TwoScale:
        """Base and detail image of a picture (B, 1, H, W), with which the encoders begin."""

    @abstractmethod
    def code(self, branch: Branch, start: Tensor, source: Tensor) -> Tensor:
        """The base or the detail maps (B, C, H, W) of a picture.

        Args:
            branch: which.
            start: the image that the branch begins with, (B, 1, H, W).
            source: the picture (B, 1, H, W) in [0, 1].
        """

    @abstractmethod
    def image(self, branch: Branch, code: Tensor) -> Tensor:
        """Base or detail maps as the one image (B, 1, H, W) that the decoder makes of them."""

    @abstractmethod
    def compose(self, images: TwoScale) -> Tensor:
        """The picture (B, 1, H, W) in (0, 1) of a base and a detail image of :meth:`image`."""

    @abstractmethod
    def scale(self, branch: Branch) -> Scale:
        """The levels of base or of detail maps, for rules that need histograms."""

    def encode(self, source: Tensor) -> TwoScale:
        """Base and detail maps of a picture (B, 1, H, W) in [0, 1]."""
        start = self.start(source)
        return TwoScale(*(self.code(branch, getattr(start, branch), source) for branch in BRANCHES))

    def images(self, features: TwoScale) -> TwoScale:
        """Base and detail maps as one image each, (B, 1, H, W)."""
        return TwoScale(*(self.image(branch, getattr(features, branch)) for branch in BRANCHES))

    def decode(self, features: TwoScale) -> Tensor:
        """The picture (B, 1, H, W) in (0, 1) of base and detail maps."""
        return self.compose(self.images(features))

    def forward(self, source: Tensor) -> Tensor:
        """Reproduce a picture (B, 1, H, W): what the training optimises."""
        return self.decode(self.encode(source))

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
        chosen = [rule(asked, self.rules) if asked else None for asked in (base or name, detail or name)]
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
        found: dict[str, tuple[Histogram, ...]] = {}
        for branch in BRANCHES:
            codes = (self._code(branch, source) for source in windows) if self._rule(branch).surveyed else ()
            found[branch] = tuple(self._histogram(branch, code, core) for code in codes)
        return TwoScaleSurvey(**found)

    def merge(self, features: Iterable[TwoScale], survey: TwoScaleSurvey | None = None) -> TwoScale:
        """Merge the maps of several pictures by the rules, base with base and detail with detail.

        Args:
            features: of each picture.
            survey: of the whole pictures; without it, the maps are taken for those of whole pictures.
        """
        items = list(features)
        folds = (self._fold(branch, [getattr(item, branch) for item in items], survey) for branch in BRANCHES)
        return TwoScale(*(fold.result() for fold in folds))

    def fuse(self, sources: Iterable[Tensor], survey: TwoScaleSurvey | None = None) -> Tensor:
        """Fuse infrared and visible luma, each (B, 1, H, W) in [0, 1], into (B, 1, H, W) in (0, 1).

        One branch after the other, and of a rule that allows it one source after the other: the maps are what takes the
        memory.
        """
        pictures = list(sources)
        return self.compose(TwoScale(*(self._fused_image(branch, pictures, survey) for branch in BRANCHES)))

    def _fused_image(self, branch: Branch, pictures: Sequence[Tensor], survey: TwoScaleSurvey | None) -> Tensor:
        fold = self._fold(branch, (self._code(branch, picture) for picture in pictures), survey)
        return self.image(branch, fold.result())

    def _rule(self, branch: Branch) -> Rule:
        return self.base_rule if branch == "base" else self.detail_rule

    def _code(self, branch: Branch, source: Tensor) -> Tensor:
        return self.code(branch, getattr(self.start(source), branch), source)

    def _histogram(self, branch: Branch, code: Tensor, core: Core = WHOLE) -> Histogram:
        rows, columns = core
        return Histogram.of(code[..., rows, columns], self.scale(branch))

    def _fold(self, branch: Branch, codes: Iterable[Tensor], survey: TwoScaleSurvey | None) -> Fold:
        """The codes of one branch, folded by its rule; without a survey they are taken for those of whole pictures."""
        chosen = self._rule(branch)
        histograms: Sequence[Histogram] = getattr(survey, branch) if survey is not None else ()
        if chosen.surveyed and survey is None:
            codes = list(codes)
            histograms = [self._histogram(branch, code) for code in codes]
        fold = chosen.start(histograms)
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
            For every source NAME: ``NAME``, ``NAME_base_start``, ``NAME_detail_start``, ``NAME_base``,
            ``NAME_detail``, ``NAME_base_weight``, ``NAME_detail_weight``; and ``fused_base``, ``fused_detail``,
            ``fused``.
            Maps of several channels are shown as the image that the decoder makes of them, weights as their mean.
        """
        pictures = list(sources)
        features = [self.encode(picture) for picture in pictures]
        folds = [self._fold(branch, [getattr(item, branch) for item in features], survey) for branch in BRANCHES]
        weights = [fold.weights() for fold in folds]
        merged = TwoScale(*(fold.result() for fold in folds))
        parts: dict[str, Part] = {}
        for index, (name, picture) in enumerate(zip(names, pictures, strict=True)):
            parts[name] = Part(picture, "picture", f"{name}, as the network gets it", name, "picture")
            weight = TwoScale(*(branch[index].mean(1, keepdim=True) for branch in weights))
            parts |= _source_parts(name, self.start(picture), self.images(features[index]), weight)
        images = self.images(merged)
        parts["fused"] = Part(self.decode(merged), "picture", "fused", "fused", "picture")
        parts["fused_base"] = Part(images.base, "map", "fused base", "fused", "base")
        parts["fused_detail"] = Part(images.detail, "signed", "fused detail", "fused", "detail")
        return parts


def _source_parts(name: str, start: TwoScale, encoded: TwoScale, weight: TwoScale) -> dict[str, Part]:
    """The parts of one source: first and final base and detail, and their weights."""
    found: list[tuple[str, Tensor, Kind, str]] = [
        ("base_start", start.base, "map", "first base"),
        ("base", encoded.base, "map", "base after the encoder"),
        ("base_weight", weight.base, "weight", "weight of the base"),
        ("detail_start", start.detail, "signed", "first detail"),
        ("detail", encoded.detail, "signed", "detail after the encoder"),
        ("detail_weight", weight.detail, "weight", "weight of the detail"),
    ]
    return {f"{name}_{key}": Part(image, kind, f"{name}: {words}", name, key) for key, image, kind, words in found}
