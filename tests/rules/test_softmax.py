import pytest
import torch

from imfuse.errors import UsageError
from imfuse.rules.softmax import SoftmaxBlend


def blend(logits: torch.Tensor, pictures: torch.Tensor) -> torch.Tensor:
    fold = SoftmaxBlend()
    for logit, picture in zip(logits, pictures, strict=True):
        fold.add(logit, picture)
    return fold.result()


@pytest.mark.parametrize("count", [1, 2, 30])
@pytest.mark.parametrize("spread", [0.1, 5.0, 200.0])
def test_folding_gives_the_literal_softmax(count: int, spread: float) -> None:
    torch.manual_seed(count)
    logits = spread * torch.randn(count, 2, 1, 7, 9, dtype=torch.double)
    pictures = torch.rand(count, 2, 3, 7, 9, dtype=torch.double)
    torch.testing.assert_close(blend(logits, pictures), (logits.softmax(0) * pictures).sum(0), atol=1e-12, rtol=0)


def test_codes_of_any_size_give_no_overflow() -> None:
    logits = torch.tensor([-1e4, 1e4, 9.9e3, 1e4]).reshape(4, 1, 1, 1, 1).expand(-1, 1, 1, 2, 2)
    pictures = torch.rand(4, 1, 1, 2, 2)
    torch.testing.assert_close(blend(logits, pictures), (pictures[1] + pictures[3]) / 2)


def test_gradients() -> None:
    logits = torch.randn(3, 1, 1, 2, 3, dtype=torch.double, requires_grad=True)
    pictures = torch.rand(3, 1, 2, 2, 3, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(blend, (logits, pictures))


def test_sources_are_left_as_they_are() -> None:
    logits, pictures = torch.randn(3, 1, 1, 4, 4), torch.rand(3, 1, 1, 4, 4)
    copies = logits.clone(), pictures.clone()
    blend(logits, pictures)
    assert torch.equal(logits, copies[0])
    assert torch.equal(pictures, copies[1])


def test_nothing_is_told() -> None:
    with pytest.raises(UsageError, match="nothing to fuse"):
        SoftmaxBlend().result()
