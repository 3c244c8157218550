"""The judge sees what it is there to see."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hostile.judge import Judge


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    with Judge("hostile.faulty:act", seconds=1.5, bound=64 << 20) as made:
        yield made


@pytest.mark.parametrize(
    ("arguments", "outcome", "words"),
    [
        (("segfault",), "crash", "SIGSEGV"),
        (("leave",), "crash", "exit status 3"),
        (("hang",), "hang", "faulty.py"),
        (("raise_fault",), "exception", "ZeroDivisionError: division"),
        (("swell", 200 << 20), "memory", "MiB"),
        (("swell", 64 << 30), "exception", "MemoryError"),
        (("fine",), "fused", "fine"),
        (("swell", 1 << 20), "fused", str(1 << 20)),
    ],
)
def test_every_end_is_told_as_what_it_is(judge: Judge, arguments: tuple[str, ...], outcome: str, words: str) -> None:
    verdict = judge.verdict(*arguments)
    assert verdict.outcome == outcome and words in verdict.detail
    assert verdict.good == (outcome == "fused")


def test_after_a_death_the_next_case_is_tried_by_another_worker(judge: Judge) -> None:
    deaths = judge.deaths
    assert judge.verdict("segfault").outcome == "crash"
    assert judge.verdict("fine").good and judge.deaths == deaths + 1


def test_memory_of_one_case_is_not_charged_to_the_next(judge: Judge) -> None:
    assert judge.verdict("swell", 200 << 20).outcome == "memory"
    assert judge.verdict("fine").good
