import torch
from PIL import Image

from imfuse.ops.colour import luma, replace_luma


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
