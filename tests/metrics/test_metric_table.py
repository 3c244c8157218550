import pytest
import torch
from torch import Tensor

from imfuse.errors import UsageError
from imfuse.metrics import METRICS, Metric, evaluate

PER_PICTURE = [metric for metric in METRICS.values() if metric.needs == "fused"]


def random_pictures(count: int, *shape: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(5)
    return [torch.randint(256, shape, dtype=torch.uint8, generator=generator) for _ in range(count)]


def fit(metric: Metric, *shape: int) -> tuple[int, ...]:
    """The shape, with sides that are large enough for the metric."""
    return (*shape[:-2], *(max(side, least) for side, least in zip(shape[-2:], metric.smallest[::-1], strict=True)))


def alone(metric: Metric, fused: Tensor, sources: list[Tensor]) -> Tensor:
    if metric.needs == "fused":
        return metric.function(fused)
    return metric.function(fused, sources[0] if metric.needs == "truth" else sources)


def test_keys_and_facts() -> None:
    alone = "en mi mi-bits nmi sd sf ag ag-ifcnn brisque niqe piqe"
    with_sources = "scd cc qabf nabf vif viff ssim-gauss11 ssim-sk019 issim mef-ssim mef-ssim-lum mef-ssim-colour"
    with_truth = "psnr ssim rmse uiqi sam ergas q2n"
    assert list(METRICS) == [*alone.split(), *with_sources.split(), *with_truth.split()]
    for key, metric in METRICS.items():
        assert metric.key == key
        assert metric.definition
        assert metric.source
        assert metric.variant


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS.keys())
def test_batch_equals_one_by_one_and_evaluate_equals_the_function(metric: Metric) -> None:
    fused, *sources = random_pictures(3, *fit(metric, 3, 1, 50, 43))
    batch = alone(metric, fused, sources)
    assert batch.shape == (3,)
    assert batch.dtype == torch.float64
    for i in range(3):
        single = alone(metric, fused[i : i + 1], [source[i : i + 1] for source in sources])
        torch.testing.assert_close(batch[i : i + 1], single, rtol=1e-13, atol=0)
    together = evaluate(fused, sources, truth=sources[0])[metric.key]
    torch.testing.assert_close(together, batch, rtol=1e-13, atol=0)
    low, high = metric.range
    assert low is None or batch.min().item() >= low
    assert high is None or batch.max().item() <= high


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS.keys())
def test_types_of_pictures(metric: Metric) -> None:
    pictures = random_pictures(3, *fit(metric, 1, 1, 50, 43))
    expected = alone(metric, pictures[0], pictures[1:])
    for dtype, tolerance in ((torch.float32, 1e-6), (torch.float64, 1e-12)):
        fused, *sources = (picture.to(dtype) / 255 for picture in pictures)
        torch.testing.assert_close(alone(metric, fused, sources), expected, rtol=tolerance, atol=0)


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS.keys())
def test_inputs_are_left_alone(metric: Metric) -> None:
    pictures = [picture.double() / 255 for picture in random_pictures(3, *fit(metric, 1, 1, 50, 43))]
    copies = [picture.clone() for picture in pictures]
    alone(metric, pictures[0], pictures[1:])
    assert all(torch.equal(picture, copy) for picture, copy in zip(pictures, copies, strict=True))


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS.keys())
def test_gradients_reach_the_fused_picture_if_the_table_says_so(metric: Metric) -> None:
    pictures = [picture.double() / 255 for picture in random_pictures(3, *fit(metric, 1, 1, 50, 43))]
    value = alone(metric, pictures[0].requires_grad_(), pictures[1:])
    assert value.requires_grad == metric.differentiable


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS.keys())
@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (torch.zeros(50, 50), "has shape"),
        (torch.zeros(1, 2, 50, 50), "gray or RGB"),
        (torch.zeros(0, 1, 50, 50), "empty"),
        (torch.zeros(1, 1, 50, 50, dtype=torch.int64), "has type"),
        (torch.full((1, 1, 50, 50), 1.01), "must lie in"),
        (torch.full((1, 1, 50, 50), -0.1), "must lie in"),
        (torch.full((1, 1, 50, 50), torch.nan), "must lie in"),
    ],
)
def test_unfit_pictures(metric: Metric, picture: Tensor, message: str) -> None:
    if metric.pictures == "bands" and message == "gray or RGB":
        pytest.skip("it takes any number of bands")
    with pytest.raises(UsageError, match=message):
        alone(metric, picture, [picture, picture])


WITH_SOURCES = [key for key, metric in METRICS.items() if metric.needs in ("sources", "two sources")]


