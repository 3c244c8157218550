"""FNet's released checkpoint, ``FNet.pth``: its entries under this network's names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from torch import Tensor

from imfuse.convert.checkpoints import Checkpoint
from imfuse.convert.released import Part, Released, Translation
from imfuse.errors import UsageError

MARKS = frozenset(
    {"net_u.x0_block.conv_in.weight", "net_v.w_theta", "net_z.IM.2.basic_layer2.ch_up.weight", "decoder.conv_3.weight"}
)
"""Entries by which it is known, whatever the file is called."""

_CODERS = {"net_u": "first_coder", "net_v": "second_coder", "net_z": "common_coder"}
_SCALARS = {"w_theta": "w_theta", "b_theta": "b_theta", "w_ro": "w_rho", "b_ro": "b_rho"}
_OTHERS = {
    "conv_u.weight": "unique_dictionaries.0",
    "conv_v.weight": "unique_dictionaries.1",
    "decoder.conv_1.weight": "unique_decoders.0",
    "decoder.conv_2.weight": "common_decoder",
    "decoder.conv_3.weight": "unique_decoders.1",
}
_KERNELS = {
    "basic_layer.ch_down": ("synthesis_kernels", -1),
    "basic_layer.ch_up": ("analysis_kernels", -1),
    "basic_layer1.ch_down": ("synthesis_kernels", -1),
    "basic_layer1.ch_up": ("analysis_kernels", -1),
    "basic_layer2.ch_down": ("earlier_synthesis_kernels", -2),
    "basic_layer2.ch_up": ("earlier_analysis_kernels", -2),
    "conv_in": ("input_kernels", 0),
}
"""Kernels of an iterate: their list, and how far their place in it lies from the iterate's index."""


def translated_name(name: str) -> str | None:
    """What an entry of the released file is called in :class:`imfuse.networks.fnet.FNet`; None of an unknown one."""
    if name in _OTHERS:
        return _OTHERS[name]
    coder, _, rest = name.partition(".")
    if coder not in _CODERS:
        return None
    if rest in _SCALARS:
        return f"{_CODERS[coder]}.{_SCALARS[rest]}"
    # x0_block and x1_block hold the first iterates, IM.0 … the ones after them.
    match = re.fullmatch(r"(?:x([01])_block|IM\.(\d))\.([\w.]+)\.weight", rest)
    if match is None or match[3] not in _KERNELS:
        return None
    iterate = int(match[1]) if match[1] is not None else int(match[2]) + 2
    kernels, offset = _KERNELS[match[3]]
    return f"{_CODERS[coder]}.{kernels}.{iterate + offset}"


def translated_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The entries of the released file under this network's names; scalars, which it holds as (1,), without a shape.

    Entries that are not known keep their names, so that whoever loads the state is told of them.
    """
    renamed = {translated_name(name) or name: value for name, value in state.items()}
    return {name: value.reshape(()) if value.shape == (1,) else value for name, value in renamed.items()}


def _translate(files: Sequence[Checkpoint], rule_name: str | None) -> Translation:
    """Its sizes are the defaults of the network.

    Raises:
        UsageError: a rule was asked for.
    """
    if rule_name is not None:
        raise UsageError("FNet has no rule to choose; leave --rule out")
    (file,) = files
    return Translation({}, translated_state(file.state), ("medical", "infrared"))


FNET_RELEASED = Released(
    name="FNet",
    network="fnet",
    paper="G. Panda, S. Kundu, S. Bhattacharya, A. Routray: ℓ0-Regularized Sparse Coding-based Interpretable Network "
    "for Multi-Modal Image Fusion. arXiv:2411.04519",
    parts=(Part("the network (FNet.pth)", MARKS),),
    translate=_translate,
)
