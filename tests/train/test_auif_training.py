import csv
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import imfuse
from imfuse.errors import DataError, OutputError, UsageError, WeightsError
from imfuse.networks.auif import AUIF
from imfuse.registry import file_hash
from imfuse.train.auif import AUIFConfig
from imfuse.train.autoencoder import train_autoencoder
from imfuse.train.runs import train_seeds
from imfuse.train.sweep import sweep
from imfuse.train.validation import mean_ranks, means, pairs_of, score_pairs

SMALL = AUIFConfig(epochs=4, batch=4, crop=32, decay_epoch=3, layers=2, filters=4, seed=7)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, pairs_folder: Path) -> tuple[AUIF, Path]:
    """A training that nothing interrupted, and its folder."""
    run = tmp_path_factory.mktemp("whole")
    return train_autoencoder(SMALL, pairs_folder, run, progress=False), run


def test_the_defaults_are_the_papers() -> None:
    config = AUIFConfig()
    assert (config.layers, config.filters, config.activation) == (10, 64, "prelu")
    assert (config.epochs, config.batch, config.crop) == (80, 32, 128)
    assert (config.learning_rate, config.decay_epoch, config.ssim_weight) == (1e-2, 40, 5.0)
    assert (config.theta_base, config.theta_detail) == (1e-3, 1.0)


def test_first_step_sizes_follow_the_papers_distribution() -> None:
    etas = torch.stack(
        [layer.eta for seed in range(30) for layer in AUIFConfig(seed=seed, filters=1).build().base_encoder]
    )
    assert abs(etas.mean() - 0.1) < 0.01
    assert abs(etas.std() - 0.03) < 0.005


def test_training_reduces_the_loss_and_repeats_itself(tmp_path: Path, pairs_folder: Path) -> None:
    config = replace(SMALL, epochs=12, decay_epoch=10)
    first = train_autoencoder(config, pairs_folder, tmp_path / "a", progress=False)
    second = train_autoencoder(config, pairs_folder, tmp_path / "b", progress=False)
    assert all(
        torch.equal(a, b) for a, b in zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    )
    with (tmp_path / "a" / "curves.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [int(float(row["epoch"])) for row in rows] == list(range(12))
    assert float(rows[-1]["loss"]) < 0.7 * float(rows[0]["loss"])
    assert [float(row["learning_rate"]) for row in rows] == [0.01] * 10 + [0.001] * 2
    assert "detail_encoder.1.theta" in rows[0]


def test_resume_continues_bit_for_bit(tmp_path: Path, pairs_folder: Path, whole: tuple[AUIF, Path]) -> None:
    network, run = whole
    train_autoencoder(SMALL, pairs_folder, tmp_path / "cut", progress=False, stop_after=2)
    resumed = train_autoencoder(SMALL, pairs_folder, tmp_path / "cut", resume=True, progress=False)
    for name, value in network.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name
    assert (run / "curves.csv").read_text() == (tmp_path / "cut/curves.csv").read_text()
    assert (run / "curves.png").stat().st_size > 1000


def test_a_checkpoint_that_was_cut_is_not_taken(tmp_path: Path, pairs_folder: Path, whole: tuple[AUIF, Path]) -> None:
    train_autoencoder(SMALL, pairs_folder, tmp_path / "cut", progress=False, stop_after=3)
    last = tmp_path / "cut/checkpoints/last.ckpt"
    last.write_bytes(last.read_bytes()[:5000])
    resumed = train_autoencoder(SMALL, pairs_folder, tmp_path / "cut", resume=True, progress=False)
    assert all(map(torch.equal, whole[0].state_dict().values(), resumed.state_dict().values()))


def test_a_run_is_neither_lost_nor_resumed_by_mistake(tmp_path: Path, pairs_folder: Path) -> None:
    with pytest.raises(DataError, match="no checkpoint"):
        train_autoencoder(SMALL, pairs_folder, tmp_path / "none", resume=True, progress=False)
    config = replace(SMALL, epochs=1)
    train_autoencoder(config, pairs_folder, tmp_path, progress=False)
    with pytest.raises(OutputError, match="--resume"):
        train_autoencoder(config, pairs_folder, tmp_path, progress=False)
    with pytest.raises(UsageError, match="seed was 7, now 8"):
        train_autoencoder(replace(config, seed=8), pairs_folder, tmp_path, resume=True, progress=False)
    train_autoencoder(replace(config, epochs=2), pairs_folder, tmp_path, resume=True, progress=False)
    assert (tmp_path / "curves.csv").read_text().count("\n") == 3


def test_the_chosen_seed_is_shipped_with_a_card_that_loads(tmp_path: Path, pairs_folder: Path) -> None:
    card = train_seeds(SMALL, pairs_folder, tmp_path, 2, pairs_folder, progress=False)
    figures = card.figures["validation"]
    ranks = {seed: score["mean_rank"] for seed, score in figures["seeds"].items()}
    assert card.recipe["seed"] == int(min(ranks, key=ranks.__getitem__))
    assert card.sha256 == file_hash(card.weights_path)
    fuser = imfuse.load(card.weights_path)
    scores = means(score_pairs(fuser.network, pairs_of(pairs_folder)))
    assert scores == pytest.approx(figures["scores"], rel=1e-9)
    card.weights_path.write_bytes(card.weights_path.read_bytes()[:-4])
    with pytest.raises(WeightsError, match="SHA-256"):
        imfuse.load(card.weights_path)


def test_several_seeds_need_something_to_choose_by(tmp_path: Path, pairs_folder: Path) -> None:
    with pytest.raises(DataError, match="--validation"):
        train_seeds(SMALL, pairs_folder, tmp_path, 2, None, progress=False)


def test_mean_ranks_by_hand() -> None:
    scores = [{"en": 1.0, "sd": 5.0}, {"en": 2.0, "sd": 5.0}, {"en": 3.0, "sd": 1.0}]
    assert mean_ranks(scores) == [2.0, 1.5, 2.0]


@pytest.mark.parametrize(("kind", "count"), [("activation", 3), ("rule", 3)])
def test_sweeps_score_every_candidate_and_go_on_where_they_were_cut(
    tmp_path: Path, pairs_folder: Path, kind: str, count: int
) -> None:
    config = replace(SMALL, epochs=2)
    pairs = pairs_of(pairs_folder)[:1]
    rows = sweep(kind, config, pairs_folder, pairs, tmp_path, progress=False)
    assert len(rows) == count
    assert (tmp_path / f"{kind}.png").is_file()
    assert (tmp_path / f"{kind}.md").read_text().count("\n") == count + 2
    written = (tmp_path / f"{kind}.csv").stat().st_mtime_ns
    again = sweep(kind, config, pairs_folder, pairs, tmp_path, progress=False)
    assert [row[kind] for row in again] == [row[kind] for row in rows]
    assert (tmp_path / f"{kind}.csv").stat().st_mtime_ns == written


def test_settings_out_of_range_are_told() -> None:
    for wrong in ({"epochs": 0}, {"crop": 5}, {"layers": 0}, {"learning_rate": -1.0}, {"activation": "tanh"}):
        with pytest.raises(UsageError):
            AUIFConfig(**wrong)
