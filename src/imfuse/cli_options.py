"""Options that several commands have. Typer 0.12 reads Optional."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

TaskName = Annotated[str, typer.Option(help="What is fused: infrared, medical, focus, exposure or spectral.")]
ModelName = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(help="Model name, or path of a .safetensors file with its card. Default: the task's."),
]
RuleName = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        help="Fusion rule of base and detail: addition, average, l1_norm or (CSC-IVFN) saliency_weighted. "
        "Default: the model's."
    ),
]
BaseRule = Annotated[Optional[str], typer.Option(help="Fusion rule of the base alone, as for --rule.")]  # noqa: UP045
DetailRule = Annotated[Optional[str], typer.Option(help="Fusion rule of the detail alone, as for --rule.")]  # noqa: UP045
ResizeTo = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(help="For sources of different size: the size of the first or of the largest."),
]
AskedWindows = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Option(
        "--window",
        metavar="CENTRE,WIDTH|NAME|ROLE=…",
        help="DICOM, NIfTI: what becomes black and white of the first source, or of a role: brain, soft, bone "
        "… (of CT), or mri=300,600. Default: the file's own window, else by percentile, of all slices.",
        show_default=False,
    ),
]
ColourMap = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--colour-map",
        metavar="NAME",
        help="DICOM, NIfTI: colours of a gray PET or SPECT, hot-iron or hot-metal-blue. Default: it stays gray.",
        show_default=False,
    ),
]
Align = Annotated[
    bool,
    typer.Option(
        "--align", help="Stacks: align the pictures to one of them first, and crop to what all show. See the report."
    ),
]
Motion = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        help="Align by this motion: translation, similarity (for --align of focus stacks), affine or homography (of "
        "exposures)."
    ),
]
Device = Annotated[str, typer.Option(help="Where to compute: cpu, cuda, mps.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Show errors only.")]
