"""Tasks: roles, stacks of any number, what becomes of colour, and tiles that leave no seams."""

from collections.abc import Iterable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import Average, ColourAverage, SharpestWins, noise, settled_auif
from imfuse import plan as plan_module
from imfuse.errors import UsageError
from imfuse.fuser import Fuser
from imfuse.io import ArraySource, Metadata
from imfuse.networks.protocol import FusionNetwork
from imfuse.ops.colour import luma, replace_luma
from imfuse.tasks import TASKS, task

STACKS = ["focus", "exposure"]
OF_PICTURES = sorted(name for name in TASKS if not TASKS[name].of_bands)
LUMA = np.array([0.299, 0.587, 0.114])


def unit(picture: np.ndarray) -> np.ndarray:
    """(H, W, 3 or 1) in [0, 1]."""
    values = picture.astype(np.float64) / np.iinfo(picture.dtype).max
    return values if values.ndim == 3 else values[..., None]


def ycc(rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Y, Cb − ½ and Cr − ½ of full-range BT.601, each (H, W)."""
    y = rgb @ LUMA if rgb.shape[-1] == 3 else rgb[..., 0]
    return y, (rgb[..., -1] - y) / 1.772, (rgb[..., 0] - y) / 1.402


# Roles and numbers


@pytest.mark.parametrize("name", STACKS)
def test_stacks_take_two_or_more_and_name_them(name: str) -> None:
    found = task(name)
    for count in range(2, 31):
        assert [role.name for role in found.roles_for(count)] == [f"picture-{n}" for n in range(1, count + 1)]
    for count in (0, 1):
        with pytest.raises(UsageError, match=f"{name}.*stack of 2 or more pictures, {count} given"):
            found.roles_for(count)


@pytest.mark.parametrize(("name", "words"), [("infrared", "infrared and visible"), ("medical", "functional and mri")])
def test_tasks_with_roles_take_exactly_these(name: str, words: str) -> None:
    assert task(name).roles_for(2) == task(name).roles
    for count in (0, 1, 3):
        with pytest.raises(UsageError, match=rf"takes 2 sources \({words}\), {count} given"):
            Fuser(Average(), task(name)).fuse([noise(4, 4)] * count)


@pytest.mark.parametrize("name", STACKS)
@pytest.mark.parametrize("count", [2, 3, 5])
def test_the_report_names_every_picture_of_a_stack(name: str, count: int) -> None:
    report = Fuser(Average(), task(name)).fuse([noise(6, 7, 1, seed) for seed in range(count)]).report
    assert [source.role for source in report.sources] == [f"picture-{n}" for n in range(1, count + 1)]
    assert report.notes == ()


# Colour


@pytest.mark.parametrize("count", [2, 3, 5])
def test_focus_fuses_rgb(count: int) -> None:
    stack = [noise(9, 11, seed=seed) for seed in range(count)]
    fused = Fuser(Average(), task("focus")).fuse(stack, depth="float").image
    np.testing.assert_allclose(fused, np.mean([unit(picture) for picture in stack], axis=0), atol=1e-6)


def test_one_choice_for_all_channels_leaves_every_pixel_one_of_the_sources() -> None:
    stack = [noise(20, 30, seed=seed) for seed in range(4)]
    fused = Fuser(SharpestWins(), task("focus")).fuse(stack).image
    assert np.any([(fused == picture).all(-1) for picture in stack], axis=0).all()


@pytest.mark.parametrize("count", [2, 3, 5])
def test_chroma_of_exposures_is_weighted_by_its_distance_from_neutral(count: int) -> None:
    """Deep CSC, III-B: b = Σ |bₖ − ½| bₖ / Σ |bₖ − ½| with b in [0, 1], written out."""
    stack = [0.4 + 0.2 * unit(noise(9, 11, seed=seed)) for seed in range(count)]
    fused = Fuser(Average(), task("exposure")).fuse([p.astype(np.float32) for p in stack]).image
    parts = [ycc(picture) for picture in stack]
    y, cb, cr = ycc(fused.astype(np.float64))
    np.testing.assert_allclose(y, np.mean([part[0] for part in parts], axis=0), atol=1e-6)
    for found, index in ((cb, 1), (cr, 2)):
        planes = np.array([part[index] + 0.5 for part in parts])
        weights = np.abs(planes - 0.5)
        np.testing.assert_allclose(found + 0.5, (weights * planes).sum(0) / weights.sum(0), atol=2e-6)


@pytest.mark.parametrize("name", STACKS)
def test_equal_pictures_give_themselves(name: str) -> None:
    picture = noise(8, 9)
    np.testing.assert_array_equal(Fuser(Average(), task(name)).fuse([picture] * 4).image, picture)


@pytest.mark.parametrize("name", STACKS)
def test_neutral_pictures_in_rgb_stay_neutral_and_are_numbers(name: str) -> None:
    stack = [np.repeat(noise(8, 9, 1, seed)[..., None], 3, axis=2) for seed in range(3)]
    stack.append(np.zeros_like(stack[0]))
    fused = Fuser(Average(), task(name)).fuse(stack, depth="float").image
    assert np.isfinite(fused).all()
    np.testing.assert_allclose(fused, np.repeat(fused[..., :1], 3, axis=-1), atol=1e-6)
    gray = Fuser(Average(), task(name)).fuse([picture[..., 0] for picture in stack], depth="float").image
    np.testing.assert_allclose(fused[..., 0], gray, atol=1e-6)


def test_a_burnt_and_a_black_picture_have_no_say_in_the_chroma() -> None:
    colour = 100 + noise(8, 9) // 5
    fused = Fuser(Average(), task("exposure")).fuse([np.full_like(colour, 255), colour, colour * 0], depth="float")
    _, cb, cr = ycc(fused.image.astype(np.float64))
    np.testing.assert_allclose((cb, cr), ycc(unit(colour))[1:], atol=1e-6)


def burnt_bracket(dtype: type = np.uint8) -> list[np.ndarray]:
    """Colours at an exposure, and more light of them than a picture can hold: chroma and luma that no RGB has both."""
    dark = noise(40, 45, dtype=dtype) // 3
    white = np.iinfo(dtype).max
    bright = np.clip(dark.astype(np.int64) * 6, 0, white).astype(dtype)
    return [dark, bright, *[np.full_like(dark, white)] * 3]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_colours_beyond_rgb_are_paled_and_not_clipped(dtype: type) -> None:
    """What lies in RGB stays; the other colours keep luma and hue."""
    stack = burnt_bracket(dtype)
    fused = Fuser(Average(), task("exposure")).fuse(stack, depth="float")
    assert fused.report.beyond == 0
    assert "paled" in fused.report.colour
    parts = [ycc(unit(picture)) for picture in stack]
    y, cb, cr = ycc(fused.image.astype(np.float64))
    np.testing.assert_allclose(y, np.mean([part[0] for part in parts], axis=0), atol=1e-6)
    chroma = [np.array([part[index] for part in parts]) for index in (1, 2)]
    blue, red = (np.sum(np.abs(plane) * plane, 0) / np.sum(np.abs(plane), 0) for plane in chroma)
    whole = np.dstack([y + 1.402 * red, y - (0.114 * 1.772 * blue + 0.299 * 1.402 * red) / 0.587, y + 1.772 * blue])
    inside = ((whole >= 0) & (whole <= 1)).all(-1)
    assert 0.1 < inside.mean() < 0.9
    np.testing.assert_allclose(fused.image[inside], whole[inside], atol=1e-6)
    np.testing.assert_allclose(cb * red, cr * blue, atol=1e-6)
    assert (cb * blue + cr * red >= -1e-9).all()
    stored = Fuser(Average(), task("exposure")).fuse(stack)
    white = np.iinfo(dtype).max
    assert stored.report.beyond == 0
    np.testing.assert_allclose(stored.image, fused.image.astype(np.float64) * white, atol=0.5 + 1e-6 * white)


@pytest.mark.parametrize("side", [16, 33])
def test_paled_colours_leave_no_seams(monkeypatch: pytest.MonkeyPatch, side: int) -> None:
    fuser, stack = Fuser(Average(), task("exposure")), burnt_bracket(np.uint16)
    whole = [fuser.fuse(stack, stretch=stretch) for stretch in (False, True)]
    monkeypatch.setattr(plan_module, "tile_side", lambda *_: side)
    for one, stretch in zip(whole, (False, True), strict=True):
        tiled = fuser.fuse(stack, stretch=stretch)
        assert tiled.report.tiles > one.report.tiles == 1
        assert np.abs(tiled.image.astype(int) - one.image.astype(int)).max() <= 1


def test_networks_that_take_colour_get_exposures_in_rgb() -> None:
    stack = [noise(9, 11, seed=seed) for seed in range(3)]
    result = Fuser(ColourAverage(), task("exposure")).fuse(stack, depth="float")
    np.testing.assert_allclose(result.image, np.mean([unit(picture) for picture in stack], axis=0), atol=1e-6)
    assert result.report.colour == "RGB fused"
    assert "weighted" in Fuser(Average(), task("exposure")).fuse(stack).report.colour
    pair = [noise(9, 11, 1), noise(9, 11)]
    equal = [Fuser(network, task("infrared")).fuse(pair).image for network in (Average(), ColourAverage())]
    np.testing.assert_array_equal(*equal)


@pytest.mark.parametrize("name", STACKS)
@pytest.mark.parametrize("gray_at", [0, 2])
def test_gray_among_colour_gives_colour_and_is_told(name: str, gray_at: int) -> None:
    stack = [noise(8, 9, 1 if index == gray_at else 3, index) for index in range(3)]
    result = Fuser(Average(), task(name)).fuse(stack, depth="float")
    assert result.image.shape == (8, 9, 3)
    assert [note for note in result.report.notes if f"picture-{gray_at + 1}" in note and "gray" in note]
    wide = [np.repeat(p[..., None], 3, axis=2) if p.ndim == 2 else p for p in stack]
    expected = Fuser(Average(), task(name)).fuse(wide, depth="float")
    np.testing.assert_allclose(result.image, expected.image, atol=1e-5)
    assert not any("gray" in note for note in expected.report.notes)
    tensors = [torch.rand(1 if index == gray_at else 3, 8, 9) for index in range(3)]
    assert Fuser(Average(), task(name)).fuse(tensors).image.shape == (3, 8, 9)


def test_medical_takes_the_colour_of_the_first_and_depth_and_layout_of_the_mri() -> None:
    pet, mri = noise(8, 9), noise(8, 9, 1, 1, np.uint16)
    mri[0, :2] = 0, 65535
    result = Fuser(Average(), task("medical")).fuse([pet, mri])
    assert (result.image.shape, result.image.dtype) == ((8, 9, 3), np.uint16)
    fused = Fuser(Average(), task("medical")).fuse([pet, mri], depth="float").image.astype(np.float64)
    np.testing.assert_allclose(ycc(fused)[1:], ycc(unit(pet))[1:], atol=1e-6)
    np.testing.assert_allclose(ycc(fused)[0], (unit(pet) @ LUMA + unit(mri)[..., 0]) / 2, atol=1e-6)
    gray = Fuser(Average(), task("medical")).fuse([pet[..., 0], mri])
    assert gray.image.shape == (8, 9)
    brown = Fuser(Average(), task("medical")).fuse([pet[..., 0], pet])
    assert brown.image.shape == (8, 9, 1)
    assert any("colour is turned to luma" in note and "mri" in note for note in brown.report.notes)


def test_pet_is_kept_exactly_where_the_mri_equals_its_luma() -> None:
    pet = torch.rand(3, 12, 13)
    mri = luma(pet[None])[0].clone()
    mri[:, 6:] = 1
    fused = Fuser(Average(), task("medical")).fuse([pet, mri]).image
    assert torch.equal(fused[:, :6], pet[:, :6])
    assert not torch.equal(fused[:, 6:], pet[:, 6:])


def test_the_profile_of_the_colours_travels_with_them() -> None:
    """A gray MRI has no profile that could say what red is."""
    pet = ArraySource(noise(4, 5), "pet", metadata=Metadata(icc=b"colours"))
    mri = ArraySource(noise(4, 5, 1)[..., None], "mri", metadata=Metadata(icc=b"grays", resolution=(300, 300)))
    result = Fuser(Average(), task("medical")).fuse([pet, mri])
    assert result.metadata == Metadata(icc=b"colours", resolution=(300, 300))
    assert Fuser(Average(), task("infrared")).fuse([pet, mri]).metadata == mri.metadata


def test_infrared_is_the_fused_luma_with_the_visibles_chroma_to_the_bit() -> None:
    network = settled_auif()
    infrared, visible = torch.rand(1, 1, 40, 50), torch.rand(1, 3, 40, 50)
    y = luma(visible)
    with torch.inference_mode():
        expected = replace_luma(visible, y, network.fuse([infrared, y]))
    assert torch.equal(Fuser(network, task("infrared")).fuse([infrared, visible]).image, expected)


# Windows


NETWORKS = {
    "average": Average,
    "colour": ColourAverage,
    "sharpest": SharpestWins,
    "weighted": lambda: SharpestWins(power=2),
}


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(OF_PICTURES),
    st.sampled_from(sorted(NETWORKS)),
    st.integers(1, 60),
    st.integers(1, 60),
    st.integers(3, 40),
    st.lists(st.sampled_from([1, 3]), min_size=2, max_size=5),
    st.booleans(),
)
def test_tiled_equals_whole(
    name: str, network: str, height: int, width: int, side: int, channels: list[int], deep: bool
) -> None:
    count = len(channels) if TASKS[name].is_stack else 2
    dtype = np.uint16 if deep else np.uint8
    sources = [noise(height, width, channels[index], index, dtype) for index in range(count)]
    fuser = Fuser(NETWORKS[network](), TASKS[name])
    whole = fuser.fuse(sources, depth="float")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan_module, "tile_side", lambda *_: side)
        tiled = fuser.fuse(sources, depth="float")
    assert np.isfinite(whole.image).all()
    assert tiled.report.tiles == -(-height // side) * -(-width // side)
    np.testing.assert_allclose(tiled.image, whole.image, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", STACKS)
@pytest.mark.parametrize("network", sorted(NETWORKS))
def test_the_order_of_a_stack_does_not_matter_where_the_method_has_none(name: str, network: str) -> None:
    stack = [noise(15, 17, seed=seed) for seed in range(4)]
    fuser = Fuser(NETWORKS[network](), task(name))
    expected = fuser.fuse(stack, depth="float").image
    for order in ([3, 1, 0, 2], [2, 3, 1, 0]):
        np.testing.assert_allclose(fuser.fuse([stack[i] for i in order], depth="float").image, expected, atol=1e-5)


def test_depth_and_alpha_are_those_of_the_first_picture() -> None:
    stack = [np.dstack([noise(5, 6, seed=seed), noise(5, 6, 1, seed + 9)]) for seed in range(3)]
    result = Fuser(Average(), task("focus")).fuse(stack)
    np.testing.assert_array_equal(result.image[..., 3], stack[0][..., 3])
    assert sum("alpha channel is not used" in note for note in result.report.notes) == 2
    mixed = [noise(5, 6, 3, 0, np.uint16), noise(5, 6)]
    assert Fuser(Average(), task("focus")).fuse(mixed).image.dtype == np.uint16
    assert Fuser(Average(), task("focus")).fuse(mixed[::-1]).image.dtype == np.uint8


@pytest.mark.parametrize("name", OF_PICTURES)
def test_batches_and_layouts(name: str) -> None:
    batches = [torch.rand(2, 3, 6, 7) for _ in range(2)]
    fuser = Fuser(Average(), task(name))
    fused = fuser.fuse(batches).image
    assert fused.shape == (2, 3, 6, 7)
    for index in range(2):
        assert torch.equal(fused[index], fuser.fuse([batch[index] for batch in batches]).image)


def test_a_dark_result_is_told_where_the_task_keeps_the_light() -> None:
    bright, dark = np.full((8, 9), 250, np.uint8), np.zeros((8, 9), np.uint8)
    for name in OF_PICTURES:
        first, second = (dark, bright) if TASKS[name].detail_role else (bright, dark)
        notes = Fuser(Average(), task(name)).fuse([first, second]).report.notes
        assert any("darker" in note for note in notes) == (name == "infrared")


def test_a_network_that_asks_for_some_sources_only_still_gets_its_colour() -> None:
    class First(FusionNetwork):
        bytes_per_pixel = 8
        halo = 0

        def fuse(self, sources: Iterable[torch.Tensor], survey: object = None) -> torch.Tensor:
            return next(iter(sources)).clone()

    visible = noise(6, 7)
    fused = Fuser(First(), task("infrared")).fuse([noise(6, 7, 1), visible], depth="float").image
    np.testing.assert_allclose(ycc(fused.astype(np.float64))[1:], ycc(unit(visible))[1:], atol=1e-6)


# Parts


def test_parts_of_a_stack_are_named_by_picture_and_models_without_parts_say_so() -> None:
    stack = [noise(12, 13, seed=seed) for seed in range(3)]
    fuser = Fuser(settled_auif(rule_name="average"), task("exposure"))
    explanation = fuser.explain(stack)
    assert list(explanation) == fuser.part_names(3)
    assert {"picture-1_base", "picture-3_detail_weight", "fused"} <= set(explanation)
    weights = sum(explanation[f"picture-{n}_base_weight"] for n in (1, 2, 3))
    np.testing.assert_allclose(weights, 1, atol=1e-5)
    with pytest.raises(UsageError, match="no parts"):
        Fuser(Average(), task("focus")).explain(stack)
