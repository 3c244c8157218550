from csv import DictReader
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import imfuse
from imfuse.errors import DataError, UsageError
from imfuse.networks.csc_ivfn import CSCIVFN
from imfuse.train.autoencoder import train_autoencoder
from imfuse.train.csc_ivfn import CSCIVFNConfig
from imfuse.train.runs import train_seeds
from imfuse.train.sweep import sweep
from imfuse.train.validation import means, pairs_of, score_pairs

SMALL = CSCIVFNConfig(
    epochs=3, batch=4, crop=32, decay_epoch=2, units=2, filters=4, seed=7, settle_epochs=2, settle_batch=2
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, pairs_folder: Path) -> tuple[CSCIVFN, Path]:
    """A training that nothing interrupted, and its folder."""
    run = tmp_path_factory.mktemp("whole")
    return train_autoencoder(SMALL, pairs_folder, run, progress=False), run


def test_the_defaults_are_the_papers() -> None:
    config = CSCIVFNConfig()
    assert (config.units, config.base_activation, config.detail_activation) == (7, "prelu", "sst")
    assert (config.epochs, config.learning_rate, config.decay_epoch, config.ssim_weight) == (60, 1e-2, 30, 5.0)


@pytest.mark.parametrize("stop_after", [1, 4])
def test_resume_continues_bit_for_bit_and_calibrates_alike(
    tmp_path: Path, pairs_folder: Path, whole: tuple[CSCIVFN, Path], stop_after: int
) -> None:
    train_autoencoder(SMALL, pairs_folder, tmp_path / "cut", progress=False, stop_after=stop_after)
    resumed = train_autoencoder(SMALL, pairs_folder, tmp_path / "cut", resume=True, progress=False)
    network, run = whole
    for name, value in network.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name
    assert network.state_dict()["detail_encoder.origin"].abs().max() > 0
    assert "detail_encoder.0.activation.threshold" in (run / "curves.csv").read_text()
    assert (run / "curves.png").stat().st_size > 1000


def test_the_settling_holds_the_normalisations_and_takes_smaller_steps(tmp_path: Path, pairs_folder: Path) -> None:
    before = train_autoencoder(SMALL, pairs_folder, tmp_path, progress=False, stop_after=SMALL.epochs).state_dict()
    after = train_autoencoder(SMALL, pairs_folder, tmp_path, resume=True, progress=False).state_dict()
    means = [name for name in before if name.endswith("running_mean")]
    assert means
    assert all(torch.equal(before[name], after[name]) for name in means)
    assert not torch.equal(before["base_decoder.weight"], after["base_decoder.weight"])
    with (tmp_path / "curves.csv").open() as stream:
        rates = [float(row["learning_rate"]) for row in DictReader(stream)]
    assert rates == pytest.approx([1e-2, 1e-2, 1e-3, SMALL.settled_rate(1 / 3), SMALL.settled_rate(5 / 6)], rel=1e-6)
    state = torch.load(tmp_path / "checkpoints/last.ckpt", weights_only=True)
    steps = state["optimizer_states"][0]["state"][0]["step"]
    assert int(steps) == 3 * 2 + 2 * 3  # six pictures: by four, then by two


def test_the_rate_of_the_settling_rises_and_falls() -> None:
    config = CSCIVFNConfig()
    rates = [config.settled_rate(done) for done in (0, 0.05, 0.1, 0.55, 1)]
    assert rates == pytest.approx([3e-3 / 11, 3e-3 * 6 / 11, 3e-3, 1.5e-3, 0], abs=1e-12)


def test_a_checkpoint_of_another_version_is_told(tmp_path: Path, pairs_folder: Path) -> None:
    train_autoencoder(SMALL, pairs_folder, tmp_path, progress=False, stop_after=1)
    for path in (tmp_path / "checkpoints").iterdir():
        state = torch.load(path, weights_only=True)
        state["state_dict"].pop("network.base_encoder.origin")
        torch.save(state, path)
    with pytest.raises(DataError, match="another version"):
        train_autoencoder(SMALL, pairs_folder, tmp_path, resume=True, progress=False)


def test_training_reduces_the_loss(tmp_path: Path, pairs_folder: Path) -> None:
    train_autoencoder(replace(SMALL, epochs=10, decay_epoch=8), pairs_folder, tmp_path, progress=False)
    losses = [float(row.split(",")[1]) for row in (tmp_path / "curves.csv").read_text().splitlines()[1:]]
    assert losses[-1] < 0.7 * losses[0]


def test_a_trained_model_has_a_card_that_loads(tmp_path: Path, pairs_folder: Path) -> None:
    card = train_seeds(SMALL, pairs_folder, tmp_path, 1, pairs_folder, progress=False)
    assert card.weights_path == tmp_path / "csc-ivfn.safetensors"
    fuser = imfuse.load(card.weights_path, base_rule="average")
    assert isinstance(fuser.network, CSCIVFN)
    assert fuser.network.rule_name == "average + l1_norm"
    scores = means(score_pairs(imfuse.load(card.weights_path).network, pairs_of(pairs_folder)))
    assert scores == pytest.approx(card.figures["validation"]["scores"], rel=1e-9)


@pytest.mark.parametrize(("kind", "count"), [("activation", 9), ("rule", 10)])
def test_sweeps_score_every_candidate(tmp_path: Path, pairs_folder: Path, kind: str, count: int) -> None:
    config = replace(SMALL, epochs=1)
    rows = sweep(kind, config, pairs_folder, pairs_of(pairs_folder)[:1], tmp_path, progress=False)
    assert len({row[kind] for row in rows}) == count
    assert len({row["sd"] for row in rows}) > count // 2  # the setting is used
    assert (tmp_path / f"{kind}.png").is_file()


def test_the_sweep_of_units_changes_the_depth() -> None:
    assert [recipe.build().base_encoder.__len__() for _, recipe in SMALL.candidates("units")] == list(range(1, 11))


def test_settings_out_of_range_are_told() -> None:
    for wrong in ({"units": 0}, {"filters": 0}, {"base_activation": "tanh"}, {"detail_activation": ""}):
        with pytest.raises(UsageError):
            CSCIVFNConfig(**wrong)
