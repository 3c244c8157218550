"""The perceptual loss: how far apart two pictures are for a network that knows what pictures show (IFCNN, Eq. 6)."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from imfuse.errors import DataError, UsageError

PerceptualName = Literal["none", "squeezenet", "resnet101"]

_CAFFE_MEAN = (104.0, 117.0, 123.0)
_IMAGENET_MEAN, _IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_POOLED_AFTER = ("features.0", "features.5", "features.10")
"""SqueezeNet 1.0 halves the picture after its first layer and after its fourth and eighth modules of features."""


class SqueezeNetFeatures(nn.Module):
    """The features of the last module before the classifier of SqueezeNet 1.0 (fire9), 512 of them at 1/16 of the size.

    Args:
        path: NumPy archive with torchvision's names (``features.0.weight`` …) of a network trained on BGR, 0 to 255,
            minus (104, 117, 123), as Caffe's are.

    Raises:
        DataError: the file cannot be read, or holds something else.
    """

    mean: Tensor

    def __init__(self, path: Path) -> None:
        super().__init__()
        try:
            with np.load(path, allow_pickle=False) as archive:
                values = {name: torch.from_numpy(archive[name]).float() for name in archive.files}
        except (OSError, ValueError, EOFError) as error:
            raise DataError(f"{path}: cannot be read as a NumPy archive of a network's weights ({error})") from error
        self.layers = nn.ModuleDict()
        order = sorted({int(name.split(".")[1]) for name in values if name.startswith("features.")})
        if order != [0, 3, 4, 5, 7, 8, 9, 10, 12]:
            raise DataError(f"{path}: not SqueezeNet 1.0 under torchvision's names (features.0.weight …)")
        try:
            for name in (name.removesuffix(".weight") for name in values if name.endswith(".weight")):
                if name.startswith("features."):
                    self.layers[name.replace(".", "-")] = _convolution(
                        values[f"{name}.weight"], values[f"{name}.bias"], 2 if name == "features.0" else 1
                    )
        except (KeyError, RuntimeError) as error:
            raise DataError(f"{path}: a layer of SqueezeNet is missing or of another shape ({error})") from error
        self.order = order[1:]
        self.register_buffer("mean", torch.tensor(_CAFFE_MEAN).reshape(1, 3, 1, 1), persistent=False)

    def forward(self, picture: Tensor) -> Tensor:
        """Features (B, 512, H/16, W/16) of a picture (B, 3, H, W), RGB in [0, 1]."""
        x = self._layer("features-0", picture.flip(1) * 255 - self.mean)
        x = F.max_pool2d(x, 3, 2, ceil_mode=True)
        for number in self.order:
            squeezed = self._layer(f"features-{number}-squeeze", x)
            x = torch.cat([self._layer(f"features-{number}-expand{size}x{size}", squeezed) for size in (1, 3)], 1)
            if f"features.{number}" in _POOLED_AFTER:
                x = F.max_pool2d(x, 3, 2, ceil_mode=True)
        return x

    def _layer(self, name: str, x: Tensor) -> Tensor:
        return F.relu(self.layers[name](x))


def _convolution(weight: Tensor, bias: Tensor, stride: int) -> nn.Conv2d:
    """A convolution with these weights; 3×3 kernels keep the size."""
    outputs, inputs, size, _ = weight.shape
    layer = nn.Conv2d(inputs, outputs, size, stride=stride, padding=1 if size == 3 else 0)
    layer.load_state_dict({"weight": weight, "bias": bias})
    return layer


class ResNetFeatures(nn.Module):
    """The features of the last convolutional layer of ResNet-101, as in the paper: 2048 at 1/32 of the size.

    Its weights come from torchvision, which fetches them once if they are not on this computer yet.

    Raises:
        UsageError: torchvision is not installed.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self) -> None:
        super().__init__()
        try:
            from torchvision.models import ResNet101_Weights, resnet101
        except ImportError as error:
            raise UsageError(
                "ResNet-101 comes with torchvision, which is not installed: pip install torchvision, or choose "
                "--perceptual squeezenet with --perceptual-weights FILE"
            ) from error
        network = resnet101(weights=ResNet101_Weights.IMAGENET1K_V1)
        self.body = nn.Sequential(*list(network.children())[:-2])
        self.first = network.conv1
        self.register_buffer("mean", torch.tensor(_IMAGENET_MEAN).reshape(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(_IMAGENET_DEVIATION).reshape(1, 3, 1, 1), persistent=False)

    def forward(self, picture: Tensor) -> Tensor:
        """Features (B, 2048, H/32, W/32) of a picture (B, 3, H, W), RGB in [0, 1]."""
        result: Tensor = self.body((picture - self.mean) / self.deviation)
        return result


class PerceptualLoss(nn.Module):
    """Mean squared difference of the features of two pictures (Eq. 6).

    Networks differ in the size of their features: SqueezeNet's are some hundred times larger than ResNet-101's, for
    which the paper's weight of 1 is meant. So the features are divided by their root mean square over the true
    pictures, a running mean over the batches seen: the loss is the relative squared error whatever the network.

    Args:
        features: the network; its parameters stay as they are.
    """

    power: Tensor

    def __init__(self, features: nn.Module) -> None:
        super().__init__()
        self.features = features.eval().requires_grad_(False)
        self.register_buffer("power", torch.zeros(()))

    def forward(self, fused: Tensor, truth: Tensor) -> Tensor:
        """The loss of pictures (B, 3, H, W), RGB in [0, 1], against the true ones."""
        with torch.no_grad():
            wanted = self.features(truth)
            power = wanted.square().mean()
            self.power.copy_(power if not self.power else self.power.lerp(power, 0.01))
        return F.mse_loss(self.features(fused), wanted) / self.power


def perceptual_loss(name: PerceptualName, weights: Path | None) -> PerceptualLoss | None:
    """The perceptual loss by the network of this name; None for ``none``.

    Args:
        name: the network.
        weights: SqueezeNet's, as a file.

    Raises:
        UsageError: unknown name, missing file option, or torchvision is not installed.
        DataError: the file does not serve.
    """
    if name not in get_args(PerceptualName):
        raise UsageError(f"unknown perceptual network {name!r}: choose one of {', '.join(get_args(PerceptualName))}")
    if name == "none":
        return None
    if name == "resnet101":
        return PerceptualLoss(ResNetFeatures())
    if weights is None:
        raise UsageError("SqueezeNet's weights are needed for --perceptual squeezenet: give --perceptual-weights FILE")
    return PerceptualLoss(SqueezeNetFeatures(weights))
