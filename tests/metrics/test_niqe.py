import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from scipy.io import savemat
from skimage import data
from torch import Tensor

from imfuse.errors import DataError, OutputError, UsageError
from imfuse.metrics import evaluate, niqe
from imfuse.metrics.blind.fit import fit_pristine_model, main
from imfuse.metrics.blind.models import NIQE_MODEL, niqe_model
from imfuse.metrics.blind.niqe import niqe_features
from imfuse.metrics.blind.scene_statistics import fit_asymmetric_gaussian, normalise


def photograph(height: int = 230, width: int = 300) -> Tensor:
    return torch.from_numpy(data.camera()[100 : 100 + height, 100 : 100 + width])[None, None]


def own_model(folder: Path, picture: Tensor, shift: float = 0.0, scale: float = 1.0) -> Path:
    """The picture's own statistics as the pristine ones."""
    features, _ = niqe_features(picture[:, 0].double())
    path = folder / "model.safetensors"
    save_file({"mean": features[0].mean(dim=0) + shift, "covariance": features[0].T.cov() * scale}, path)
    return path


def test_distance_from_its_own_statistics(tmp_path: Path) -> None:
    picture = photograph()
    assert niqe(picture, own_model(tmp_path, picture)).item() == 0.0
    features = niqe_features(picture[:, 0].double())[0][0].numpy()
    identity = tmp_path / "identity.safetensors"
    mean = torch.linspace(0.0, 1.0, 36, dtype=torch.float64)
    save_file({"mean": mean, "covariance": torch.eye(36, dtype=torch.float64)}, identity)
    difference = features.mean(axis=0) - mean.numpy()
    inverse = np.linalg.inv((np.cov(features, rowvar=False) + np.eye(36)) / 2)
    assert niqe(picture, identity).item() == pytest.approx(np.sqrt(difference @ inverse @ difference), rel=1e-9)


def test_features_of_one_block() -> None:
    picture = photograph()[:, 0].double()
    features, sharpness = niqe_features(picture)
    assert features.shape == (1, 6, 36)
    whole, deviation = normalise(picture[:, :192, :288])
    block = (slice(None), slice(96, 192), slice(192, 288))  # the last of 2 rows of 3
    assert sharpness[0, 5].item() == pytest.approx(deviation[block].mean().item())
    fit = fit_asymmetric_gaussian(whole[block])
    left, right = fit.scales()
    expected = [fit.shape.item(), (left + right).item() / 2]
    values = whole[block][0].numpy()
    for shift in ((0, 1), (1, 0), (1, 1), (1, -1)):
        fit = fit_asymmetric_gaussian(torch.from_numpy(values * np.roll(values, shift, (0, 1)))[None])
        expected += [part.item() for part in (fit.shape, fit.mean(), *fit.scales())]
    assert features[0, 5, :18].tolist() == pytest.approx(expected, rel=1e-12)


