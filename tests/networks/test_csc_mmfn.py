from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from imfuse.errors import UsageError, WeightsError
from imfuse.networks.csc_mmfn import CSCMMFN
from imfuse.ops.colour import srgb_to_linear
from imfuse.ops.fast_guided_filter import fast_guided_filter
from imfuse.ops.padding import reflect_pad
from imfuse.ops.resampling import area_average, upsample_bicubic, with_averages
from imfuse.registry import file_hash, load_network, read_card
from imfuse.train.export import save_model
from peak_memory import in_new_processes, needs_linux, peak_bytes


def settled_csc_mmfn(seed: int = 0, **arguments: object) -> CSCMMFN:
    """A small network of random parameters in float64, nowhere linear by chance. Not a trained network."""
    torch.manual_seed(seed)
    network = CSCMMFN(**{"bands": 5, "filters": 6, "units": 3, **arguments})
    with torch.no_grad():
        for encoder in (network.low_encoder, network.guide_encoder):
            for unit in encoder.units():
                unit.norm.weight.uniform_(0.5, 1.5).mul_(torch.randn(len(unit.norm.weight)).sign())
                unit.norm.bias.normal_(std=0.3)
                unit.norm.running_mean.normal_(std=0.1)
                unit.norm.running_var.uniform_(0.1, 0.3)
                unit.activation.threshold.uniform_(0.05, 0.4)
        network.decoder.weight.normal_(std=0.1)
        network.decoder.bias.normal_(std=0.1)
    return network.eval().requires_grad_(False).double()


def scene(height: int, width: int, scale: int = 4, bands: int = 5, channels: int = 3) -> list[Tensor]:
    generator = torch.Generator().manual_seed(height)
    guide = torch.rand(2, channels, scale * height, scale * width, dtype=torch.double, generator=generator)
    low = 0.5 * torch.rand(2, bands, height, width, dtype=torch.double, generator=generator)
    return [low + 0.5 * area_average(guide, scale).mean(1, keepdim=True), guide]


def literal(network: CSCMMFN, low: Tensor, guide: Tensor) -> Tensor:
    """Section III-C with plain convolutions, and the field's two additions."""

    def code(stack: nn.ModuleList, picture: Tensor) -> Tensor:
        z = torch.zeros(1, 1)
        for index, unit in enumerate(stack):
            residual = picture if not index else picture - unit.conv0(reflect_pad(z, 1))
            z = unit.norm(z + unit.conv1(reflect_pad(residual, 1)))
            z = z.sign() * (z.abs() - unit.activation.threshold.reshape(1, -1, 1, 1)).relu()
        return z

    light = srgb_to_linear(guide) if network.guide_transfer == "linear" else guide
    z_low, z_guide = code(network.low_encoder, low), code(network.guide_encoder, light)
    seen = area_average(z_guide, network.scale)
    raised = fast_guided_filter(seen, z_low, z_guide, network.radius, network.epsilon)
    fused = network.decoder(reflect_pad(raised, 1))
    if network.residual:
        fused = fused + upsample_bicubic(low, network.scale)
    return with_averages(fused, low) if network.consistent else fused


@pytest.mark.parametrize("residual", [True, False])
@pytest.mark.parametrize("consistent", [True, False])
@pytest.mark.parametrize("transfer", ["srgb", "linear"])
def test_it_is_the_papers_equations(residual: bool, consistent: bool, transfer: str) -> None:
    network = settled_csc_mmfn(residual=residual, consistent=consistent, guide_transfer=transfer, filters=20)
    sources = scene(9, 7)
    expected = literal(network, *sources)
    torch.testing.assert_close(network.fuse(sources), expected)
    with torch.no_grad():  # folded, and a few maps after the other
        torch.testing.assert_close(network.fuse(iter(sources)), expected)


@pytest.mark.parametrize(
    ("bands", "channels", "scale", "size"),
    [(31, 3, 4, (5, 7)), (8, 1, 4, (3, 5)), (1, 4, 3, (1, 1)), (4, 1, 8, (2, 3)), (3, 2, 1, (9, 5)), (5, 3, 5, (3, 1))],
)
def test_any_bands_channels_scales_and_odd_sizes(bands: int, channels: int, scale: int, size: tuple[int, int]) -> None:
    network = settled_csc_mmfn(bands=bands, guide_channels=channels, scale=scale)
    low, guide = scene(*size, scale, bands, channels)
    with torch.no_grad():
        fused = network.fuse([low, guide])
        assert fused.shape == (2, bands, scale * size[0], scale * size[1])
        torch.testing.assert_close(fused, literal(network, low, guide))
        torch.testing.assert_close(area_average(fused, scale), low, atol=1e-6, rtol=0)
        torch.testing.assert_close(network.fuse([low[1:], guide[1:]]), fused[1:])


