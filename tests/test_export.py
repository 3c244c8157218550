"""The networks as graphs: exported with height and width left open, they compute what they do in Python."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from helpers import settled_auif, settled_csc_ivfn
from imfuse.networks.auif import AUIF
from imfuse.networks.two_scale import TwoScaleNetwork

LEAST = AUIF.laplacian_size // 2 + 1
"""The smallest side of an exported network: one that the widest reflection fits into."""

AUIF_RULES = [rule.name for rule in AUIF.rules]


class FusePair(nn.Module):
    """Infrared and visible as two arguments."""

    def __init__(self, network: TwoScaleNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, infrared: Tensor, visible: Tensor) -> Tensor:
        return self.network.fuse([infrared, visible])


def pair(height: int, width: int) -> tuple[Tensor, Tensor]:
    torch.manual_seed(height)
    return torch.rand(1, 1, height, width), torch.rand(1, 1, height, width)


def exported(network: TwoScaleNetwork) -> ExportedProgram:
    sides = {2: Dim("height", min=LEAST, max=16384), 3: Dim("width", min=LEAST, max=16384)}
    return torch.export.export(FusePair(network), pair(40, 52), dynamic_shapes=(sides, sides))


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


def test_onnx_equals_eager(tmp_path: Path) -> None:
    for package in ("onnx", "onnxscript"):
        pytest.importorskip(package)
    runtime = pytest.importorskip("onnxruntime")
    network = settled_auif()
    program = torch.onnx.export(exported(network), dynamo=True, input_names=["infrared", "visible"])
    program.save(tmp_path / "auif.onnx")
    session = runtime.InferenceSession(tmp_path / "auif.onnx", providers=["CPUExecutionProvider"])
    for height, width in [(40, 52), (97, 61)]:
        sources = pair(height, width)
        (fused,) = session.run(None, {"infrared": sources[0].numpy(), "visible": sources[1].numpy()})
        torch.testing.assert_close(torch.from_numpy(fused), network.fuse(sources), atol=1e-5, rtol=0)
