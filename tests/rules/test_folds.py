import pytest
import torch
from scipy import ndimage

from imfuse.errors import UsageError
from imfuse.rules import ADDITION, AVERAGE, L1_NORM, RULES, rule


def maps(count: int) -> list[torch.Tensor]:
    torch.manual_seed(0)
    return [torch.randn(1, 2, 9, 8, dtype=torch.double) for _ in range(count)]


@pytest.mark.parametrize("count", [1, 2, 5])
def test_addition_and_average(count: int) -> None:
    features = maps(count)
    torch.testing.assert_close(ADDITION(iter(features)), torch.stack(features).sum(0))
    torch.testing.assert_close(AVERAGE(iter(features)), torch.stack(features).mean(0))


def test_l1_norm_is_equation_9_by_brute_force() -> None:
    first, second = maps(2)

    def chi(feature: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(ndimage.uniform_filter(feature[0].abs().sum(0).numpy(), 3, mode="mirror"))

    alpha = chi(first) / (chi(first) + chi(second))
    torch.testing.assert_close(L1_NORM([first, second]), alpha * first + (1 - alpha) * second)


@pytest.mark.parametrize("name", [name for name, rule in RULES.items() if not rule.surveyed])
def test_order_does_not_matter_and_inputs_are_left_alone(name: str) -> None:
    features = maps(3)
    copies = [feature.clone() for feature in features]
    torch.testing.assert_close(rule(name)(features), rule(name)(features[::-1]))
    assert all(torch.equal(a, b) for a, b in zip(features, copies, strict=True))


@pytest.mark.parametrize("name", ["average", "l1_norm"])
def test_equal_sources_are_kept(name: str) -> None:
    feature = maps(1)[0]
    torch.testing.assert_close(rule(name)([feature, feature]), feature)


def test_l1_norm_of_nothing_is_nothing_and_not_nan() -> None:
    zero = torch.zeros(1, 1, 4, 4)
    assert torch.equal(L1_NORM([zero, zero]), zero)


def test_unknown_rule_and_no_source_are_told() -> None:
    with pytest.raises(UsageError, match="l1_norm"):
        rule("median")
    with pytest.raises(UsageError, match="at least one"):
        ADDITION([])
    assert rule("L1-norm") is L1_NORM


@pytest.mark.parametrize("name", ["addition", "average", "l1_norm"])
def test_the_result_is_the_weighted_sum(name: str) -> None:
    features = maps(3)
    fold = rule(name).start(keep_weights=True)
    for feature in features:
        fold.add(feature)
    weighted = [weight * feature for weight, feature in zip(fold.weights(), features, strict=True)]
    torch.testing.assert_close(fold.result(), torch.stack(weighted).sum(0))


def test_a_rule_that_is_not_allowed_is_told_with_those_that_are() -> None:
    with pytest.raises(UsageError, match="not one of this model's: choose one of addition, average"):
        rule("l1_norm", [ADDITION, AVERAGE])
