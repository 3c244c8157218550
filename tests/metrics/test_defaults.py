import pytest

from imfuse.errors import UsageError
from imfuse.metrics import METRICS, default_metrics

TASKS = ("infrared", "medical", "focus", "exposure", "spectral")
EASILY_WON = {"mi", "vif", "qabf"}


def test_all_are_metrics_that_there_are() -> None:
    keys = {key for task in TASKS for key in default_metrics(task, truth=True)}
    assert keys - METRICS.keys() == set()


@pytest.mark.parametrize("task", TASKS)
def test_no_set_rests_on_what_the_pixelwise_maximum_wins(task: str) -> None:
    keys = default_metrics(task)
    assert len(set(keys)) == len(keys)
    if EASILY_WON & set(keys):
        assert len(set(keys) - EASILY_WON) >= 3


@pytest.mark.parametrize("task", TASKS)
def test_a_truth_adds_its_metrics_at_the_end(task: str) -> None:
    blind, seeing = default_metrics(task), default_metrics(task, truth=True)
    assert seeing[: len(blind)] == blind
    added = seeing[len(blind) :]
    assert added[:2] == ("psnr", "ssim")
    assert all(METRICS[key].needs == "truth" for key in added)
    assert not any(METRICS[key].needs == "truth" for key in blind if key in METRICS)


def test_unknown_task() -> None:
    with pytest.raises(UsageError, match="unknown task 'night': choose one of infrared"):
        default_metrics("night")
