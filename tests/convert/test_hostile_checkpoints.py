"""What is no published checkpoint is refused, with words that say so, and leaves nothing behind."""

import io
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from imfuse.cli import app
from imfuse.convert import convert_checkpoint
from imfuse.errors import ImfuseError, OutputError, UsageError, WeightsError
from published_files import DECODER, auif_states, ifcnn_state, save


class Marker:
    """Touches a file where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.path),)


def compressed(path: Path, state: object) -> None:
    stream = io.BytesIO()
    torch.save(state, stream)
    with zipfile.ZipFile(stream) as plain, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for entry in plain.infolist():
            packed.writestr(entry.filename, plain.read(entry))


def broken(name: str, value: torch.Tensor) -> Callable[[Path], None]:
    return lambda path: torch.save(ifcnn_state() | {name: value}, path)


def truncated(path: Path) -> None:
    torch.save(ifcnn_state(), path)
    path.write_bytes(path.read_bytes()[:100_000])


def without(name: str) -> Callable[[Path], None]:
    return lambda path: torch.save({key: value for key, value in ifcnn_state().items() if key != name}, path)


WRONG: dict[str, tuple[Callable[[Path], object], str]] = {
    "no file": (lambda path: None, "no such file"),
    "a folder": (lambda path: path.mkdir(), "is a folder"),
    "a pipe": (os.mkfifo, "not a regular file"),
    "empty": (lambda path: path.write_bytes(b""), "not a checkpoint"),
    "text": (lambda path: path.write_text("hello\n" * 50), "not a checkpoint"),
    "a picture": (lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(500)), "not a checkpoint"),
    "truncated": (truncated, "not a checkpoint"),
    "a plain pickle": (lambda path: path.write_bytes(pickle.dumps({"a": 1})), "checkpoint|tensor"),
    "a plain archive": (lambda path: zipfile.ZipFile(path, "w").close(), "not a checkpoint"),
    "a compressed archive": (lambda path: compressed(path, ifcnn_state()), "compressed"),
    "code": (lambda path: torch.save({"a": Marker(path.parent / "ran")}, path), "could run code"),
    "a whole module": (lambda path: torch.save(torch.nn.Linear(2, 2), path), "could run code"),
    "a list": (lambda path: torch.save([torch.ones(3)], path), "no tensors with names"),
    "a tensor": (lambda path: torch.save(torch.ones(3), path), "no tensors with names"),
    "nothing": (lambda path: torch.save({}, path), "no tensors with names"),
    "numbers for names": (lambda path: torch.save({1: torch.ones(3)}, path), "no tensors with names"),
    "words": (lambda path: torch.save({"conv1.weight": "seven"}, path), "is no tensor"),
    "another network": (lambda path: torch.save(torch.nn.Linear(2, 2).state_dict(), path), "no checkpoint that imfuse"),
    "sparse": (broken("conv4.bias", torch.ones(3).to_sparse()), "not a plain tensor"),
    "complex": (broken("conv4.bias", torch.ones(3, dtype=torch.complex64)), "not a plain tensor"),
    "not a number": (broken("conv4.bias", torch.tensor([0.0, float("nan"), 0.0])), "conv4.bias holds values"),
    "too large for float32": (broken("conv4.bias", torch.tensor([0.0, 1e300, 0.0]).double()), "conv4.bias holds"),
    "larger than the file": (broken("conv4.bias", torch.ones(1).expand(10**12)), "larger than the file"),
    "a wrong shape": (broken("conv4.bias", torch.ones(4)), r"conv4.bias is \(4,\) and should be \(3,\)"),
    "wrong kernels": (broken("conv1.weight", torch.ones(64, 3, 5, 5)), r"conv1.weight is \(64, 3, 5, 5\)"),
    "a scalar": (broken("conv1.weight", torch.ones(())), r"conv1.weight is \(\) and should be \(filters, 3, 7, 7\)"),
    "very many filters": (broken("conv1.weight", torch.ones(5000, 1, 1, 1)), r"conv1.weight is \(5000, 1"),
    "one entry more": (broken("conv5.weight", torch.ones(2)), "has beyond it conv5.weight"),
    "one entry less": (without("conv3.bn.weight"), "lacks conv3.bn.weight"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_no_published_checkpoint_is_refused(tmp_path: Path, kind: str) -> None:
    make, words = WRONG[kind]
    path = tmp_path / "IFCNN-MAX.pth"
    make(path)
    before = set(tmp_path.iterdir())
    with pytest.raises(WeightsError, match=words) as told:
        convert_checkpoint([path], tmp_path / "x.safetensors")
    assert str(path) in str(told.value)
    assert "\n" not in str(told.value)
    assert set(tmp_path.iterdir()) == before


def test_programs_in_torchscript_are_refused(tmp_path: Path) -> None:
    with pytest.warns(DeprecationWarning):
        torch.jit.script(torch.nn.Linear(2, 2)).save(str(tmp_path / "x.pth"))
    with pytest.raises(WeightsError, match="TorchScript"):
        convert_checkpoint([tmp_path / "x.pth"], tmp_path / "x.safetensors")


def test_of_auif_all_three_files_are_needed_once(tmp_path: Path) -> None:
    base, detail, decoder = save(tmp_path, auif_states(layers=1))
    (other,) = save(tmp_path, {"IFCNN-MAX.pth": ifcnn_state()})
    output = tmp_path / "x.safetensors"
    with pytest.raises(WeightsError, match=r"AUIF needs the decoder \(TCSVT_Decoder.model\) too"):
        convert_checkpoint([base, detail], output)
    with pytest.raises(WeightsError, match=r"needs the base encoder .* and the detail encoder .* too"):
        convert_checkpoint([decoder], output)
    with pytest.raises(WeightsError, match="both hold the base encoder"):
        convert_checkpoint([base, detail, decoder, base], output)
    with pytest.raises(WeightsError, match=r"IFCNN-MAX.pth is of IFCNN and .*Base.model of AUIF"):
        convert_checkpoint([other, base, detail, decoder], output)
    with pytest.raises(UsageError, match="give the files"):
        convert_checkpoint([], output)
    assert not output.exists()


def test_encoders_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    states = auif_states(layers=2)
    states["TCSVT_Encoder_Detail.model"] = auif_states(layers=3)["TCSVT_Encoder_Detail.model"]
    with pytest.raises(WeightsError, match=r"has beyond it detail_encoder.2"):
        convert_checkpoint(save(tmp_path, states), tmp_path / "x.safetensors")
    states = auif_states(layers=1)
    states[DECODER]["decoder.1.weight"] = torch.ones(1, 1, 5, 5)
    with pytest.raises(WeightsError, match=r"decoder_conv.weight is"):
        convert_checkpoint(save(tmp_path, states), tmp_path / "x.safetensors")


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("x.pth", UsageError, "give the name of a .safetensors file"),
        ("x", UsageError, "give the name of a .safetensors file"),
        ("a b.safetensors", UsageError, "becomes the model's name"),
        (".safetensors", UsageError, "safetensors"),
        ("missing/x.safetensors", OutputError, "does not exist"),
        ("IFCNN-MAX.pth/x.safetensors", OutputError, "is not a folder"),
        ("folder.safetensors", OutputError, "is a folder"),
        ("there.safetensors", OutputError, "exists already"),
        ("card.safetensors", OutputError, "card.json: exists already"),
    ],
)
def test_outputs_that_cannot_be_are_refused(tmp_path: Path, name: str, kind: type[ImfuseError], words: str) -> None:
    (source,) = save(tmp_path, {"IFCNN-MAX.pth": ifcnn_state()})
    (tmp_path / "folder.safetensors").mkdir()
    (tmp_path / "there.safetensors").write_text("mine")
    (tmp_path / "card.json").write_text("mine")
    with pytest.raises(kind, match=words):
        convert_checkpoint([source], tmp_path / name)
    assert (tmp_path / "there.safetensors").read_text() == (tmp_path / "card.json").read_text() == "mine"


def test_what_exists_is_replaced_when_asked_but_never_a_source(tmp_path: Path) -> None:
    source, other = save(tmp_path, {"IFCNN-MAX.pth": ifcnn_state(), "IFCNN-SUM.pth": ifcnn_state(1)})
    output = tmp_path / "x.safetensors"
    first = convert_checkpoint([source], output).card
    second = convert_checkpoint([other], output, overwrite=True).card
    assert first.sha256 != second.sha256
    itself = tmp_path / "y.safetensors"
    itself.symlink_to(source)
    with pytest.raises(OutputError, match="one of the files to convert"):
        convert_checkpoint([source], itself, overwrite=True)
    with pytest.raises(UsageError, match="choose one of maximum, average, addition"):
        convert_checkpoint([source], output, rule="l1_norm", overwrite=True)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_told(tmp_path: Path) -> None:
    (source,) = save(tmp_path, {"IFCNN-MAX.pth": ifcnn_state()})
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    with pytest.raises(OutputError, match="permission"):
        convert_checkpoint([source], locked / "x.safetensors")


def test_the_command_tells_errors_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "evil.pth"
    torch.save({"a": Marker(tmp_path / "ran")}, path)
    done = CliRunner().invoke(app, ["convert", str(path), "-o", str(tmp_path / "x.safetensors")])
    assert isinstance(done.exception, WeightsError)
    assert list(tmp_path.iterdir()) == [path]