@pytest.mark.parametrize("key", WITH_SOURCES)
def test_number_of_sources(key: str) -> None:
    fused, *sources = random_pictures(5, 2, 1, 50, 43)
    with pytest.raises(UsageError, match=r"at least one source|exactly two sources"):
        METRICS[key].function(fused, [])
    if METRICS[key].needs == "two sources":
        with pytest.raises(UsageError, match="exactly two sources, but 4 were given"):
            METRICS[key].function(fused, sources)
    else:
        same = METRICS[key].function(fused, sources)
        torch.testing.assert_close(METRICS[key].function(fused, sources[::-1]), same, rtol=1e-12, atol=0)
        assert same.isfinite().all()


@pytest.mark.parametrize("key", [*WITH_SOURCES, "ag-ifcnn"])
def test_constant_pictures_give_finite_values_and_gradients(key: str) -> None:
    flat, *sources = random_pictures(3, 1, 1, 50, 43)
    flat = torch.full_like(flat, 77).double() / 255
    noise = [source.double() / 255 for source in sources]
    for fused, *others in ((flat, *noise), (noise[0], flat, noise[1]), (noise[0], flat, flat), (flat, flat, flat)):
        given = fused.clone().requires_grad_()
        value = METRICS[key].function(given) if key == "ag-ifcnn" else METRICS[key].function(given, others)
        assert value.isfinite().all()
        if METRICS[key].differentiable:
            (gradient,) = torch.autograd.grad(value.sum(), given)
            assert gradient.isfinite().all()


@pytest.mark.parametrize("key", WITH_SOURCES)
def test_sources_must_fit(key: str) -> None:
    fused = torch.zeros(1, 1, 50, 50)
    with pytest.raises(UsageError, match=r"source 2 has shape \(1, 1, 50, 51\)"):
        METRICS[key].function(fused, [fused, torch.zeros(1, 1, 50, 51)])
    with pytest.raises(UsageError, match="one tensor"):
        METRICS[key].function(fused, fused)
    with pytest.raises(UsageError, match="on meta"):
        METRICS[key].function(fused, [fused, torch.zeros(1, 1, 50, 50, dtype=torch.uint8, device="meta")])


def test_evaluate_takes_a_choice() -> None:
    fused, *sources = random_pictures(3, 2, 1, 50, 43)
    assert list(evaluate(fused, sources, ["vif", "en"])) == ["vif", "en"]
    assert list(evaluate(fused, metrics=["sd", "ag"])) == ["sd", "ag"]
    assert evaluate(fused, sources, []) == {}
    with pytest.raises(UsageError, match="unknown metric meon; known are en, mi"):
        evaluate(fused, sources, ["en", "meon"])
    assert list(evaluate(fused)) == [
        key for key, metric in METRICS.items() if metric.needs == "fused" and key != "niqe"
    ]
    with pytest.raises(UsageError, match="exactly two sources"):
        evaluate(fused, metrics=["scd"])
    with pytest.raises(UsageError, match="ground truth"):
        evaluate(fused, sources, ["psnr"])


def test_gray_metrics_take_the_luma_of_rgb_pictures() -> None:
    colour = [picture.double() / 255 for picture in random_pictures(3, 1, 3, 97, 193)]
    weights = torch.tensor([0.299, 0.587, 0.114], dtype=torch.float64).view(1, 3, 1, 1)
    gray = [(picture * weights).sum(1, keepdim=True) for picture in colour]
    keys = [metric.key for metric in METRICS.values() if metric.pictures == "gray" and metric.needs != "truth"]
    expected = evaluate(gray[0], gray[1:], keys)
    for mixed in (colour[1:], [colour[1], gray[2]]):
        for key, value in evaluate(colour[0], mixed, keys).items():
            torch.testing.assert_close(value, expected[key], rtol=1e-9, atol=0)


@pytest.mark.parametrize("key", [key for key, metric in METRICS.items() if metric.smallest != (1, 1)])
def test_the_smallest_size_is_the_smallest_that_is_taken(key: str) -> None:
    shorter, longer = METRICS[key].smallest
    assert METRICS[key].fits(longer, shorter)
    assert not METRICS[key].fits(shorter - 1, longer)
    pictures = random_pictures(3, 1, 3, shorter, longer)
    evaluate(pictures[0], pictures[1:], [key], truth=pictures[1])
    smaller = [picture[..., : shorter - 1, :] for picture in pictures]
    with pytest.raises(UsageError, match="needs"):
        evaluate(smaller[0], smaller[1:], [key], truth=smaller[1])
