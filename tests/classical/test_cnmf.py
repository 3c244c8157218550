import pytest
import torch
from torch import Tensor

from imfuse.classical.spectral.cnmf import CNMF
from imfuse.classical.spectral.unmixing import (
    squared_error,
    successive_projection,
    update_abundances,
    update_endmembers,
)
from imfuse.errors import UsageError
from imfuse.ops.resampling import area_average, upsample_bicubic


def factors(bands: int = 8, count: int = 4, pixels: int = 60, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Data that no factors explain wholly, and a start."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.rand(*shape, dtype=torch.double, generator=generator)

    return draw(bands, pixels), draw(bands, count), draw(count, pixels)


def scene_of_materials(scale: int) -> tuple[Tensor, Tensor]:
    """Shaded patches of three materials in ten bands, and a guide whose three channels tell them apart."""
    bands = torch.arange(10, dtype=torch.double)
    spectra = torch.stack([torch.exp(-0.5 * ((bands - peak) / 1.5) ** 2) for peak in (1, 4, 8)], 1)
    y, x = torch.meshgrid(*[torch.arange(n * scale) for n in (12, 10)], indexing="ij")
    patch = ((2 * y // (3 * scale) + x // (scale + 1)) % 3)[None]
    shading = 0.6 + 0.4 * torch.sin(y / 5) * torch.cos(x / 3)
    abundances = (patch == torch.arange(3)[:, None, None]) * shading.double()
    truth = torch.einsum("lp,phw->lhw", spectra, abundances)[None]
    response = torch.stack([torch.exp(-0.5 * ((bands - peak) / 1.2) ** 2) for peak in (1, 5, 9)])
    return truth, torch.einsum("cl,blhw->bchw", response / response.sum(1, keepdim=True), truth)


def test_updates_are_their_equations() -> None:
    data, endmembers, abundances = factors()
    expected = abundances * (endmembers.T @ data) / (endmembers.T @ endmembers @ abundances)
    update_abundances(data, endmembers, abundances)
    torch.testing.assert_close(abundances, expected)
    expected = endmembers * (data @ abundances.T) / (endmembers @ abundances @ abundances.T)
    update_endmembers(data, endmembers, abundances)
    torch.testing.assert_close(endmembers, expected)


@pytest.mark.parametrize("count", [1, 4, 12])
@pytest.mark.parametrize("bands", [1, 3, 8])
def test_no_update_raises_the_objective_or_leaves_the_nonnegative(bands: int, count: int) -> None:
    data, endmembers, abundances = factors(bands, count)
    data[:, :5] = 0
    before = squared_error(data, endmembers, abundances)
    first = before
    for step in range(200):
        (update_abundances, update_endmembers)[step % 2](data, endmembers, abundances)
        now = squared_error(data, endmembers, abundances)
        assert now <= before * (1 + 1e-12) + 1e-20
        before = now
        assert endmembers.min() >= 0
        assert abundances.min() >= 0
    assert before < first / 2


def test_many_updates_are_one_after_the_other() -> None:
    data, endmembers, abundances = factors()
    single = abundances.clone()
    for _ in range(7):
        update_abundances(data, endmembers, single)
    update_abundances(data, endmembers, abundances, 7)
    assert torch.equal(abundances, single)


def test_successive_projection_finds_the_vertices() -> None:
    _, vertices, _ = factors(8, 4)
    generator = torch.Generator().manual_seed(1)
    mixtures = torch.rand(4, 50, dtype=torch.double, generator=generator)
    mixtures = 0.9 * mixtures / mixtures.sum(0)
    data = torch.cat([vertices @ mixtures, vertices], 1)
    found = successive_projection(data, 4)
    matches = (found[:, :, None] == vertices[:, None, :]).all(0)
    assert matches.sum() == 4
    # What is left then is rounding: no more are found.
    assert torch.equal(successive_projection(data, 7), found)
    assert successive_projection(torch.zeros(5, 9), 4).shape == (5, 1)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_a_scene_of_materials_comes_back(scale: int) -> None:
    truth, guide = scene_of_materials(scale)
    low = area_average(truth, scale)
    fused = CNMF("linear", endmembers=3, updates=200).fuse([low, guide])
    assert fused.min() >= 0
    error, without = ((x - truth).square().mean().sqrt() for x in (fused, upsample_bicubic(low, scale)))
    assert error < without / 10


def test_a_black_guide_gives_black() -> None:
    truth, guide = scene_of_materials(2)
    assert CNMF("linear").fuse([area_average(truth, 2), 0 * guide]).abs().max() == 0


def test_the_same_scene_gives_the_same_bits() -> None:
    truth, guide = scene_of_materials(2)
    low = area_average(truth, 2)
    assert torch.equal(CNMF().fuse([low, guide]), CNMF().fuse([low, guide]))


@pytest.mark.parametrize("name", ["endmembers", "rounds", "first_updates", "updates"])
def test_numbers_below_one_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match=f"{name} is 0"):
        CNMF(**{name: 0})
