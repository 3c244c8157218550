"""The perceptual loss."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from imfuse.errors import DataError, UsageError
from imfuse.losses.perceptual import PerceptualLoss, SqueezeNetFeatures, perceptual_loss

FIRES = {3: (96, 16, 64), 4: (128, 16, 64), 5: (128, 32, 128), 7: (256, 32, 128), 8: (256, 48, 192)}
FIRES |= {9: (384, 48, 192), 10: (384, 64, 256), 12: (512, 64, 256)}


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of SqueezeNet's shapes with made-up weights."""
    generator = np.random.default_rng(0)
    shapes = {"features.0": (96, 3, 7, 7)}
    for number, (inputs, squeezed, expanded) in FIRES.items():
        shapes[f"features.{number}.squeeze"] = (squeezed, inputs, 1, 1)
        shapes[f"features.{number}.expand1x1"] = (expanded, squeezed, 1, 1)
        shapes[f"features.{number}.expand3x3"] = (expanded, squeezed, 3, 3)
    values = {}
    for name, shape in shapes.items():
        values[f"{name}.weight"] = generator.normal(0, np.sqrt(2 / np.prod(shape[1:])), shape).astype(np.float32)
        values[f"{name}.bias"] = generator.normal(0, 0.1, shape[0]).astype(np.float32)
    values["classifier.1.weight"] = np.zeros((10, 512, 1, 1), np.float32)
    path = tmp_path_factory.mktemp("squeezenet") / "weights.npz"
    np.savez(path, **values)
    return path


def _literal(archive: Path, picture: torch.Tensor) -> torch.Tensor:
    """SqueezeNet 1.0 written out (Iandola et al., Table 1), without its classifier."""
    w = {name: torch.from_numpy(value) for name, value in np.load(archive).items()}

    def convolve(name: str, x: torch.Tensor, **options: int) -> torch.Tensor:
        return F.relu(F.conv2d(x, w[f"{name}.weight"], w[f"{name}.bias"], **options))

    x = picture[:, [2, 1, 0]] * 255 - torch.tensor([104.0, 117.0, 123.0]).reshape(1, 3, 1, 1)
    x = F.max_pool2d(convolve("features.0", x, stride=2), 3, 2, ceil_mode=True)
    for number in FIRES:
        squeezed = convolve(f"features.{number}.squeeze", x)
        wide = convolve(f"features.{number}.expand3x3", squeezed, padding=1)
        x = torch.cat([convolve(f"features.{number}.expand1x1", squeezed), wide], 1)
        if number in (5, 10):
            x = F.max_pool2d(x, 3, 2, ceil_mode=True)
    return x


def test_features_are_those_of_the_network_written_out(archive: Path) -> None:
    picture = torch.rand(2, 3, 71, 64)
    torch.testing.assert_close(SqueezeNetFeatures(archive)(picture), _literal(archive, picture), rtol=1e-4, atol=1e-4)


def test_the_loss_is_the_relative_squared_error_of_the_features(archive: Path) -> None:
    loss = perceptual_loss("squeezenet", archive)
    assert loss is not None
    truth, fused = torch.rand(2, 1, 3, 64, 64)
    wanted, given = _literal(archive, truth), _literal(archive, fused)
    torch.testing.assert_close(loss(fused, truth), (given - wanted).square().sum() / wanted.square().sum())
    assert float(loss(truth, truth)) == 0


def test_gradients_reach_the_picture_and_not_the_network(archive: Path) -> None:
    loss = PerceptualLoss(SqueezeNetFeatures(archive))
    fused = torch.rand(1, 3, 64, 64, requires_grad=True)
    loss(fused, torch.rand(1, 3, 64, 64)).backward()
    assert fused.grad is not None
    assert float(fused.grad.abs().sum()) > 0
    assert all(parameter.grad is None for parameter in loss.parameters())


def test_files_that_do_not_serve_are_refused(tmp_path: Path, archive: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        SqueezeNetFeatures(tmp_path / "none.npz")
    (tmp_path / "text.npz").write_text("no archive")
    with pytest.raises(DataError, match="cannot be read"):
        SqueezeNetFeatures(tmp_path / "text.npz")
    np.savez(tmp_path / "pickled.npz", features=np.array([{"a": 1}], dtype=object))
    with pytest.raises(DataError):
        SqueezeNetFeatures(tmp_path / "pickled.npz")
    np.savez(tmp_path / "other.npz", weight=np.zeros(3))
    with pytest.raises(DataError, match="SqueezeNet"):
        SqueezeNetFeatures(tmp_path / "other.npz")
    values = dict(np.load(archive))
    del values["features.9.squeeze.bias"]
    np.savez(tmp_path / "part.npz", **values)
    with pytest.raises(DataError, match="missing"):
        SqueezeNetFeatures(tmp_path / "part.npz")


def test_choices() -> None:
    assert perceptual_loss("none", None) is None
    with pytest.raises(UsageError, match="--perceptual-weights"):
        perceptual_loss("squeezenet", None)
    with pytest.raises(UsageError, match="unknown perceptual network"):
        perceptual_loss("vgg", None)  # type: ignore[arg-type]
