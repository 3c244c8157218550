"""CSC-MEFN: multi-exposure fusion by deep convolutional sparse coding."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from imfuse.blocks.coded_map import coded_map
from imfuse.blocks.dcu_stack import DictionaryStack
from imfuse.networks.protocol import FusionNetwork
from imfuse.rules.softmax import SoftmaxBlend


class CSCMEFN(FusionNetwork):
    stretches = True
    bytes_per_pixel = 60

    def __init__(self, units: int = 3, filters: int = 16, size: int = 3) -> None:
        super().__init__()
        self.encoder = DictionaryStack(units, filters, "sst", size=size)
        self.head = nn.Conv2d(filters, 1, 1, bias=False)

    @property
    def halo(self) -> int:
        return self.encoder.halo

    def logit(self, source: Tensor) -> Tensor:
        if not (self.training or torch.is_grad_enabled() or torch.compiler.is_exporting() or torch.compiler.is_compiling()):
            made = coded_map(self.encoder, self.head.weight, source)
            if made is not None:
                return made
        return self.head(self.encoder(source))

    def fuse(self, sources, survey=None):
        blend = SoftmaxBlend()
        for source in sources:
            blend.add(self.logit(source), source)
        return blend.result()

    def forward(self, exposures: Tensor) -> Tensor:
        """(B,K,H,W) -> (B,1,H,W)."""
        batch, count = exposures.shape[:2]
        logits = self.logit(exposures.flatten(0, 1).unsqueeze(1))
        weights = logits.view_as(exposures).softmax(1)
        return (weights * exposures).sum(1, keepdim=True)
