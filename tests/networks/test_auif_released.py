"""AUIF with the layers of its authors' released code."""

import numpy as np
import pytest
import torch

from helpers import settled_auif
from imfuse import plan as plan_module
from imfuse.fuser import Fuser
from imfuse.networks.auif import AUIF
from imfuse.networks.two_scale import BRANCHES
from imfuse.tasks import TASKS


def test_halo_bounds_what_a_pixel_reaches() -> None:
    network = settled_auif(tied=True).double()
    source = torch.rand(1, 1, 81, 81, dtype=torch.double)
    changed = source.clone()
    changed[..., 40, 40] += 0.5
    difference = (network.fuse([source, source * 0.5]) - network.fuse([changed, source * 0.5])).abs()[0, 0]
    reached = (difference > 1e-12).nonzero() - 40
    assert network.halo == AUIF(layers=3).halo
    assert network.halo - 1 <= reached.abs().max() <= network.halo


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 9), (2, 2), (19, 4), (64, 65)])
def test_any_size_gives_a_finite_picture_in_the_unit_interval(height: int, width: int) -> None:
    fused = settled_auif(tied=True).fuse(list(torch.rand(2, 3, 1, height, width)))
    assert fused.shape == (3, 1, height, width)
    assert ((fused >= 0) & (fused <= 1)).all()


@pytest.mark.parametrize("side", [11, 29])
def test_tiled_equals_whole(side: int, monkeypatch: pytest.MonkeyPatch) -> None:
    fuser = Fuser(settled_auif(tied=True), TASKS["infrared"])
    rng = np.random.default_rng(side)
    sources = [rng.random(shape, np.float32) for shape in ((61, 43), (61, 43, 3))]
    whole = fuser.fuse(sources, depth="float")
    monkeypatch.setattr(plan_module, "tile_side", lambda *_: side)
    tiled = fuser.fuse(sources, depth="float")
    assert tiled.report.tiles == -(-61 // side) * -(-43 // side)
    np.testing.assert_allclose(tiled.image, whole.image, atol=1e-5, rtol=0)


def test_inference_and_recorded_evaluation_agree() -> None:
    network = settled_auif(tied=True)
    source = torch.rand(1, 1, 30, 31)
    with torch.inference_mode():
        unrecorded = network(source)
    recorded = network.requires_grad_()(source)
    assert recorded.requires_grad
    torch.testing.assert_close(recorded.detach(), unrecorded, atol=1e-5, rtol=0)


def test_the_parts_are_those_of_the_papers_network() -> None:
    network = settled_auif(tied=True)
    sources, names = list(torch.rand(2, 1, 1, 20, 21)), ["infrared", "visible"]
    parts = network.explain(sources, names)
    assert list(parts) == network.part_names(names)
    encoded = network.encode(sources[0])
    for branch in BRANCHES:
        torch.testing.assert_close(parts[f"infrared_{branch}"].image, encoded.of(branch))
    torch.testing.assert_close(parts["fused"].image, network.fuse(sources))
