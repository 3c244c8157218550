"""Fusing in windows without the Fuser: for any number of sources, gray or in colour."""

from collections.abc import Iterator, Sequence

import torch

from imfuse.io.window import Window
from imfuse.networks.protocol import Core, FusionNetwork
from imfuse.tiles import tiles


class Windows:
    """Windows of whole pictures (B, C, H, W), cut out anew whenever they are gone through."""

    def __init__(self, pictures: Sequence[torch.Tensor], place: Window) -> None:
        self.pictures, self.place = pictures, place

    def __iter__(self) -> Iterator[torch.Tensor]:
        rows, columns = self.place.slices
        return (picture[..., rows, columns].clone() for picture in self.pictures)


def fuse_in_windows(network: FusionNetwork, pictures: Sequence[torch.Tensor], side: int) -> torch.Tensor:
    """Both passes over windows of at most ``side`` pixels, as the Fuser does them."""
    height, width = pictures[0].shape[-2:]
    places: list[tuple[Window, Windows, Core]] = []
    for window in tiles(height, width, side):
        grown = window.grown(network.halo, height, width, network.alignment)
        places.append((window, Windows(pictures, grown), window.inside(grown).slices))
    survey = None
    for _, windows, core in places if network.surveyed else ():
        part = network.survey(windows, core)
        survey = part if survey is None else survey.merged(part)
    fused = torch.full_like(pictures[0], torch.nan)
    for window, windows, (rows, columns) in places:
        fused[..., window.slices[0], window.slices[1]] = network.fuse(windows, survey)[..., rows, columns]
    return fused
