import pytest
import torch
from PIL import Image
from skimage import color

from imfuse.ops import colour as colour_module
from imfuse.ops.colour import (
    add_chroma_,
    chroma,
    linear_to_srgb,
    luma,
    merged_chroma,
    pale_,
    replace_luma,
    srgb_to_linear,
    with_chroma,
)


def test_luma_of_gray_is_the_gray_value() -> None:
    gray = torch.rand(1, 1, 4, 4).expand(1, 3, 4, 4)
    torch.testing.assert_close(luma(gray), gray[:, :1])


def test_replaced_luma_keeps_the_chroma_that_pillow_sees() -> None:
    torch.manual_seed(0)
    rgb = 0.3 + 0.4 * torch.rand(1, 3, 16, 16)
    new = luma(rgb) + 0.1
    changed = replace_luma(rgb, luma(rgb), new)
    torch.testing.assert_close(luma(changed), new)

    def ycbcr(picture: torch.Tensor) -> torch.Tensor:
        pixels = (picture[0].permute(1, 2, 0) * 255).round().byte().numpy()
        return torch.frombuffer(bytearray(Image.fromarray(pixels).convert("YCbCr").tobytes()), dtype=torch.uint8).int()

    before, after = ycbcr(rgb).reshape(-1, 3), ycbcr(changed).reshape(-1, 3)
    assert (before[:, 1:] - after[:, 1:]).abs().max() <= 1


def test_one_channel_passes() -> None:
    gray = torch.rand(2, 1, 3, 3)
    assert luma(gray) is gray


def test_chroma_is_that_of_the_standard_and_within_a_half() -> None:
    """ITU-R BT.601, full range: Cb = ½ + (B − Y) / 1.772, as the matrix of JFIF writes it out."""
    rgb = torch.rand(2, 3, 7, 8, dtype=torch.float64)
    matrix = torch.tensor([[-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], dtype=torch.float64)
    expected = torch.einsum("bchw,dc->bdhw", rgb, matrix)
    torch.testing.assert_close(chroma(rgb, luma(rgb)), expected, atol=1e-6, rtol=0)
    corners = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * 3).T.reshape(1, 3, 8, 1)
    found = chroma(corners, luma(corners))
    assert found.abs().max() <= 0.5 + 1e-6
    assert found.amax() > 0.5 - 1e-6


def test_luma_and_chroma_give_the_colours_back() -> None:
    rgb = torch.rand(2, 3, 7, 8, dtype=torch.float64)
    torch.testing.assert_close(with_chroma(luma(rgb), chroma(rgb, luma(rgb))), rgb, atol=1e-12, rtol=0)
    y, distances = torch.rand(1, 1, 5, 6, dtype=torch.float64), torch.rand(1, 2, 5, 6, dtype=torch.float64) - 0.5
    made = with_chroma(y, distances)
    torch.testing.assert_close(luma(made), y, atol=1e-12, rtol=0)
    torch.testing.assert_close(chroma(made, y), distances, atol=1e-12, rtol=0)


def merged(dtype: torch.dtype = torch.float64) -> tuple[torch.Tensor, torch.Tensor]:
    """Colours (1, 3, 40, 50) in and out of RGB, and their luma, black and white included."""
    y = torch.rand(1, 1, 40, 50, dtype=dtype)
    y[..., 0, :25], y[..., 0, 25:] = 0, 1
    distances = (torch.rand(1, 2, 40, 50, dtype=dtype) - 0.5) * torch.linspace(0, 1, 50, dtype=dtype)
    return with_chroma(y, distances), y


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-6)])
def test_paled_colours_lie_in_rgb_with_the_luma_and_the_hue_that_they_had(dtype: torch.dtype, tolerance: float) -> None:
    torch.manual_seed(0)
    rgb, y = merged(dtype)
    found = pale_(rgb.clone(), y)
    assert found.min() >= -tolerance
    assert found.max() <= 1 + tolerance
    torch.testing.assert_close(luma(found), y, atol=tolerance, rtol=0)
    (blue, red), (old_blue, old_red) = chroma(found, y)[0], chroma(rgb, y)[0]
    assert (blue * old_red - red * old_blue).abs().max() <= tolerance
    assert (blue * old_blue + red * old_red).min() >= -tolerance
    inside = ((rgb >= 0) & (rgb <= 1)).all(1)[0]
    assert 0.2 < inside.double().mean() < 0.8
    assert torch.equal(found[..., inside], rgb[..., inside])


