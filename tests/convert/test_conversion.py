"""Published checkpoints become weights that give what the published networks give."""

import hashlib
import json
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import imfuse
from imfuse.cli import app
from imfuse.convert import convert_checkpoint
from imfuse.convert.fnet import translated_state
from imfuse.errors import UsageError
from imfuse.networks.auif import AUIF
from imfuse.networks.ifcnn import IFCNN
from imfuse.ops.colour import luma
from published_files import auif_states, fnet_state, ifcnn_state, literal_auif, literal_ifcnn, save

SCHEMES = [("MAX", "maximum"), ("MEAN", "average"), ("SUM", "addition")]


@pytest.mark.parametrize(("scheme", "rule_name"), SCHEMES)
@pytest.mark.parametrize("channels", [1, 3])
def test_ifcnn_gives_what_the_released_network_gives(
    tmp_path: Path, scheme: str, rule_name: str, channels: int
) -> None:
    state = ifcnn_state()
    files = save(tmp_path, {f"IFCNN-{scheme}.pth": state})
    convert_checkpoint(files, tmp_path / "published.safetensors")
    network = imfuse.load(tmp_path / "published.safetensors").network
    assert isinstance(network, IFCNN)
    assert network.rule_name == rule_name
    sources = list(torch.rand(3, 1, channels, 37, 29))
    literal = literal_ifcnn(state, [source.expand(-1, 3, -1, -1) for source in sources], scheme)
    with torch.inference_mode():
        fused = network.fuse(sources)
    torch.testing.assert_close(fused, literal if channels == 3 else luma(literal), rtol=0, atol=1e-5)


def test_auif_gives_what_the_released_network_gives(tmp_path: Path) -> None:
    states = auif_states()
    files = save(tmp_path, states)
    sources = list(torch.rand(2, 1, 1, 31, 40))
    expected = literal_auif(states, sources)
    assert expected.std() > 0.01
    for order, files_in_order in enumerate(permutations(files)):
        weights = tmp_path / f"auif-{order}.safetensors"
        convert_checkpoint(files_in_order, weights)
        network = imfuse.load(weights).network
        assert isinstance(network, AUIF)
        torch.testing.assert_close(network.fuse(sources), expected, rtol=0, atol=1e-4)


def test_fnet_gets_the_released_values(tmp_path: Path) -> None:
    """The names differ and scalars lie in vectors of one; the network itself is compared in its own tests."""
    state = fnet_state()
    (file,) = save(tmp_path, {"FNet.pth": state})
    card = convert_checkpoint([file], tmp_path / "fnet-published.safetensors").card
    assert (card.parameters, card.tasks) == (419_916, ("medical", "infrared"))
    converted = imfuse.load(card.weights_path).network.state_dict()
    ours = translated_state(state)
    assert converted.keys() == ours.keys()
    assert all(torch.equal(converted[name], value) for name, value in ours.items())
    with pytest.raises(UsageError, match="no rule"):
        convert_checkpoint([file], tmp_path / "x.safetensors", rule="average")


def test_what_a_file_is_stands_in_it_and_not_in_its_name(tmp_path: Path) -> None:
    states = list(auif_states().values())
    files = save(tmp_path, {"IFCNN-MAX.pth": states[1], "b.bin": states[2], "a.safetensors.pt": states[0]})
    conversion = convert_checkpoint(files, tmp_path / "x.safetensors")
    assert (conversion.released.name, conversion.card.network) == ("AUIF", "auif")
    assert conversion.card.parameters == 20 * (64 * 9 + 5) + 9 + 2
    files = save(tmp_path, {"TCSVT_Decoder.model": ifcnn_state()})
    assert convert_checkpoint(files, tmp_path / "y.safetensors").card.network == "ifcnn"


@pytest.mark.parametrize(
    ("name", "asked", "expected"),
    [
        ("IFCNN-MAX.pth", None, "maximum"),
        ("my_ifcnn_mean-2.pth", None, "average"),
        ("IFCNN-SUM.pth", None, "addition"),
        ("IFCNN-SUM.pth", "average", "average"),
        ("summary.pth", None, "maximum"),
        ("max-or-mean.pth", None, "maximum"),
    ],
)
def test_the_rule_is_the_one_asked_for_or_the_names_or_the_maximum(
    tmp_path: Path, name: str, asked: str | None, expected: str
) -> None:
    conversion = convert_checkpoint(save(tmp_path, {name: ifcnn_state()}), tmp_path / "x.safetensors", rule=asked)
    assert conversion.card.arguments["rule_name"] == expected
    assert imfuse.load(conversion.card.weights_path).network.rule_name == expected
    assert conversion.card.tasks[0] == ("exposure" if expected == "average" else "focus")
    assert bool(conversion.notes) == (asked is None)
    assert all(expected in note for note in conversion.notes)


