"""Checkpoints with random values, laid out as their authors publish them."""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

State = dict[str, Tensor]

IFCNN_SHAPES = {
    "conv2.conv.weight": (64, 64, 3, 3),
    "conv3.conv.weight": (64, 64, 3, 3),
    "conv4.weight": (3, 64, 1, 1),
    "conv4.bias": (3,),
    "conv1.weight": (64, 3, 7, 7),
}
DECODER = "TCSVT_Decoder.model"
ENCODERS = {"TCSVT_Encoder_Base.model": "conv1", "TCSVT_Encoder_Detail.model": "conv2"}


def norm(prefix: str, channels: int) -> State:
    """Batch normalisation of no special values."""
    return {
        f"{prefix}.weight": torch.rand(channels) + 0.5,
        f"{prefix}.bias": torch.randn(channels) * 0.2,
        f"{prefix}.running_mean": torch.randn(channels) * 0.2,
        f"{prefix}.running_var": torch.rand(channels) + 0.5,
    }


def ifcnn_state(seed: int = 0) -> State:
    """IFCNN's file: no counters of batches, which PyTorch did not have then."""
    torch.manual_seed(seed)
    state = {name: torch.randn(shape) * 0.05 for name, shape in IFCNN_SHAPES.items()}
    return state | norm("conv2.bn", 64) | norm("conv3.bn", 64)


def auif_states(seed: int = 0, layers: int = 10) -> dict[str, State]:
    """AUIF's three files by name."""
    torch.manual_seed(seed)
    states = {file: _encoder(prefix, layers) for file, prefix in ENCODERS.items()}
    counter = {"decoder.2.num_batches_tracked": torch.tensor(960)}
    states[DECODER] = {"decoder.1.weight": torch.randn(1, 1, 3, 3) * 0.3} | norm("decoder.2", 1) | counter
    return states


def _encoder(prefix: str, layers: int) -> State:
    state: State = {}
    for layer in range(layers):
        at = f"{prefix}.{layer}"
        state |= {f"{at}.kernel": torch.randn(64, 1, 3, 3), f"{at}.eta": torch.rand(1) * 0.2}
        state |= {f"{at}.theta": torch.rand(1) * 0.5} | norm(f"{at}.rest.0", 1)
        state |= {f"{at}.rest.0.num_batches_tracked": torch.tensor(960), f"{at}.rest.1.weight": torch.rand(1)}
        # Filtered by 64 kernels and their adjoints, a map's values lie in the hundreds.
        state[f"{at}.rest.0.running_var"] = torch.rand(1) * 1e5 + 1e5
    return state


def fnet_state(seed: int = 0) -> State:
    """FNet's file."""
    torch.manual_seed(seed)
    state: State = {}
    for coder, channels in (("net_u", 1), ("net_v", 1), ("net_z", 2)):
        layers = {"x0_block.conv_in": 1, "x1_block.conv_in": 1, "x1_block.basic_layer.ch_down": 0}
        layers["x1_block.basic_layer.ch_up"] = 1
        for module in range(3):
            layers[f"IM.{module}.conv_in"] = 1
            layers |= {f"IM.{module}.basic_layer{index}.{way}": way == "ch_up"
                       for index in (1, 2) for way in ("ch_down", "ch_up")}  # fmt: skip
        for layer, up in layers.items():
            shape = (64, channels, 9, 9) if up else (channels, 64, 9, 9)
            state[f"{coder}.{layer}.weight"] = torch.randn(shape) * 0.01
        state |= {f"{coder}.{name}": torch.rand(1) for name in ("w_theta", "b_theta", "w_ro", "b_ro")}
    for name in ("conv_u", "conv_v", "decoder.conv_1", "decoder.conv_2", "decoder.conv_3"):
        state[f"{name}.weight"] = torch.randn(1, 64, 9, 9) * 0.01
    return state


def save(folder: Path, states: dict[str, State]) -> list[Path]:
    """Write the files."""
    paths = [folder / name for name in states]
    for path, state in zip(paths, states.values(), strict=True):
        torch.save(state, path)
    return paths


def around(x: Tensor, pad: int, mode: str) -> Tensor:
    return F.pad(x, (pad,) * 4, mode=mode)


def normalised(x: Tensor, state: State, prefix: str) -> Tensor:
    values = (state[f"{prefix}.{name}"] for name in ("running_mean", "running_var", "weight", "bias"))
    return F.batch_norm(x, *values, eps=1e-5)


def literal_ifcnn(state: State, sources: list[Tensor], scheme: str) -> Tensor:
    """The released network on sources (1, 3, H, W): normalise, encode, merge, decode, bring back."""
    mean, deviation = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]]).reshape(2, 1, 3, 1, 1)
    features = []
    for source in sources:
        x = F.conv2d(around((source - mean) / deviation, 3, "replicate"), state["conv1.weight"])
        x = F.conv2d(around(x, 1, "replicate"), state["conv2.conv.weight"])
        features.append(normalised(x, state, "conv2.bn").relu())
    stack = torch.stack(features)
    merged = {"MAX": stack.amax(0), "MEAN": stack.mean(0), "SUM": stack.sum(0)}[scheme]
    x = F.conv2d(around(merged, 1, "replicate"), state["conv3.conv.weight"])
    x = F.conv2d(normalised(x, state, "conv3.bn").relu(), state["conv4.weight"], state["conv4.bias"])
    return x * deviation + mean


def literal_auif(states: dict[str, State], sources: list[Tensor]) -> Tensor:
    """The released network with addition: x − η(PReLU(BN(KᵀKx)) − θ(I − x)) from both starts, then the decoder."""
    total = torch.zeros_like(sources[0])
    for source in sources:
        box, laplacian = torch.ones(1, 1, 11, 11) / 121, torch.ones(1, 1, 19, 19) / 720
        laplacian[..., 9, 9] = -360 / 720
        starts = F.conv2d(around(source, 5, "reflect"), box), F.conv2d(around(source, 9, "reflect"), laplacian)
        for (file, prefix), x in zip(ENCODERS.items(), starts, strict=True):
            total = total + _literal_encoder(states[file], prefix, x, source)
    state = states[DECODER]
    x = F.conv2d(around(total, 1, "reflect"), state["decoder.1.weight"])
    return normalised(x, state, "decoder.2").sigmoid()


def _literal_encoder(state: State, prefix: str, x: Tensor, source: Tensor) -> Tensor:
    for layer in range(sum(name.endswith(".kernel") for name in state)):
        at = f"{prefix}.{layer}"
        kernel = state[f"{at}.kernel"]
        filtered = F.conv2d(around(x, 1, "reflect"), kernel)
        filtered = F.conv2d(around(filtered, 1, "reflect"), kernel.rot90(2, (2, 3)).transpose(0, 1))
        branch = F.prelu(normalised(filtered, state, f"{at}.rest.0"), state[f"{at}.rest.1.weight"])
        x = x - state[f"{at}.eta"] * (branch - state[f"{at}.theta"] * (source - x))
    return x
