"""FNet: fusion by ℓ0-regularised convolutional sparse coding of what is unique to either source and what is common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from math import ceil
from typing import ClassVar, Literal, NamedTuple, get_args

import torch
from torch import Tensor

from imfuse.blocks.lcsc import LCSC
from imfuse.blocks.lzsc import LZSC
from imfuse.blocks.sparse_coder import SparseCoder
from imfuse.errors import UsageError
from imfuse.networks.protocol import FusionNetwork, Part
from imfuse.ops.padding import reflect_pad
from imfuse.ops.thin_convolution import convolution, narrow

BlockName = Literal["lzsc", "lcsc"]

_LEAST = 192
"""Side of the smallest window of the paper's network: the smallest tile with its halo."""

_SHOWN = 8
"""So many features of every code are shown: those of the heaviest kernels in the fused picture."""


class Reconstructions(NamedTuple):
    """What the fused picture is the sum of (Eq. 23), each (B, 1, H, W): G_u1(u₁), G_u2(u₂) and G_c(c)."""

    first: Tensor
    second: Tensor
    common: Tensor


def sparse_coder(block: BlockName, channels: int, features: int, size: int, modules: int) -> SparseCoder:
    """A fresh block of this name for pictures of so many channels.

    Raises:
        UsageError: no block is called so.
    """
    if block not in get_args(BlockName):
        raise UsageError(f"unknown block {block!r}: choose one of {', '.join(get_args(BlockName))}")
    kind = LZSC if block == "lzsc" else LCSC
    return kind(channels, features, size, modules)


