"""Fit NIQE's pristine model to photographs: ``python -m imfuse.metrics.blind.fit FOLDER... -o niqe.safetensors``.

Take photographs that are sharp, without noise and hardly compressed; their number matters, since 36×36 covariances are
estimated from their sharpest blocks. Pictures that are too dark or too bright, as a bracket's outer ones, are left out.
"""

import hashlib
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import torch
import typer
from safetensors.torch import save
from torch import Tensor

from imfuse.errors import DataError, ImfuseError
from imfuse.io import Window, atomic_path, is_picture_name, open_source
from imfuse.metrics.blind.models import NiqeModel
from imfuse.metrics.blind.niqe import BLOCK, niqe_features
from imfuse.metrics.levels import levels

SHARPEST = 0.75
SMALLEST_SAMPLE = 72  # blocks; a covariance of 36 features from fewer is hardly better than singular


def fit_pristine_model(features: Iterable[tuple[Tensor, Tensor]], sharpest: float = SHARPEST) -> tuple[NiqeModel, int]:
    """Mean and covariance of the features of the sharp blocks of pictures.

    Args:
        features: per picture what `niqe_features` gives for it alone: features (1, N, 36) and sharpness (1, N).
        sharpest: a block is taken if it is sharper than this part of its picture's sharpest one.

    Returns:
        The model, and the number of blocks that it was fitted to.

    Raises:
        DataError: There are too few blocks for a covariance.

    Source:
        Mittal, Soundararajan, Bovik, IEEE Signal Processing Letters 20(3), 2013; the authors' `estimatemodelparam`.
    """
    chosen = [blocks[sharpness > sharpest * sharpness.amax()] for blocks, sharpness in features]
    blocks = torch.cat(chosen) if chosen else torch.zeros(0, 36)
    blocks = blocks[~blocks.isnan().any(dim=-1)]
    if len(blocks) < SMALLEST_SAMPLE:
        raise DataError(
            f"{len(blocks)} sharp blocks were found, but {SMALLEST_SAMPLE} are needed: give more or larger pictures"
        )
    return NiqeModel(blocks.mean(dim=0), blocks.T.cov()), len(blocks)


def read_levels(path: Path) -> Tensor:
    """Gray levels 0…255 of a picture file, (1, H, W); of colours the luma.

    Raises:
        SourceError: The file is no picture.
        UsageError: It is neither gray nor RGB.
    """
    source = open_source(path)
    black, white = source.full_range
    pixels = torch.tensor(source.read(Window(0, 0, source.height, source.width)), dtype=torch.float64)
    part = next(levels(((pixels - black) / (white - black)).movedim(-1, 0)[None]))
    return part.fused


def main(
    pictures: Annotated[list[Path], typer.Argument(help="Picture files, and folders that are searched for them.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The .safetensors file; its card is put beside it.")],
    darkest: Annotated[float, typer.Option(help="Smallest mean level of a picture, 0…255.")] = 80.0,
    brightest: Annotated[float, typer.Option(help="Largest mean level of a picture.")] = 160.0,
) -> None:
    """Fit NIQE's pristine model to photographs, and write it with a card."""
    counts: dict[str, int] = {}

    def features() -> Iterator[tuple[Tensor, Tensor]]:
        for given in pictures:
            counts[given.name] = 0
            for path in _files(given):
                picture = read_levels(path)
                if min(picture.shape[1:]) >= BLOCK and darkest <= picture.mean().item() <= brightest:
                    counts[given.name] += 1
                    yield niqe_features(picture)

    model, blocks = fit_pristine_model(features())
    data = save({"mean": model.mean.contiguous(), "covariance": model.covariance.contiguous()})
    card = {
        "metric": "niqe",
        "source": "Mittal, Soundararajan, Bovik, IEEE Signal Processing Letters 20(3), 2013",
        "pictures": counts,
        "blocks": blocks,
        "recipe": {"sharpest": SHARPEST, "darkest": darkest, "brightest": brightest, "block": BLOCK},
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    for path, content in (
        (output.with_suffix(".safetensors"), data),
        (output.with_suffix(".json"), (json.dumps(card, indent=1, ensure_ascii=False) + "\n").encode()),
    ):
        with atomic_path(path, overwrite=True) as part:
            part.write_bytes(content)
    typer.echo(f"{output}: {blocks} blocks of {sum(counts.values())} pictures")


def _files(given: Path) -> list[Path]:
    """The picture itself, or all pictures in a folder and those below, in the order of their paths."""
    return sorted(path for path in given.rglob("*") if is_picture_name(path)) if given.is_dir() else [given]


if __name__ == "__main__":
    try:
        typer.run(main)
    except ImfuseError as error:
        sys.exit(str(error))