def test_half_scale_is_filtered_and_mirrored() -> None:
    """Brute force: cubic weights (a = −0.5) of twice the width around each new centre, mirrored at the border."""
    from imfuse.metrics.blind.niqe import _half

    def cubic(x: np.ndarray) -> np.ndarray:
        x = np.abs(x)
        near, far = 1.5 * x**3 - 2.5 * x**2 + 1, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
        return np.where(x <= 1, near, np.where(x < 2, far, 0.0))

    size = 12
    matrix = np.zeros((size // 2, size))
    for row in range(size // 2):
        for at in range(-4, size + 4):
            inside = -1 - at if at < 0 else 2 * size - 1 - at if at >= size else at
            matrix[row, inside] += cubic((at - (2 * row + 0.5)) / 2) / 2
    picture = np.random.default_rng(1).uniform(0, 255, (size, size))
    np.testing.assert_allclose(_half(torch.from_numpy(picture)[None])[0], matrix @ picture @ matrix.T, rtol=1e-12)


def test_only_whole_blocks_count() -> None:
    picture = photograph(250, 300)
    assert torch.equal(niqe(picture), niqe(picture[..., :192, :288]))
    changed = picture.clone()
    changed[..., 192:, :] = 0
    assert torch.equal(niqe(changed), niqe(picture))


def test_degraded_photographs_are_worse() -> None:
    picture = photograph(288, 384).double() / 255
    noise = torch.randn(picture.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    blurred = torch.nn.functional.avg_pool2d(picture, 7, 1, 3)
    best = niqe(picture).item()
    values = [niqe(other.clamp(0, 1)).item() for other in (picture + 0.04 * noise, picture + 0.1 * noise, blurred)]
    assert best < values[0] < values[1]
    assert best < values[2]


def test_flat_blocks_are_left_out_and_flat_pictures_have_no_value() -> None:
    assert niqe(torch.full((1, 1, 96, 192), 90, dtype=torch.uint8)).isnan().all()
    picture = photograph(192, 288).clone()
    picture[..., :96, :96] = 255
    assert niqe(picture).isfinite().all()
    assert niqe_features(picture[:, 0].double())[0][0, 0].isnan().any()


def test_smallest_pictures() -> None:
    for size in ((96, 192), (192, 96)):
        picture = photograph(*size)
        assert niqe(picture).isfinite().all()
        assert "niqe" in evaluate(picture)
    for size in ((95, 300), (96, 191), (190, 190)):
        with pytest.raises(UsageError, match="needs two blocks of 96×96"):
            niqe(photograph(*size))
    assert "niqe" not in evaluate(photograph(95, 300))


def test_models_of_every_kind_of_file_agree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = photograph()
    path = own_model(tmp_path, picture, shift=0.1, scale=2.0)
    expected = niqe(picture, path)
    mean, covariance = (load_file(path)[name].numpy() for name in ("mean", "covariance"))
    np.savez(tmp_path / "live.npz", mu_pris_param=mean[None], cov_pris_param=covariance)
    savemat(tmp_path / "live.mat", {"mu_prisparam": mean[None], "cov_prisparam": covariance})
    for name in ("live.npz", "live.mat"):
        assert torch.equal(niqe(picture, tmp_path / name), expected)
    assert not torch.equal(niqe(picture), expected)
    monkeypatch.setenv("IMFUSE_NIQE_MODEL", str(path))
    assert torch.equal(niqe(picture), expected)


def test_unfit_models(tmp_path: Path) -> None:
    picture = photograph()
    with pytest.raises(UsageError, match=r"missing.npz is not there"):
        niqe(picture, tmp_path / "missing.npz")
    np.savez(tmp_path / "names.npz", a=np.zeros(3))
    np.savez(tmp_path / "sizes.npz", mean=np.zeros(35), covariance=np.eye(36))
    (tmp_path / "damaged.safetensors").write_bytes(b"12345678901234")
    (tmp_path / "damaged.npz").write_bytes(b"PK\3\4")
    (tmp_path / "damaged.mat").write_bytes(b"0" * 200)
    for path in tmp_path.iterdir():
        with pytest.raises(UsageError, match=path.name):
            niqe(picture, path)


def test_mat_files_need_scipy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "live.mat").touch()
    monkeypatch.setitem(sys.modules, "scipy.io", None)
    with pytest.raises(UsageError, match="pip install scipy"):
        niqe(photograph(), tmp_path / "live.mat")


def test_own_model_and_its_card() -> None:
    card = json.loads(NIQE_MODEL.with_suffix(".json").read_text())
    assert hashlib.sha256(NIQE_MODEL.read_bytes()).hexdigest() == card["sha256"]
    model = niqe_model()
    assert model.mean.shape == (36,)
    torch.testing.assert_close(model.covariance, model.covariance.T, rtol=1e-12, atol=0)
    assert torch.linalg.eigvalsh(model.covariance).min() > 0
    assert model.mean[[0, 2, 6, 10, 14]].min() > 0.5  # shapes of photographs: between a Laplacian's and a Gaussian's
    assert model.mean[0] < 3.0


def test_fit_is_mean_and_covariance_of_the_sharp_blocks() -> None:
    features = torch.randn(2, 1, 80, 36, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    sharpness = torch.linspace(1.0, 4.0, 80, dtype=torch.float64)[None]
    features[0, 0, 79, 3] = torch.nan
    model, blocks = fit_pristine_model(zip(features, (sharpness, 9.0 * sharpness), strict=True), sharpest=0.5)
    sharp = (sharpness[0] > 2.0).nonzero().squeeze()
    chosen = np.concatenate([features[0, 0, sharp[:-1]].numpy(), features[1, 0, sharp].numpy()])
    assert blocks == len(chosen)
    np.testing.assert_allclose(model.mean, chosen.mean(axis=0))
    np.testing.assert_allclose(model.covariance, np.cov(chosen, rowvar=False))


def test_fit_from_files(tmp_path: Path) -> None:
    folder = tmp_path / "pictures" / "below"
    folder.mkdir(parents=True)
    grass = np.clip(data.grass().astype(int) + 20, 0, 255).astype(np.uint8)
    Image.fromarray(grass).save(folder / "grass.png")
    Image.fromarray(np.stack([data.brick()] * 3, axis=-1)).save(folder / "brick.png")
    Image.fromarray(grass // 8).save(folder / "dark.png")
    Image.fromarray(grass[:90]).save(folder / "small.png")
    output = tmp_path / "own.safetensors"
    with pytest.raises(DataError, match="sharp blocks were found, but 72 are needed"):
        main([folder / "grass.png"], output)
    with pytest.raises(OutputError):
        main([tmp_path / "pictures"] * 2, tmp_path / "none" / "own.safetensors")
    main([tmp_path / "pictures"] * 2, output)
    card = json.loads(output.with_suffix(".json").read_text())
    assert card["pictures"] == {"pictures": 2}
    assert card["blocks"] >= 72
    assert niqe(torch.from_numpy(grass)[None, None], output) < niqe(photograph(), output)