def test_the_card_says_where_the_weights_come_from(tmp_path: Path) -> None:
    files = save(tmp_path, auif_states())
    card = convert_checkpoint(files, tmp_path / "auif-published.safetensors").card
    assert card == imfuse.registry.read_card(tmp_path / "auif-published.json")
    assert card.name == "auif-published"
    assert card.learned
    assert card.recipe["converted"] == {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
    assert "authors" in card.licence
    assert "Apache" not in card.licence
    assert "published by its authors" in " ".join(card.data.values())
    assert card.sha256 == hashlib.sha256((tmp_path / "auif-published.safetensors").read_bytes()).hexdigest()


def test_older_and_newer_formats_of_files_are_read(tmp_path: Path) -> None:
    """Those before PyTorch 1.6 are no archives; double precision and views of larger tensors are values like others."""
    state = ifcnn_state()
    torch.save(state, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    torch.save({name: value.double() for name, value in state.items()}, tmp_path / "double.pth")
    torch.save({name: value.clone().mT.contiguous().mT if value.ndim > 1 else value for name, value in state.items()},
               tmp_path / "turned.pth")  # fmt: skip
    hashes = {
        convert_checkpoint([tmp_path / f"{name}.pth"], tmp_path / f"{name}.safetensors").card.sha256
        for name in ("old", "double", "turned")
    }
    assert len(hashes) == 1


def test_the_command_makes_a_model_that_fuse_and_explain_take(tmp_path: Path) -> None:
    files = save(tmp_path, auif_states(layers=2))
    weights, run = tmp_path / "auif-published.safetensors", CliRunner()
    done = run.invoke(app, ["convert", *map(str, files), "-o", str(weights), "--rule", "average"])
    assert done.exit_code == 0, done.output
    assert "AUIF" in done.output
    assert f"--model {weights}" in done.output
    assert json.loads(weights.with_suffix(".json").read_text())["arguments"]["rule_name"] == "average"
    rng, sources = np.random.default_rng(0), []
    for name in ("ir", "vis"):
        sources.append(str(tmp_path / f"{name}.png"))
        imfuse.io.save_image(sources[-1], rng.integers(0, 256, (23, 30), np.uint8))
    made = ["-o", str(tmp_path / "fused.png"), "--model", str(weights)]
    assert run.invoke(app, ["fuse", *sources, *made]).exit_code == 0
    assert run.invoke(app, ["explain", *sources, "-o", str(tmp_path / "parts"), "--model", str(weights)]).exit_code == 0
    assert (tmp_path / "fused.png").exists()
    assert (tmp_path / "parts/infrared_base.png").exists()


@pytest.mark.data
@pytest.mark.parametrize(("scheme", "rule_name"), SCHEMES)
def test_published_ifcnn_gives_its_published_outputs(
    reference_dir: Path, tmp_path: Path, scheme: str, rule_name: str
) -> None:
    weights = tmp_path / "published.safetensors"
    convert_checkpoint([reference_dir / f"weights/IFCNN-{scheme}.pth"], weights)
    network = imfuse.load(weights).network
    assert network.rule_name == rule_name
    files = sorted((reference_dir / "outputs/ifcnn").glob(f"{scheme}_*.npz"))
    assert files
    for path in files:
        entries = np.load(path)
        sources = [torch.from_numpy(entries[key]) for key in ("a", "b", "ir", "vis") if key in entries]
        with torch.inference_mode():
            fused = network.fuse(sources)
        np.testing.assert_allclose(fused.numpy(), entries["fused"], rtol=0, atol=1e-5)


@pytest.mark.data
def test_published_auif_gives_its_published_outputs(reference_dir: Path, tmp_path: Path) -> None:
    weights = tmp_path / "published.safetensors"
    convert_checkpoint(sorted((reference_dir / "weights").glob("TCSVT_*.model")), weights)
    network = imfuse.load(weights).network
    assert isinstance(network, AUIF)
    for name in ("TNO_10", "FLIR_1"):
        entries = np.load(reference_dir / f"outputs/auif/{name}.npz")
        infrared, visible = (torch.from_numpy(entries[key])[None, None] for key in ("ir", "vis"))
        with torch.inference_mode():
            fused, maps = network.fuse([infrared, visible]), network.encode(infrared)
        np.testing.assert_allclose(fused[0, 0].numpy(), entries["out"], rtol=0, atol=1e-4)
        for key, found in zip(("base_ir", "detail_ir"), maps, strict=True):
            if key in entries:
                np.testing.assert_allclose(found.numpy(), entries[key], rtol=0, atol=1e-4)


@pytest.mark.data
def test_published_fnet_is_converted(reference_dir: Path, tmp_path: Path) -> None:
    card = convert_checkpoint([reference_dir / "weights/FNet.pth"], tmp_path / "published.safetensors").card
    assert card.parameters == 419_916
    entries = np.load(reference_dir / "outputs/fnet/MRI_CT_11.npz")
    sources = [torch.from_numpy(entries[key])[None, None, :64, :64] for key in ("A", "B")]
    network = imfuse.load(card.weights_path).network
    with torch.inference_mode():
        fused = network.fuse(sources)
    assert fused.shape == (1, 1, 64, 64)
    torch.testing.assert_close(fused, network.literal(*sources), rtol=0, atol=1e-3)
