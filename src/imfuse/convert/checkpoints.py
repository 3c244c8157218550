"""Checkpoints of PyTorch as others published them, read without running what they may hold."""

from __future__ import annotations

import hashlib
import io
import pickle
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import torch
from torch import Tensor

from imfuse.errors import WeightsError
from imfuse.io.naming import shown

LARGEST = 2**28
"""Bytes of a checkpoint; the published networks have less than two million."""

State: TypeAlias = dict[str, Tensor]
"""Tensors by name, float32."""


@dataclass(frozen=True)
class Checkpoint:
    """A file of tensors with names.

    Attributes:
        path: of the file.
        sha256: of its bytes.
        state: its tensors; whole numbers as they were, all others float32.
    """

    path: Path
    sha256: str
    state: State


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a state dictionary that ``torch.save`` wrote; nothing in the file is run.

    Raises:
        WeightsError: it cannot be read, holds something else than tensors with names, or values that are not numbers.
    """
    data = _bytes_of(path)
    state = _loaded(path, data)
    if not isinstance(state, dict) or not state or not all(isinstance(name, str) for name in state):
        raise WeightsError(f"{shown(path)}: holds no tensors with names; give the state dictionary of a network")
    tensors = {name: _checked(path, name, value) for name, value in state.items()}
    # A few bytes can pass for a tensor of any size by strides of 0, and one tensor for many.
    if sum(value.numel() * value.element_size() for value in tensors.values()) > len(data):
        raise WeightsError(f"{shown(path)}: its tensors are larger than the file; give the authors' checkpoint")
    tensors = {name: _plain(path, name, value) for name, value in tensors.items()}
    return Checkpoint(path, hashlib.sha256(data).hexdigest(), tensors)


def _bytes_of(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise WeightsError(f"{shown(path)}: is a folder; give the checkpoint's file")
        if path.exists() and not path.is_file():
            raise WeightsError(f"{shown(path)}: is not a regular file; give the checkpoint's file")
        with path.open("rb") as stream:
            data = stream.read(LARGEST + 1)
    except FileNotFoundError:
        raise WeightsError(f"{shown(path)}: no such file; get the checkpoint from its authors") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise WeightsError(f"{shown(path)}: cannot be read ({reason})") from error
    if len(data) > LARGEST:
        raise WeightsError(f"{shown(path)}: larger than {LARGEST // 2**20} MiB; no checkpoint that imfuse knows is")
    return data


def _loaded(path: Path, data: bytes) -> object:
    """What the file holds.

    Raises:
        WeightsError: it is damaged, no checkpoint, or holds code.
    """
    if path.suffix == ".safetensors":
        raise WeightsError(f"{shown(path)}: is in the format that convert writes; give the authors' checkpoint")
    if zipfile.is_zipfile(io.BytesIO(data)):
        _check_archive(path, data)
    try:
        return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # the reader meets a stranger's bytes and fails in many ways
        # So PyTorch names functions and classes that it does not call.
        called = re.search(r"GLOBAL (\S+)", str(error))
        if isinstance(error, pickle.UnpicklingError) and called:
            raise WeightsError(
                f"{shown(path)}: refused: it holds more than tensors ({shown(called[1][:80])}), and reading it could "
                "run code; give a state dictionary of tensors alone"
            ) from error
        raise _damaged(path) from error


def _damaged(path: Path) -> WeightsError:
    return WeightsError(f"{shown(path)}: not a checkpoint of PyTorch, or a damaged one; get it again")


def _check_archive(path: Path, data: bytes) -> None:
    """Refuse archives of programs, and those that grow when they are unpacked: ``torch.save`` compresses nothing.

    Raises:
        WeightsError: it is such a one.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise _damaged(path) from error
    if any("/code/" in entry.filename for entry in entries):
        raise WeightsError(f"{shown(path)}: refused: it is a TorchScript program and not a state dictionary")
    stored = all(entry.compress_type == zipfile.ZIP_STORED for entry in entries)
    if not stored or sum(entry.file_size for entry in entries) > len(data):
        raise WeightsError(f"{shown(path)}: refused: a compressed archive, which PyTorch does not write")


def _checked(path: Path, name: str, value: object) -> Tensor:
    """A tensor of the file, if it is of a kind that can be used.

    Raises:
        WeightsError: it is not.
    """
    if not isinstance(value, Tensor):
        raise WeightsError(f"{_entry(path, name)} is no tensor; give the state dictionary of a network")
    if value.layout != torch.strided or value.is_quantized or value.is_complex() or value.device.type != "cpu":
        raise WeightsError(f"{_entry(path, name)} is not a plain tensor of real numbers; give the authors' checkpoint")
    return value.detach()


def _plain(path: Path, name: str, value: Tensor) -> Tensor:
    """A tensor of the file, float32 if it is no whole number.

    Raises:
        WeightsError: it holds values that are not numbers.
    """
    plain = value.to(torch.float32) if value.is_floating_point() else value
    if not bool(plain.isfinite().all()):
        raise WeightsError(f"{_entry(path, name)} holds values that are not numbers; get the file again")
    return plain.contiguous()


def _entry(path: Path, name: str) -> str:
    return f"{shown(path)}: {shown(name[:80])}"
