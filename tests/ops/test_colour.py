import torch
from PIL import Image

from imfuse.ops.colour import chroma, luma, replace_luma, with_chroma


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
