"""The parts of models that share: weights of stacks and pairs, and the features of IFCNN."""

from pathlib import Path

import numpy as np
import pytest
import torch

from helpers import noise, settled_ifcnn
from imfuse import plan as plan_module
from imfuse.errors import UsageError
from imfuse.fuser import Fuser
from imfuse.networks.feature_parts import SHOWN, Spread
from imfuse.networks.ifcnn import IFCNN
from imfuse.ops.colour import luma
from imfuse.registry import build_network
from imfuse.tasks import TASKS

CORE = slice(None), slice(None)


def stack(count: int, height: int = 30, width: int = 31) -> list[np.ndarray]:
    return [noise(height, width, seed=seed) for seed in range(count)]


def tensors(pictures: list[np.ndarray]) -> list[torch.Tensor]:
    return [torch.from_numpy(np.moveaxis(picture, -1, 0).copy())[None].float() / 255 for picture in pictures]


def network(rule_name: str = "maximum") -> IFCNN:
    return settled_ifcnn(filters=12, rule_name=rule_name)


@pytest.mark.parametrize("name", ["guided_filter", "maximum", "pca", "exposure_fusion"])
@pytest.mark.parametrize("count", [2, 5])
def test_a_stack_is_explained_by_its_shares(name: str, count: int, tmp_path: Path) -> None:
    model = build_network(name, {}).eval()
    fuser = Fuser(model, TASKS["exposure" if name == "exposure_fusion" else "focus"])
    pictures = stack(count)
    parts = fuser.explain(pictures)
    names = [f"picture-{number}" for number in range(1, count + 1)]
    assert list(parts) == fuser.part_names(count) == [f"{n}{k}" for n in names for k in ("", "_weight")] + ["fused"]
    shares = model.source_shares(tensors(pictures))[0].numpy()
    for index, each in enumerate(names):
        np.testing.assert_allclose(parts[f"{each}_weight"], shares[index], atol=1e-5)
        assert parts.kinds[f"{each}_weight"] == "weight"
    fused = luma(model.fuse(tensors(pictures)))[0, 0].numpy()
    np.testing.assert_allclose(parts["fused"], fused, atol=1e-5)
    assert len(parts.save(tmp_path)) == 2 * count + 2


@pytest.mark.parametrize("task", ["focus", "exposure", "infrared", "medical"])
def test_ifcnn_shows_shares_and_the_features_that_vary_the_most(task: str) -> None:
    model = network()
    pictures = stack(2)
    parts = Fuser(model, TASKS[task]).explain(pictures)
    given = tensors(pictures) if task == "focus" else [luma(source) for source in tensors(pictures)]
    normal = [(source.expand(-1, 3, -1, -1) - model.mean) / model.deviation for source in given]
    features = [model.conv2(model._conv1(source))[0] for source in normal]
    merged = torch.maximum(*features)
    chosen = merged.flatten(1).var(1).argsort(descending=True)[:SHOWN]
    first, second = Fuser(model, TASKS[task]).part_names()[0], Fuser(model, TASKS[task]).part_names()[2]
    for rank, index in enumerate(chosen.tolist(), start=1):
        assert parts.titles[f"fused_feature-{rank}"] == f"fused: feature {index}"
        for name, maps in zip((first, second, "fused"), (*features, merged), strict=True):
            np.testing.assert_allclose(parts[f"{name}_feature-{rank}"], maps[index], atol=1e-5)
    np.testing.assert_allclose(parts[f"{first}_weight"] + parts[f"{second}_weight"], 1, atol=1e-6)
    assert list(parts) == Fuser(model, TASKS[task]).part_names()
    assert len(parts) == 2 * 2 + 1 + 3 * SHOWN


def test_rules_without_shares_show_features_alone() -> None:
    parts = Fuser(network("average"), TASKS["exposure"]).explain(stack(3))
    assert not [name for name in parts if name.endswith("_weight")]
    total = sum(parts[f"picture-{number}_feature-1"] for number in (1, 2, 3))
    np.testing.assert_allclose(parts["fused_feature-1"], total / 3, atol=1e-5)


@pytest.mark.parametrize("name", ["ifcnn", "guided_filter", "pca"])
def test_windows_are_explained_as_the_whole(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fuser = Fuser(network() if name == "ifcnn" else build_network(name, {}), TASKS["focus"])
    pictures = stack(3, 80, 70)
    whole = fuser.explain(pictures)
    monkeypatch.setattr(plan_module, "tile_side", lambda *_: 33)
    tiled = fuser.explain(pictures)
    assert tiled.titles == whole.titles
    for part in whole:
        np.testing.assert_allclose(tiled[part], whole[part], atol=1e-4, err_msg=part)


def test_the_spread_of_features_is_their_variance() -> None:
    features = torch.rand(1, 5, 9, 8) * torch.tensor([1.0, 3, 0, 2, 5]).reshape(1, -1, 1, 1)
    upper, lower = Spread.of(features, (slice(0, 4), slice(None))), Spread.of(features, (slice(4, 9), slice(None)))
    both, whole = upper.merged(lower), Spread.of(features, CORE)
    torch.testing.assert_close(both.squares, whole.squares)
    assert both.widest(3) == whole.widest(3) == [4, 1, 3]


def test_models_without_parts_name_others() -> None:
    with pytest.raises(UsageError, match=r"no parts to show.*auif or guided-filter"):
        Fuser(build_network("average", {}), TASKS["focus"]).explain(stack(2))