def test_an_untrained_network_interpolates() -> None:
    low, guide = scene(6, 5)
    with torch.no_grad():
        fused = CSCMMFN(bands=5, filters=4, consistent=False).double().eval().fuse([low, guide])
    torch.testing.assert_close(fused, upsample_bicubic(low, 4))


def test_bands_have_no_order() -> None:
    """With its filters in another order the network gives the bands in that order."""
    network, other = settled_csc_mmfn(), settled_csc_mmfn()
    order = torch.tensor([3, 0, 4, 1, 2])
    with torch.no_grad():
        for unit in other.low_encoder.units():
            unit.conv1.weight.copy_(unit.conv1.weight[:, order])
            if unit.conv0 is not None:
                unit.conv0.weight.copy_(unit.conv0.weight[order])
        other.decoder.weight.copy_(other.decoder.weight[order])
        other.decoder.bias.copy_(other.decoder.bias[order])
        low, guide = scene(7, 6)
        torch.testing.assert_close(other.fuse([low[:, order], guide]), network.fuse([low, guide])[:, order])


@pytest.mark.parametrize(("scale", "radius", "consistent"), [(2, 1, True), (4, 2, False), (3, 1, False)])
def test_a_window_with_its_halo_is_the_whole_and_no_pixel_reaches_farther(
    scale: int, radius: int, consistent: bool
) -> None:
    network = settled_csc_mmfn(scale=scale, radius=radius, consistent=consistent, units=2, epsilon=0.1)
    halo = network.halo
    side = 2 * halo + 5
    low, guide = scene(side, side, scale)
    with torch.no_grad():
        whole = network.fuse([low, guide])
        core = slice(halo + 1, halo + 4)
        window, fine = slice(1, side - 1), slice(scale, scale * (side - 1))
        part = network.fuse([low[..., window, window], guide[..., fine, fine]])
        inside = slice(halo * scale, (halo + 3) * scale)
        expected = whole[..., core.start * scale : core.stop * scale, core.start * scale : core.stop * scale]
        torch.testing.assert_close(part[..., inside, inside], expected, atol=1e-12, rtol=0)
        centre = side // 2
        changed = [source.clone() for source in (low, guide)]
        changed[0][..., centre, centre] += 0.3
        changed[1][..., centre * scale, centre * scale] += 0.3
        reaches = []
        for sources in ([changed[0], guide], [low, changed[1]]):
            touched = (network.fuse(sources) - whole).abs()[0].amax(0).gt(1e-14).nonzero()
            reaches.append(int((touched.div(scale, rounding_mode="floor") - centre).abs().max()))
    assert max(reaches) <= halo
    assert max(reaches) >= halo - 2


def test_gradients_in_float64() -> None:
    network = settled_csc_mmfn(units=2, filters=3, bands=2, scale=2, epsilon=0.1)
    low, guide = (source[:1].requires_grad_() for source in scene(4, 3, 2, bands=2))
    assert torch.autograd.gradcheck(lambda x, y: network.fuse([x, y]), (low, guide))


def test_every_parameter_learns() -> None:
    network = CSCMMFN(bands=5, filters=4, units=2, consistent=False).double().eval()
    nn.init.normal_(network.decoder.weight, std=0.1)
    low, guide = scene(6, 6)
    network(low, guide).square().mean().backward()
    still = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().max() > 1e-9]
    assert not still


class Sharpen(nn.Module):
    """Bands and guide as two arguments."""

    def __init__(self, network: CSCMMFN) -> None:
        super().__init__()
        self.network = network

    def forward(self, low: Tensor, guide: Tensor) -> Tensor:
        return self.network.fuse([low, guide])


def exported(model: Sharpen) -> ExportedProgram:
    """With height and width of the bands left open; the guide's are four times as many."""
    height, width = Dim("height", min=4, max=4096), Dim("width", min=4, max=4096)
    shapes = ({2: height, 3: width}, {2: 4 * height, 3: 4 * width})
    kind = model.network.decoder.weight.dtype
    return torch.export.export(model, tuple(x.to(kind) for x in scene(9, 7)), dynamic_shapes=shapes)


