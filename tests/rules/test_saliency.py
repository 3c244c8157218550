import numpy as np
import pytest
import torch

from imfuse.errors import UsageError
from imfuse.ops.guided import guided_filter
from imfuse.rules import SALIENCY_WEIGHTED
from imfuse.rules.histograms import Histogram, Scale
from imfuse.rules.saliency import SaliencyWeighted, saliency, saliency_tables

SCALE = Scale(torch.tensor([-1.0, 0.0]).double(), torch.tensor([1.0, 4.0]).double())


def maps(count: int, height: int = 18, width: int = 15) -> list[torch.Tensor]:
    torch.manual_seed(count)
    spread = torch.tensor([1.0, 2.0]).reshape(1, 2, 1, 1)
    return [(torch.rand(1, 2, height, width) * 2 - 1).mul(spread).add(spread - 1).double() for _ in range(count)]


def surveyed(features: list[torch.Tensor]) -> list[Histogram]:
    return [Histogram.of(feature, SCALE) for feature in features]


def fold_of(features: list[torch.Tensor]) -> SaliencyWeighted:
    fold = SaliencyWeighted(surveyed(features))
    for feature in features:
        fold.add(feature)
    return fold


def test_a_histogram_counts_every_pixel_at_its_nearest_level() -> None:
    feature = torch.tensor([-5.0, -1.0, -1 + 1.4 / 127.5, 0.999, 7.0]).double().reshape(1, 1, 1, 5)
    counts = Histogram.of(feature, Scale(SCALE.low[:1], SCALE.high[:1])).counts[0, 0]
    assert counts.nonzero().flatten().tolist() == [0, 1, 255]
    assert counts[[0, 1, 255]].tolist() == [2, 1, 2]


def test_histograms_of_windows_merge_to_that_of_the_picture() -> None:
    feature = maps(1)[0]
    parts = [Histogram.of(feature[..., rows, :], SCALE) for rows in (slice(0, 5), slice(5, 6), slice(6, None))]
    assert torch.equal(parts[0].merged(parts[1]).merged(parts[2]).counts, Histogram.of(feature, SCALE).counts)


@pytest.mark.parametrize("values", [[0.0, 255.0, 17.25], [254.999, 127.5, 128.0, 0.4]])
def test_saliency_is_the_sum_of_the_paper_at_any_value(values: list[float]) -> None:
    """S(v) = Σ H(i) max(|v − i|, ½), also between levels; it differs from the paper's sum by no more than ½."""
    counts = torch.from_numpy(np.random.default_rng(0).integers(0, 50, 256)).double()
    levels = torch.tensor(values, dtype=torch.double)
    share = counts / counts.sum()
    distances = (levels[:, None] - torch.arange(256)).abs()
    found = saliency(levels[None], saliency_tables(counts))[0]
    torch.testing.assert_close(found, (share * distances.clamp_min(0.5)).sum(1))
    assert (found - (share * distances).sum(1)).abs().max() <= 0.5


def test_weights_are_equation_7_by_brute_force() -> None:
    features = maps(2)
    bounds = [bound.reshape(1, 2, 1, 1) for bound in SCALE]
    units = [((feature - bounds[0]) / (bounds[1] - bounds[0])).clamp(0, 1) for feature in features]
    saliencies = []
    for unit in units:
        rounded = (unit * 255).round().flatten(2)
        distances = (unit.flatten(2)[..., :, None] * 255 - rounded[..., None, :]).abs().clamp_min(0.5)
        saliencies.append(distances.mean(-1).reshape(unit.shape))
    first = saliencies[0] / (saliencies[0] + saliencies[1])
    smooth = [
        guided_filter(share, unit, SaliencyWeighted.radius, SaliencyWeighted.epsilon).clamp_min(0)
        for share, unit in zip((first, 1 - first), units, strict=True)
    ]
    expected = smooth[0] / (smooth[0] + smooth[1])
    fold = fold_of(features)
    weights = fold.weights()
    torch.testing.assert_close(weights[0], expected.mean(1, keepdim=True))
    torch.testing.assert_close(weights[0] + weights[1], torch.ones_like(weights[0]))
    torch.testing.assert_close(fold.result(), expected * features[0] + (1 - expected) * features[1])


def test_a_rare_value_weighs_more_than_a_common_one() -> None:
    flat = torch.zeros(1, 2, 40, 40).double()
    target = flat.clone()
    target[..., 10:30, 10:30] = 0.8
    torch.manual_seed(0)
    weight = fold_of([target, flat + torch.rand_like(flat) * 0.2]).weights()[0]
    assert weight[..., 18:22, 18:22].min() > 0.8
    assert weight[..., 18:22, 18:22].min() > weight[..., :4, :4].max() + 0.05


def test_equal_sources_are_kept() -> None:
    feature = maps(1)[0]
    torch.testing.assert_close(SALIENCY_WEIGHTED([feature, feature], surveyed([feature, feature])), feature)


@pytest.mark.parametrize("values", [(0.0, 0.5), (-0.9871, 0.0033), (-7.0, 9.0), (0.1234, 0.1234)])
def test_flat_maps_weigh_the_same_wherever_they_lie(values: tuple[float, float]) -> None:
    """On a level, between two, or beyond the scale: nothing is salient in a flat map."""
    features = [torch.full((1, 2, 9, 7), value).double() for value in values]
    for weight in fold_of(features).weights():
        torch.testing.assert_close(weight, torch.full_like(weight, 0.5), atol=1e-12, rtol=0)


def test_values_beyond_the_scale_count_as_its_ends() -> None:
    first, second = maps(2)
    bounds = [bound.reshape(1, 2, 1, 1) for bound in SCALE]
    far = first.clone()
    far[..., :5] = bounds[1] * 3
    inside = torch.maximum(torch.minimum(far, bounds[1]), bounds[0])
    weights = [fold_of([feature, second]).weights()[0] for feature in (far, inside)]
    torch.testing.assert_close(*weights)


def test_order_does_not_matter_and_inputs_are_left_alone() -> None:
    features = maps(3)
    copies = [feature.clone() for feature in features]
    forward = SALIENCY_WEIGHTED(features, surveyed(features))
    backward = SALIENCY_WEIGHTED(features[::-1], surveyed(features[::-1]))
    torch.testing.assert_close(forward, backward)
    assert all(torch.equal(a, b) for a, b in zip(features, copies, strict=True))


def test_it_depends_on_no_more_than_its_halo() -> None:
    first, second = maps(2, 41, 41)
    survey = surveyed([first, second])
    changed = first.clone()
    changed[..., 20, 20] += 0.1
    difference = SALIENCY_WEIGHTED([first, second], survey) - SALIENCY_WEIGHTED([changed, second], survey)
    reached = (difference.abs().amax((0, 1)) > 1e-12).nonzero() - 20
    assert reached.abs().max() == SALIENCY_WEIGHTED.halo


def test_more_sources_than_histograms_are_refused() -> None:
    fold = SALIENCY_WEIGHTED.start(surveyed(maps(1)))
    fold.add(maps(1)[0])
    with pytest.raises(UsageError, match="survey"):
        fold.add(maps(1)[0])
