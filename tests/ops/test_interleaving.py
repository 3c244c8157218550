import numpy as np
import pytest

from imfuse.ops.interleaving import interleaved, planes


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float32, np.float64])
def test_planes_are_the_channels_and_interleaved_again_the_pixels(channels: int, dtype: type) -> None:
    whole = (np.random.default_rng(0).random((9, 14, channels)) * 250).astype(dtype)
    for pixels in (whole, whole[2:7, 3:], whole[::2, ::3], whole[:1, :1]):
        found = np.stack(planes(pixels))
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, np.moveaxis(pixels, -1, 0))
        again = interleaved(found)
        assert again.dtype == dtype
        np.testing.assert_array_equal(again, pixels)