@pytest.mark.parametrize("recorded", [True, False])
def test_the_exported_network_equals_the_eager_one_at_other_sizes(recorded: bool) -> None:
    model = Sharpen(settled_csc_mmfn())
    with torch.set_grad_enabled(recorded):
        graph = exported(model).module()
        for size in ((9, 7), (5, 12)):
            sources = scene(*size)
            torch.testing.assert_close(graph(*sources), model(*sources))


def test_onnx_equals_eager(tmp_path: Path) -> None:
    """In float32, since onnxruntime averages no doubles; with an ε at which that is exact enough to compare."""
    for package in ("onnx", "onnxscript"):
        pytest.importorskip(package)
    runtime = pytest.importorskip("onnxruntime")
    model = Sharpen(settled_csc_mmfn(units=2, epsilon=0.1, guide_transfer="linear").float())
    with torch.no_grad():
        program = torch.onnx.export(exported(model), dynamo=True, input_names=["bands", "guide"])
    program.save(tmp_path / "network.onnx")
    session = runtime.InferenceSession(tmp_path / "network.onnx", providers=["CPUExecutionProvider"])
    for size in ((9, 7), (5, 12), (4, 4)):
        bands, guide = (x.float() for x in scene(*size))
        (fused,) = session.run(None, {"bands": bands.numpy(), "guide": guide.numpy()})
        torch.testing.assert_close(torch.from_numpy(fused), model(bands, guide), atol=1e-4, rtol=0)


def test_it_is_saved_and_loaded(tmp_path: Path) -> None:
    network = settled_csc_mmfn(bands=4, scale=2, guide_transfer="linear").float()
    arguments = {"bands": 4, "scale": 2, "guide_transfer": "linear", "filters": 6, "units": 3}
    path = tmp_path / "csc-mmfn-x2.safetensors"
    card = save_model(
        network,
        path,
        network="csc_mmfn",
        arguments=arguments,
        tasks=("spectral",),
        paper="",
        data={},
        recipe={},
        selection="",
        figures={},
    )
    assert card.sha256 == file_hash(path)
    sources = [source.float() for source in scene(6, 5, 2, 4)]
    with torch.no_grad():
        assert torch.equal(load_network(read_card(path.with_suffix(".json"))).fuse(sources), network.fuse(sources))
    path.with_suffix(".json").write_text(path.with_suffix(".json").read_text().replace('"bands": 4', '"bands": 5'))
    with pytest.raises(WeightsError, match="cannot be loaded into csc_mmfn"):
        load_network(read_card(path.with_suffix(".json")))


def test_sources_that_are_no_scene_of_this_model_are_told() -> None:
    network = settled_csc_mmfn()
    low, guide = scene(6, 5)
    with pytest.raises(UsageError, match="3 sources"):
        network.fuse([low, guide, guide])
    with pytest.raises(UsageError, match=r"4 bands and a guide of 3 channels: this model is for 5 bands"):
        network.fuse([low[:, 1:], guide])
    with pytest.raises(UsageError, match=r"6×5 pixels .* guide 23×20: .* 4 times the size, 24×20"):
        network.fuse([low, guide[..., 1:, :]])
    with pytest.raises(UsageError, match="one guide for each"):
        network.fuse([low, guide[:1]])
    for wrong in ({"bands": 0}, {"scale": 0}, {"epsilon": 0.0}, {"radius": 0}, {"guide_transfer": "gamma"}):
        with pytest.raises(UsageError):
            CSCMMFN(**wrong)


def taken(bands: int, scale: int, side: int, filters: int) -> tuple[float, float]:
    """Bytes per pixel of the guide and band that a scene takes, and those that are declared."""
    network = CSCMMFN(bands=bands, scale=scale, filters=filters, units=2).eval()
    network.fuse([torch.rand(1, bands, 8, 8), torch.rand(1, 3, 8 * scale, 8 * scale)])
    sources = [torch.rand(1, bands, side // scale, side // scale), torch.rand(1, 3, side, side)]
    return peak_bytes(lambda: network.fuse(sources)) / side**2 / bands, network.bytes_per_pixel


@needs_linux
def test_it_takes_no_more_memory_than_it_declares() -> None:
    for measured, declared in in_new_processes(taken, [(31, 4, 512, 64), (8, 1, 384, 32)]):
        assert declared / 3 < measured <= declared
