"""The networks as graphs: exported with height and width left open, they compute what they do in Python."""

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from helpers import settled_auif, settled_csc_ivfn, settled_ifcnn, small_fnet
from imfuse.networks.auif import AUIF
from imfuse.networks.fnet import FNet
from imfuse.networks.protocol import FusionNetwork

LEAST = AUIF.laplacian_size // 2 + 1
"""The smallest side of an exported network: one that the widest reflection fits into."""

AUIF_RULES = [rule.name for rule in AUIF.rules]


class FusePair(nn.Module):
    """Infrared and visible as two arguments."""

    def __init__(self, network: FusionNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, infrared: Tensor, visible: Tensor) -> Tensor:
        return self.network.fuse([infrared, visible])


class PrintedFNet(FNet):
    """Every convolution of the equations by itself."""

    def fuse(self, sources: Iterable[Tensor], survey: None = None) -> Tensor:
        first, second = sources
        return self.literal(first, second)


def pair(height: int, width: int) -> tuple[Tensor, Tensor]:
    torch.manual_seed(height)
    return torch.rand(1, 1, height, width), torch.rand(1, 1, height, width)


def exported(network: FusionNetwork, channels: int = 1) -> ExportedProgram:
    sides = {2: Dim("height", min=LEAST, max=16384), 3: Dim("width", min=LEAST, max=16384)}
    sources = tuple(picture.repeat(1, channels, 1, 1) for picture in pair(40, 52))
    return torch.export.export(FusePair(network), sources, dynamic_shapes=(sides, sides))


@pytest.mark.parametrize("rule_name", AUIF_RULES)
@pytest.mark.parametrize("recorded", [True, False])
def test_the_exported_network_equals_the_eager_one_at_other_sizes(rule_name: str, recorded: bool) -> None:
    network = settled_auif(rule_name=rule_name)
    with torch.set_grad_enabled(recorded):
        graph = exported(network).module()
    for height, width in [(40, 52), (97, 61), (LEAST, 130)]:
        sources = pair(height, width)
        torch.testing.assert_close(graph(*sources), network.fuse(sources), atol=1e-5, rtol=0)


@pytest.mark.parametrize("rules", [("saliency_weighted", "l1_norm"), ("average", "saliency_weighted")])
def test_the_exported_csc_ivfn_equals_the_eager_one_at_other_sizes(rules: tuple[str, str]) -> None:
    """With its histograms in the graph: an exported picture is a whole one."""
    network = settled_csc_ivfn(filters=3, base_rule=rules[0], detail_rule=rules[1])
    with torch.no_grad():
        graph = exported(network).module()
        for height, width in [(40, 52), (97, 61), (LEAST, 130)]:
            sources = pair(height, width)
            torch.testing.assert_close(graph(*sources), network.fuse(sources), atol=1e-5, rtol=0)


def test_parameters_of_the_exported_network_can_be_changed() -> None:
    network, other = settled_auif(0), settled_auif(1)
    graph = exported(network).module()
    graph.load_state_dict(FusePair(other).state_dict())
    sources = pair(33, 47)
    torch.testing.assert_close(graph(*sources), other.fuse(sources), atol=1e-5, rtol=0)


ONNX: dict[str, tuple[Callable[[], FusionNetwork], int]] = {
    "auif": (settled_auif, 1),
    "auif as released": (lambda: settled_auif(tied=True, layers=1), 1),
    "ifcnn, gray": (settled_ifcnn, 1),
    "ifcnn, colour": (lambda: settled_ifcnn(rule_name="average"), 3),
    "fnet": (lambda: small_fnet(block="lzsc"), 1),
    "fnet with a margin": (lambda: small_fnet(margin=3), 1),
    "fnet as printed": (lambda: small_fnet(block="lzsc", kind=PrintedFNet), 1),
}


@pytest.mark.parametrize("name", ONNX)
def test_onnx_equals_eager(tmp_path: Path, name: str) -> None:
    for package in ("onnx", "onnxscript"):
        pytest.importorskip(package)
    runtime = pytest.importorskip("onnxruntime")
    make, channels = ONNX[name]
    network = make()
    program = torch.onnx.export(exported(network, channels), dynamo=True, input_names=["first", "second"])
    program.save(tmp_path / "network.onnx")
    session = runtime.InferenceSession(tmp_path / "network.onnx", providers=["CPUExecutionProvider"])
    for height, width in [(40, 52), (97, 61)]:
        sources = torch.rand(2, 1, channels, height, width)
        (fused,) = session.run(None, {"first": sources[0].numpy(), "second": sources[1].numpy()})
        torch.testing.assert_close(torch.from_numpy(fused), network.fuse(sources), atol=1e-5, rtol=0)
