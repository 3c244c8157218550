"""AUIF's released checkpoint, in three files: ``TCSVT_Encoder_Base``, ``TCSVT_Encoder_Detail``, ``TCSVT_Decoder``."""

from __future__ import annotations

import re
from collections.abc import Sequence

import torch

from imfuse.convert.checkpoints import Checkpoint, State
from imfuse.convert.released import Part, Released, Translation, filters
from imfuse.networks.auif import AUIF
from imfuse.rules import ADDITION, rule

MOST_LAYERS = 100
LAYER = {"rest.0": "norm", "rest.1": "activation"}
DECODER = {"decoder.1": "decoder_conv", "decoder.2": "decoder_norm"}


def _translate(files: Sequence[Checkpoint], rule_name: str | None) -> Translation:
    base, detail, decoder = (file.state for file in files)
    layers = {int(found[1]) for name in base if (found := re.match(r"conv1\.(\d{1,3})\.", name))}
    arguments = {
        "layers": min(len(layers), MOST_LAYERS),
        "filters": filters(files[0], "conv1.0.kernel", (1, 3, 3)),
        "activation_name": "prelu",
        "rule_name": rule(rule_name or ADDITION.name, AUIF.rules).name,
        "tied": True,
    }
    # Its authors do not centre the maps: the constants in them are those that their fused pictures have.
    state = {"base_mean": torch.zeros(()), "detail_mean": torch.zeros(())}
    state |= _encoder(base, "conv1", "base_encoder") | _encoder(detail, "conv2", "detail_encoder")
    state |= {_renamed(name, DECODER): value for name, value in decoder.items()}
    return Translation(arguments, state, ("infrared",))


def _encoder(entries: State, theirs: str, ours: str) -> State:
    """The entries of an encoder under our names; step sizes and weights, vectors of one there, are scalars here."""
    state = {}
    for name, value in entries.items():
        renamed = _renamed(re.sub(rf"^{theirs}\.", f"{ours}.", name), LAYER)
        scalar = renamed.endswith((".eta", ".theta")) and value.shape == (1,)
        state[renamed] = value.reshape(()) if scalar else value
    return state


def _renamed(name: str, names: dict[str, str]) -> str:
    for theirs, ours in names.items():
        name = re.sub(rf"(^|\.){re.escape(theirs)}\.", rf"\g<1>{ours}.", name)
    return name


AUIF_RELEASED = Released(
    name="AUIF",
    network="auif",
    paper="Z. Zhao, S. Xu, J. Zhang, C. Liang, C. Zhang, J. Liu: Efficient and Model-Based Infrared and Visible Image "
    "Fusion via Algorithm Unrolling. IEEE TCSVT 32 (2022); arXiv:2005.05896",
    parts=(
        Part("the base encoder (TCSVT_Encoder_Base.model)", frozenset({"conv1.0.kernel", "conv1.0.rest.0.weight"})),
        Part("the detail encoder (TCSVT_Encoder_Detail.model)", frozenset({"conv2.0.kernel", "conv2.0.rest.0.weight"})),
        Part("the decoder (TCSVT_Decoder.model)", frozenset({"decoder.1.weight", "decoder.2.weight"})),
    ),
    translate=_translate,
)
