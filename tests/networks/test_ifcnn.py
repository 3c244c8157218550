from pathlib import Path

import numpy as np
import pytest
import torch

from helpers import settled_ifcnn
from imfuse.errors import UsageError
from imfuse.networks import ifcnn_bands
from imfuse.networks.ifcnn import IFCNN
from imfuse.ops.colour import luma

RULES = [rule.name for rule in IFCNN.rules]
SIZES = [(1, 1), (1, 9), (2, 3), (7, 8), (8, 8), (8, 31), (9, 10), (33, 20)]


@pytest.mark.parametrize("rule_name", RULES)
@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("channels", [1, 3])
def test_the_composed_network_is_the_literal_one(rule_name: str, height: int, width: int, channels: int) -> None:
    network = settled_ifcnn(rule_name=rule_name).double()
    sources = list(torch.rand(3, 2, channels, height, width, dtype=torch.double))
    literal = network(*(source.expand(-1, 3, -1, -1) for source in sources))
    expected = literal if channels == 3 else luma(literal)
    with torch.inference_mode():
        torch.testing.assert_close(network.fuse(iter(sources)), expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(network.fuse(sources), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("rule_name", RULES)
@pytest.mark.parametrize("pixels", [1, 40, 23 * 7])
@pytest.mark.parametrize("channels", [1, 3])
def test_bands_are_the_whole(rule_name: str, pixels: int, channels: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one row, of some rows the last of which are fewer, and of half the picture; sources are left as they are."""
    network = settled_ifcnn(rule_name=rule_name).double()
    sources = list(torch.rand(3, 1, channels, 14, 23, dtype=torch.double))
    copies = [source.clone() for source in sources]
    whole = network.fuse(sources)
    monkeypatch.setattr(ifcnn_bands, "BAND", pixels)
    with torch.inference_mode():
        torch.testing.assert_close(network.fuse(iter(sources)), whole, rtol=0, atol=1e-12)
    assert all(torch.equal(source, copy) for source, copy in zip(sources, copies, strict=True))


def test_the_parameters_are_the_papers() -> None:
    shapes = {name: tuple(value.shape) for name, value in IFCNN().named_parameters()}
    assert shapes["conv1.weight"] == (64, 3, 7, 7)
    assert shapes["conv2.conv.weight"] == shapes["conv3.conv.weight"] == (64, 64, 3, 3)
    assert shapes["conv4.weight"] == (3, 64, 1, 1)
    assert sum(value.numel() for value in IFCNN().parameters()) == 83_587


@pytest.mark.parametrize("rule_name", RULES)
def test_the_order_of_the_sources_does_not_matter(rule_name: str) -> None:
    network = settled_ifcnn(rule_name=rule_name)
    sources = list(torch.rand(4, 1, 3, 20, 21))
    torch.testing.assert_close(network.fuse(sources), network.fuse(sources[::-1]), rtol=0, atol=1e-5)


@pytest.mark.parametrize("rule_name", ["maximum", "average"])
def test_a_picture_fused_with_itself_is_what_it_is_alone(rule_name: str) -> None:
    network = settled_ifcnn(rule_name=rule_name)
    source = torch.rand(1, 1, 17, 18)
    torch.testing.assert_close(network.fuse([source] * 3), network.fuse([source]), rtol=0, atol=1e-5)


@pytest.mark.parametrize(("row", "column"), [(15, 15), (0, 3), (29, 30)])
def test_the_halo_is_what_a_pixel_reaches(row: int, column: int) -> None:
    network = settled_ifcnn().double()
    sources = list(torch.rand(2, 1, 1, 30, 31, dtype=torch.double))
    before = network.fuse(sources)
    sources[0][..., row, column] += 5
    rows, columns = torch.nonzero((network.fuse(sources) - before)[0, 0].abs() > 1e-12, as_tuple=True)
    reach = max(int((rows - row).abs().max()), int((columns - column).abs().max()))
    assert reach == network.halo == 5


def test_sources_are_taken_one_after_the_other() -> None:
    network = settled_ifcnn()
    alive: list[torch.Tensor] = []

    def pictures() -> object:
        for _ in range(5):
            alive.append(torch.rand(1, 1, 16, 16))
            yield alive[-1]
            alive.pop()

    assert network.fuse(pictures()).shape == (1, 1, 16, 16)
    assert not alive


def test_wrong_sources_and_rules_are_told() -> None:
    network = settled_ifcnn()
    with pytest.raises(UsageError, match="not both"):
        network.fuse([torch.rand(1, 1, 9, 9), torch.rand(1, 3, 9, 9)])
    with pytest.raises(UsageError, match="at least one"):
        network.fuse([])
    with pytest.raises(UsageError, match="no base and detail"):
        network.use_rule(base="average")
    with pytest.raises(UsageError, match="choose one of maximum, average, addition"):
        network.use_rule("l1_norm")
    network.use_rule("average")
    assert network.rule_name == "average"


@pytest.mark.data
@pytest.mark.parametrize(("name", "rule_name"), [("MAX", "maximum"), ("MEAN", "average"), ("SUM", "addition")])
def test_the_published_networks_give_their_outputs(reference_dir: Path, name: str, rule_name: str) -> None:
    network = IFCNN(rule_name=rule_name).eval()
    weights = reference_dir / "weights" / f"IFCNN-{name}.pth"
    network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True), strict=False)
    files = sorted((reference_dir / "outputs/ifcnn").glob(f"{name}_*.npz"))
    assert files
    for path in files:
        entries = np.load(path)
        sources = [torch.from_numpy(entries[key]) for key in ("a", "b", "ir", "vis") if key in entries]
        with torch.inference_mode():
            fused = network.fuse(sources)
        np.testing.assert_allclose(fused.numpy(), entries["fused"], rtol=0, atol=1e-5)