def test_colours_are_paled_no_farther_than_to_the_surface_of_the_cube() -> None:
    torch.manual_seed(1)
    rgb, y = merged()
    outside = ((rgb < 0) | (rgb > 1)).any(1, keepdim=True)
    found = pale_(rgb.clone(), y)
    room = torch.minimum(found.amin(1, keepdim=True), 1 - found.amax(1, keepdim=True))
    assert room[outside].abs().max() < 1e-12


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_neutral_colours_and_those_beyond_black_and_white_become_numbers_that_are_neutral(dtype: torch.dtype) -> None:
    y = torch.tensor([0, 1e-40, 0.3, 1, -0.2, 1.3], dtype=dtype).reshape(1, 1, 1, 6)
    neutral = y.expand(1, 3, 1, 6)
    assert torch.equal(pale_(neutral.clone(), y), neutral)
    distances = torch.tensor([0.1, -0.2], dtype=dtype).reshape(1, 2, 1, 1).expand(1, 2, 1, 6)
    found = pale_(with_chroma(y, distances), y)
    at_the_ends = [0, 1, 3, 4, 5]
    torch.testing.assert_close(found[..., at_the_ends], neutral[..., at_the_ends], atol=1e-7, rtol=0)


def test_light_of_srgb_values() -> None:
    """Values of IEC 61966-2-1, and those that scikit-image turns to XYZ."""
    encoded = torch.tensor([0.0, 0.02, 0.04045, 0.5, 1.0], dtype=torch.double)
    expected = [0.0, 0.02 / 12.92, 0.04045 / 12.92, (0.555 / 1.055) ** 2.4, 1.0]
    torch.testing.assert_close(srgb_to_linear(encoded).tolist(), expected, rtol=1e-7, atol=1e-9)
    rgb = torch.rand(1, 3, 5, 7, dtype=torch.double)
    xyz = torch.from_numpy(color.rgb2xyz(rgb[0].permute(1, 2, 0).numpy()))
    matrix = torch.from_numpy(color.rgb2xyz(torch.eye(3, dtype=torch.double)[None].numpy()))[0]
    torch.testing.assert_close(srgb_to_linear(rgb)[0].permute(1, 2, 0) @ matrix, xyz)


def test_the_curve_is_monotonic_without_a_step_and_has_an_inverse() -> None:
    encoded = torch.linspace(0, 1, 65536, dtype=torch.double)
    light = srgb_to_linear(encoded)
    steps = light.diff()
    assert steps.min() > 0
    assert steps.diff().abs().max() < 1e-6
    # The standard's rounded constants leave the two parts of each curve a little apart.
    torch.testing.assert_close(linear_to_srgb(light), encoded, atol=1e-6, rtol=0)


@pytest.mark.parametrize("curve", [srgb_to_linear, linear_to_srgb])
def test_curves_have_gradients_everywhere(curve: object) -> None:
    x = torch.tensor([0.0, 0.001, 0.02, 0.3, 1.0], dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(curve, x)


@pytest.mark.parametrize("shape", [(1, 1), (7, 5), (40, 33)])
def test_compiled_loops_of_chroma_give_what_the_maps_give(
    shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("numba")
    torch.manual_seed(3)
    pictures = [torch.rand(1, 3, *shape), torch.rand(1, 1, *shape).expand(1, 3, *shape), torch.rand(1, 3, *shape)]
    y = torch.rand(1, 1, *shape)
    y.view(-1)[0] = -0.2
    found = []
    for loops in (colour_module.loops_for, lambda *_: None):
        monkeypatch.setattr(colour_module, "loops_for", loops)
        weighted, weights = torch.zeros(2, 1, 2, *shape)
        for picture in pictures[1:]:
            add_chroma_(weighted, weights, picture.contiguous(), luma(picture))
        merged = merged_chroma(weighted, weights, y)
        stretched = (pictures[0] - 0.2) * 1.5
        found.append((weighted, weights, merged, pale_(stretched.clone(), luma(stretched))))
    for compiled, expected in zip(*found, strict=True):
        torch.testing.assert_close(compiled, expected, atol=1e-6, rtol=0)
    assert not torch.equal(found[0][3], stretched)


def test_neutral_pictures_give_neutral_ones() -> None:
    y = torch.rand(1, 1, 6, 5)
    sums = torch.zeros(2, 1, 2, 6, 5)
    add_chroma_(*sums, y.repeat(1, 3, 1, 1), y)
    assert torch.equal(merged_chroma(*sums, y), y.expand(1, 3, 6, 5))


def test_chroma_is_differentiable() -> None:
    rgb = torch.rand(1, 3, 4, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: with_chroma(luma(x), chroma(x, luma(x))), rgb)
