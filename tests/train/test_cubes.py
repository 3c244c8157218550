from pathlib import Path

import numpy as np
import pytest
import torch

from cave_maker import make_cave
from imfuse.data.wald import WaldProtocol
from imfuse.errors import DataError
from imfuse.ops.resampling import area_average
from imfuse.train.cubes import CropNumbers, SceneCrops, example_loader, pack, unpack
from imfuse.train.spectral_runs import read_scenes


def test_packing_keeps_8_bits_exactly_and_16_nearly() -> None:
    levels = torch.arange(256).float().div(255).reshape(1, 1, 16, 16)
    packed = pack("a", levels, levels)
    assert torch.equal(unpack(packed.bands).mul(255), levels[0].mul(255))
    values = torch.rand(1, 3, 9, 8)
    torch.testing.assert_close(unpack(pack("a", values, values).guide)[None], values, atol=1e-5, rtol=0)


def test_every_epoch_takes_its_own_crops_of_every_scene_and_repeats_them(tmp_path: Path) -> None:
    scenes = read_scenes(make_cave(tmp_path / "cave", ["a", "b", "c"]))
    loader = example_loader(SceneCrops(scenes, WaldProtocol(4), 16, 5), 6, 4)
    assert isinstance(loader.sampler, CropNumbers)
    loader.sampler.set_epoch(3)
    first, again = list(loader), list(loader)
    loader.sampler.set_epoch(4)
    other = list(loader)
    assert [len(batch.low) for batch in first] == [4, 4, 4, 4, 2]
    for one, same, later in zip(first, again, other, strict=True):
        assert all(torch.equal(x, y) for x, y in zip(one, same, strict=True))
        assert not torch.equal(one.truth, later.truth)
    assert [x.shape for x in first[0]] == [(4, 5, 4, 4), (4, 3, 16, 16), (4, 5, 16, 16)]
    # Each scene has a band of its own extent: count which scene the crops are of by searching them there.
    counts = dict.fromkeys("abc", 0)
    for batch in first:
        for truth in batch.truth:
            counts[next(s.name for s in scenes if holds(unpack(s.bands), truth))] += 1
    assert counts == {"a": 6, "b": 6, "c": 6}


def holds(scene: torch.Tensor, crop: torch.Tensor) -> bool:
    """Whether a crop is a part of a scene, in one of the eight positions of a square."""
    side = crop.shape[-1]
    windows = scene[0].unfold(0, side, 1).unfold(1, side, 1)
    squares = [t for turns in range(4) for t in (crop[0].rot90(turns), crop[0].rot90(turns).flip(-1))]
    return any(bool((windows == square).all(-1).all(-1).any()) for square in squares)


def test_bands_and_guide_are_cut_and_turned_alike() -> None:
    fine = torch.rand(1, 1, 40, 33)
    crops = SceneCrops([pack("a", fine.expand(-1, 4, -1, -1), fine.expand(-1, 3, -1, -1))], WaldProtocol(4), 12, 0)
    turned = set()
    for number in range(24):
        low, guide, truth = crops[0, number]
        assert torch.equal(truth[:3], guide)
        torch.testing.assert_close(low[None], area_average(truth[None], 4))
        turned.add(np.asarray(truth).tobytes())
    assert len(turned) == 24


def test_noise_repeats_with_the_epoch() -> None:
    scene = pack("a", torch.rand(1, 2, 16, 16), torch.rand(1, 1, 16, 16))
    noisy, plain = (SceneCrops([scene], WaldProtocol(4, noise=noise), 16, 0) for noise in (0.1, 0.0))
    assert torch.equal(noisy[1, 2].low, noisy[1, 2].low)
    assert torch.equal(noisy[1, 2].truth, plain[1, 2].truth)
    assert 0.02 < float((noisy[1, 2].low - plain[1, 2].low).std()) < 0.3


def test_a_scene_smaller_than_the_crop_is_told() -> None:
    scene = pack("a", torch.rand(1, 2, 16, 15), torch.rand(1, 1, 16, 15))
    with pytest.raises(DataError, match="a: is smaller than the crop of 16 pixels"):
        SceneCrops([scene], WaldProtocol(4), 16, 0)