class FNet(FusionNetwork):
    """Panda et al., "ℓ0-Regularized Sparse Coding-based Interpretable Network for Multi-Modal Image Fusion".

    Two blocks find the features u₁ and u₂ that are unique to either source, each with nothing in common as yet (Eq. 9).
    A third finds the common ones, c, in what is left of both (Eqs. 11 and 22): Î = [I₁ − D_u1(u₁), I₂ − D_u2(u₂)]. The
    fused picture is G_c(c) + G_u1(u₁) + G_u2(u₂) (Eq. 23). D and G are convolutions without bias, as in the blocks;
    outside the picture is zero. With the defaults it has 419,916 parameters.

    I₁ is the infrared or the MRI picture, as in the authors' runs; where the paper's Figs. 8 and 9 call another one
    I₁, its parts are told by modality and not by number. The result is not bounded.

    The paper lets everything outside the pictures be zero, and a network that has seen few pixels far from a border
    shows that as a frame. With ``margin`` both pictures are first reflected so far beyond their borders, and the zeros
    lie beyond that; the published weights have none. A graph that is exported with one takes pictures larger than it.

    Args:
        features: K, channels of a code.
        size: of the kernels, odd.
        modules: N, iteration modules of a block.
        block: ``lzsc``, or ``lcsc`` for the paper's ablation.
        margin: reflected pixels around the sources.
    """

    source_order: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "infrared": ("infrared", "visible"),
        "medical": ("mri", "functional"),
    }

    def __init__(
        self, features: int = 64, size: int = 9, modules: int = 4, block: BlockName = "lzsc", margin: int = 0
    ) -> None:
        super().__init__()
        if margin < 0:
            raise UsageError(f"margin is {margin}: give zero or a positive number of pixels")
        self.margin = margin
        # What is reflected takes its part beside every window; the smallest one has the largest.
        grown = ((_LEAST + 2 * margin) / _LEAST) ** 2
        self.bytes_per_pixel, self.explain_bytes_per_pixel = ceil(1100 * grown), ceil(2300 * grown)
        self.first_coder, self.second_coder = (sparse_coder(block, 1, features, size, modules) for _ in range(2))
        self.common_coder = sparse_coder(block, 2, features, size, modules)
        self.unique_dictionaries = self.first_coder.synthesis(2)
        self.unique_decoders = self.first_coder.synthesis(2)
        (self.common_decoder,) = self.first_coder.synthesis(1)
        # In a tuple, since its parameters are not this network's.
        self._inverse: tuple[FNet, ...] = ()

    @property
    def unique_coders(self) -> tuple[SparseCoder, SparseCoder]:
        """The blocks of what is unique to either source."""
        return self.first_coder, self.second_coder

    @property
    def halo(self) -> int:
        """Pixels around a window on which its result depends: unique block, D_u, common block, G_c."""
        return self.first_coder.halo + self.common_coder.halo + 2 * (self.common_coder.size // 2)

    @property
    def explain_halo(self) -> int:
        """That of the inverse, where there is one."""
        return max([self.halo, *(inverse.halo for inverse in self._inverse)])

    def take_inverse(self, inverse: FusionNetwork) -> None:
        """Have FNet and IFNet of the first stage at hand, whose reconstructions :meth:`explain` then shows, too.

        Raises:
            UsageError: the network gives no sources back.
        """
        if not (isinstance(inverse, FNet) and inverse.inverts):
            raise UsageError(f"{type(inverse).__name__} gives no sources back: name the weights of IFNet's training")
        self._inverse = (inverse,)

    def check_shares(self) -> None:
        """Refuse: the parts of the fused picture are no shares of the sources.

        They sum to it, but what is dark in one source is there to see in no part of it; and they are as the training
        left them: with the published weights, the unique part of the visible picture is that picture at nine tenths of
        its contrast, and the common part is what the infrared one has beyond it, so that by |G_u| + |G_c| / 2 infrared
        would win one pixel in a thousand of a TNO scene, where it is the brighter one at every second. Nor would equal
        sources have equal shares.

        Raises:
            UsageError: always.
        """
        raise UsageError(
            "FNet's result is a sum of unique and common parts, which are no shares of the sources: imfuse explain "
            "shows them; for a map of who won, choose --model guided-filter or ifcnn-max"
        )

    def _unique_kernels(self, index: int) -> Tensor:
        """D_u and G_u of one source."""
        return torch.cat([self.unique_dictionaries[index], self.unique_decoders[index]])

    def reconstructions(self, first: Tensor, second: Tensor) -> Reconstructions:
        """The parts that sum to the fused picture, of I₁ and I₂, each (B, 1, H, W) in [0, 1]."""
        unique, residuals = [], []
        for index, source in enumerate(self._widened(first, second)):
            images = self.unique_coders[index].reconstruct(source, self._unique_kernels(index))
            residuals.append(source - images[:, :1])
            unique.append(images[:, 1:])
        common = self.common_coder.reconstruct(torch.cat(residuals, 1), self.common_decoder)
        return Reconstructions(*self._narrowed(unique[0], unique[1], common))

    def _widened(self, *pictures: Tensor) -> tuple[Tensor, ...]:
        """Pictures with the margin around them."""
        return tuple(reflect_pad(picture, self.margin) for picture in pictures) if self.margin else pictures

    def _narrowed(self, *images: Tensor) -> tuple[Tensor, ...]:
        """Images without the margin; copies, so that they do not hold it."""
        if not self.margin:
            return images
        inside = slice(self.margin, -self.margin)
        return tuple(image[..., inside, inside].contiguous() for image in images)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """The fused picture (B, 1, H, W) of I₁ and I₂, each (B, 1, H, W) in [0, 1]; it is not bounded."""
        parts = self.reconstructions(first, second)
        return parts.first + parts.second + parts.common

    def fuse(self, sources: Iterable[Tensor], survey: None = None) -> Tensor:
        """Fuse two sources, infrared or MRI first, each (B, 1, H, W) in [0, 1]; the result may leave [0, 1].

        Raises:
            UsageError: not two sources.
        """
        fused: Tensor = self(*_pair(sources))
        return fused

    def literal(self, first: Tensor, second: Tensor) -> Tensor:
        """:meth:`forward` as the equations are printed, every convolution by itself."""
        codes, residuals = [], []
        for index, source in enumerate(self._widened(first, second)):
            codes.append(self.unique_coders[index].literal(source))
            residuals.append(source - convolution(codes[index], self.unique_dictionaries[index]))
        common = self.common_coder.literal(torch.cat(residuals, 1))
        unique = [convolution(code, kernel) for code, kernel in zip(codes, self.unique_decoders, strict=True)]
        (fused,) = self._narrowed(unique[0] + convolution(common, self.common_decoder) + unique[1])
        return fused

    def explain(self, sources: Iterable[Tensor], names: Sequence[str], survey: None = None) -> Mapping[str, Part]:
        """What of the fused picture is unique to either source and what is common, and the features behind it.

        Args:
            sources: as for :meth:`fuse`.
            names: of the sources, for the names of the parts.
            survey: not needed.

        Returns:
            The parts that :meth:`part_names` names. ``NAME_unique`` and ``common`` sum to ``fused``. Of the features
            those are shown whose kernels weigh most in the fused picture. The share of features that passed the
            threshold (the paper: that are not zero) is told for every pixel and iterate. ``NAME_reconstructed`` is what
            IFNet makes of the picture that the first stage of the training fuses.
        """
        parts = self._explained(_pair(sources), names)
        return {name: parts[name] for name in self.part_names(names)}

    def _explained(self, pictures: tuple[Tensor, Tensor], names: Sequence[str]) -> dict[str, Part]:
        """The parts of two pictures, in the order in which they are made."""
        parts: dict[str, Part] = {}
        residuals = []
        for index, (name, picture) in enumerate(zip(names, self._widened(*pictures), strict=True)):
            parts[name] = Part(picture, "picture", f"{name}, as the network gets it", name, "picture")
            coder, decoder = self.unique_coders[index], self.unique_decoders[index]
            features = _explain_features(coder, picture, decoder, name, parts)
            images = narrow(features, self._unique_kernels(index))
            residuals.append(picture - images[:, :1])
            parts[f"{name}_unique"] = Part(images[:, 1:], "signed", f"{name}: unique part", name, "part")
        rest = torch.cat(residuals, 1)
        features = _explain_features(self.common_coder, rest, self.common_decoder, "common", parts)
        common = narrow(features, self.common_decoder)
        parts["common"] = Part(common, "signed", "common part", "common", "part")
        fused = common + parts[f"{names[0]}_unique"].image + parts[f"{names[1]}_unique"].image
        parts["fused"] = Part(fused, "picture", "fused", "fused", "picture")
        parts = {name: replace(part, image=self._narrowed(part.image)[0]) for name, part in parts.items()}
        for name, image in zip(names, self._had_back(pictures, parts["fused"].image), strict=False):
            title = f"{name}, had back by IFNet"
            parts[f"{name}_reconstructed"] = Part(image, "picture", title, name, "reconstructed")
        return parts

    @property
    def inverts(self) -> bool:
        """Whether there is an inverse to show."""
        return bool(self._inverse)

    def _had_back(self, pictures: tuple[Tensor, Tensor], fused: Tensor) -> tuple[Tensor, ...]:
        """Both sources after fusion and inverse fusion; nothing without an inverse.

        IFNet was trained with FNet as the first stage left it, and knows what that one fuses.
        """
        for inverse in self._inverse:
            known = inverse.to(fused.device)
            return known._had_back(pictures, known(*pictures))
        return ()

    def part_names(self, names: Sequence[str]) -> list[str]:
        """Names of the parts that :meth:`explain` gives.

        For every source NAME ``NAME``, ``NAME_unique``, ``NAME_nonzero_0`` … of the iterates, with an inverse
        ``NAME_reconstructed``, ``NAME_feature_1`` …; ``common`` and its shares and features; ``fused``.
        """
        shares = [f"_nonzero_{index}" for index in range(self.common_coder.iterations)]
        features = [f"_feature_{number}" for number in range(1, min(_SHOWN, self.common_coder.features) + 1)]
        back = ["_reconstructed"] if self.inverts else []
        of_sources = [f"{name}{key}" for name in names for key in ("", "_unique", *shares, *back, *features)]
        return [*of_sources, "common", *(f"common{key}" for key in (*shares, *features)), "fused"]


def _explain_features(coder: SparseCoder, picture: Tensor, decoder: Tensor, row: str, parts: dict[str, Part]) -> Tensor:
    """The features of a picture; a few of them, and the shares that passed the threshold, go into ``parts``."""
    features = picture
    for index, iterate in enumerate(coder.iterates(picture)):
        features = iterate.features
        passed = (features.abs() > coder.silence(index)).count_nonzero(1).unsqueeze(1)
        share = passed.to(picture.dtype) / coder.features
        title = f"{row}: share above the threshold, iterate {index}"
        parts[f"{row}_nonzero_{index}"] = Part(share, "weight", title, row, f"passed {index}")
    # Which they are follows from the weights alone, so that all windows of a picture show the same.
    columns = ["picture", "part", *(f"passed {index}" for index in range(coder.iterations)), "reconstructed"]
    columns += [f"feature {number}" for number in range(_SHOWN)]
    heaviest = decoder.square().sum((0, 2, 3)).topk(min(_SHOWN, coder.features)).indices.tolist()
    for number, channel in enumerate(heaviest, start=1):
        title = f"{row}: feature {channel}"
        image = features[:, channel : channel + 1].clone()  # a view would hold all features
        parts[f"{row}_feature_{number}"] = Part(image, "feature", title, f"{row} features", columns[number - 1])
    return features


def _pair(sources: Iterable[Tensor]) -> tuple[Tensor, Tensor]:
    pictures = list(sources)
    if len(pictures) != 2:
        raise UsageError(f"FNet fuses two pictures, {len(pictures)} given")
    return pictures[0], pictures[1]
