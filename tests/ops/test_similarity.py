import numpy as np
import torch
from skimage.metrics import structural_similarity

from imfuse.ops.similarity import ssim_map


def test_ssim_is_scikit_images_over_whole_windows() -> None:
    torch.manual_seed(0)
    x = torch.rand(1, 1, 40, 33, dtype=torch.double)
    y = (0.7 * x + 0.3 * torch.rand_like(x)).clamp(0, 1)
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 1.0, "full": True}
    _, full = structural_similarity(x[0, 0].numpy(), y[0, 0].numpy(), **options)
    np.testing.assert_allclose(ssim_map(x, y)[0, 0].numpy(), full[5:-5, 5:-5], atol=1e-10)


def test_equal_pictures_are_fully_similar_and_gradients_are_right() -> None:
    x = torch.rand(1, 1, 12, 13, dtype=torch.double)
    torch.testing.assert_close(ssim_map(x, x), torch.ones(1, 1, 2, 3, dtype=torch.double))
    y = torch.rand_like(x).requires_grad_()
    assert torch.autograd.gradcheck(lambda v: ssim_map(x, v), y)
