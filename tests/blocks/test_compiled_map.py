"""The compiled loops give the map that the printed equations give."""

import pytest
import torch
from torch import Tensor

from helpers import settled_csc_mefn
from imfuse.blocks import compiled_map as module
from imfuse.blocks.compiled_map import compiled_map
from imfuse.networks.csc_mefn import CSCMEFN

pytest.importorskip("numba")


def found_and_expected(network: CSCMEFN, picture: Tensor) -> tuple[Tensor | None, Tensor]:
    with torch.no_grad():
        folded, gain = network.encoder.fold()
        found = compiled_map(folded, network.head.weight.flatten(1) * gain, picture)
        code = network.encoder.literal(picture[None, None]) + network.encoder.origin.reshape(1, -1, 1, 1)
        return found, network.head(code)[0, 0]


@pytest.mark.parametrize(("height", "width"), [(37, 37), (38, 300), (73, 257), (200, 40), (74, 513)])
@pytest.mark.parametrize("filters", [5, 24])
def test_it_is_the_map_of_the_printed_equations(height: int, width: int, filters: int) -> None:
    torch.manual_seed(height)
    found, expected = found_and_expected(settled_csc_mefn(filters=filters), torch.rand(height, width))
    assert found is not None
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("spacings", [(1, 1, 1), (1, 3, 9), (7, 2, 5)])
@pytest.mark.parametrize("units", [1, 2, 3])
def test_any_spacings(spacings: tuple[int, ...], units: int) -> None:
    network = settled_csc_mefn(units=units, spacings=spacings[:units])
    found, expected = found_and_expected(network, torch.rand(31, 44))
    assert found is not None
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("threads", [2, 3, 5])
@pytest.mark.parametrize("height", [37, 150, 290])
def test_threads_make_the_same_map(threads: int, height: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_WORTH", 1)
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    for spacings in ((1, 1, 1), (4, 12, 36)):
        found, expected = found_and_expected(settled_csc_mefn(spacings=spacings), torch.rand(height, 41))
        assert found is not None
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("arguments", "size"), [({}, (36, 50)), ({}, (50, 1)), ({"size": 5}, (80, 80))])
def test_what_it_does_not_serve_is_left_to_matrix_products(arguments: dict[str, object], size: tuple[int, int]) -> None:
    network, picture = settled_csc_mefn(spacings=(4, 12, 36), **arguments), torch.rand(size)
    found, expected = found_and_expected(network, picture)
    assert found is None
    with torch.no_grad():
        code = network.code(picture[None, None])[0, 0]
        difference = expected - code
    # But for the origin, which is the same for all pixels.
    torch.testing.assert_close(difference, difference.mean().expand_as(difference), atol=1e-5, rtol=0)


def test_without_numba_the_code_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    network, picture = settled_csc_mefn(), torch.rand(1, 1, 70, 90)
    with torch.no_grad():
        compiled = network.code(picture)
        monkeypatch.setattr(module, "loops_for", lambda *_: None)
        torch.testing.assert_close(network.code(picture), compiled, atol=1e-5, rtol=0)
