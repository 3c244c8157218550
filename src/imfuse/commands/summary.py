"""What a run says of itself on standard error: what became of the pictures, which failed and why, how to go on."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from imfuse.batch import Outcome
from imfuse.io.naming import shown

_MOST_FAILURES = 100
"""How many failures are told one by one; a full disk fails every picture of a folder for one reason."""

_KINDS = {
    "SourceError": "cannot be read",
    "SizeMismatchError": "differ in size",
    "OutputError": "cannot be written",
    "UsageError": "do not serve",
    "OutOfMemory": "need more memory",
    "WorkerDied": "ended their worker",
    "InternalError": "met a fault of imfuse",
}


def say(console: Console, words: str) -> None:
    """Print words as they are: names of files are no markup."""
    console.print(words, markup=False, highlight=False, soft_wrap=True)


def tell(outcome: Outcome, console: Console) -> None:
    """Say of a single picture where it is and what was done to it."""
    report = outcome.report or {}
    slices = f"{report['slices']} slices of " if report.get("slices", 1) > 1 else ""
    size = (
        f"{slices}{report.get('width')}×{report.get('height')}, {report.get('dtype')}, {report.get('seconds', 0):.2f} s"
    )
    say(console, f"{shown(outcome.job.output)}  ({report.get('model')}, {size})")
    for note in (*outcome.job.shares.words, *outcome.notes):
        say(console, f"  · {note}")
    for exposure in report.get("exposures") or ():
        value = f"EV {exposure['ev']:.1f}" if exposure["ev"] is not None else f"brightness {exposure['brightness']:.2f}"
        say(console, f"  · {exposure['name']}: {value}{', the middle one' if exposure['middle'] else ''}")


def summarise(outcomes: Sequence[Outcome], folder: Path, console: Console, earlier: Sequence[str] = ()) -> None:
    """Say how many pictures were fused, skipped and failed, and what was done to them.

    Args:
        outcomes: of the pictures that were reached, in order.
        folder: where the pictures are.
        console: where to say it.
        earlier: in what the settings of earlier runs into this folder were other ones.
    """
    counts = Counter(outcome.status for outcome in outcomes)
    words = [f"{counts['fused']} fused"]
    if counts["skipped"]:
        words.append(f"{counts['skipped']} skipped (made before; --overwrite makes them again, with these settings)")
    if counts["failed"]:
        words.append(f"{counts['failed']} failed")
    say(console, f"{shown(folder)}: {', '.join(words)}")
    if counts["skipped"]:
        for settings in earlier:
            say(console, f"  · skipped pictures may have other settings, those of an earlier run: {settings}")
    made = {path.relative_to(folder).parts[0] for outcome in outcomes for path in outcome.job.shares.paths}
    if counts["fused"] and made:
        say(console, f"  · which source won: {', '.join(f'{name}/' for name in sorted(made))}")
    for note, count in _common_notes(outcomes):
        often = f"{count} pictures, for example: " if count > 1 else ""
        say(console, f"  · {often}{note}")


def tell_failures(outcomes: Sequence[Outcome], report: Path | None) -> None:
    """Name every picture that failed with its reason, in order, even of a quiet run."""
    errors = Console(stderr=True)
    failed = [outcome for outcome in outcomes if outcome.status == "failed"]
    for outcome in failed[:_MOST_FAILURES]:
        say(errors, f"failed: {_reason(outcome)}")
    rest = len(failed) - _MOST_FAILURES
    if rest > 0:
        where = f"{shown(report)} names them" if report else "--report FILE names them all"
        say(errors, f"failed: {rest} more; {where}")
    if len(failed) > 1:
        kinds = Counter(_KINDS.get(outcome.kind, outcome.kind) for outcome in failed).most_common()
        say(errors, f"failed in all: {len(failed)} ({', '.join(f'{count} {kind}' for kind, count in kinds)})")


def _reason(outcome: Outcome) -> str:
    """The message, with the picture's name before it where it names none of its files."""
    names = [shown(path) for path in (*outcome.job.sources, outcome.job.output)]
    message = " ".join(outcome.message.split())
    return message if any(name in message for name in names) else f"{names[0]}: {message}"


def tell_interruption(outcomes: Sequence[Outcome], count: int, folder: Path, overwrite: bool) -> None:
    """Say after Ctrl-C how many pictures are made and how to go on, even of a quiet run."""
    made = sum(outcome.status in ("fused", "skipped") for outcome in outcomes)
    how = (
        "the same command with --overwrite makes all of them again"
        if overwrite
        else "the same command goes on with the rest"
    )
    say(Console(stderr=True), f"{shown(folder)}: interrupted, {made} of {count} pictures are made; {how}")


def _common_notes(outcomes: Sequence[Outcome]) -> list[tuple[str, int]]:
    """What was done to the pictures and how often: one example of each kind, whatever its numbers and names."""
    found: dict[str, tuple[str, int]] = {}
    for outcome in outcomes:
        roles = [source["role"] for source in (outcome.report or {}).get("sources", ())]
        for note in outcome.notes:
            words = kind = note
            for index, source in enumerate(outcome.job.sources):
                words = words.replace(shown(source), source.parent.name)
                kind = kind.replace(shown(source), roles[index] if roles else source.parent.name)
            kind = re.sub(r"[\d.]+(e[+-]?\d+)?", "#", kind)
            example, count = found.get(kind, (words, 0))
            found[kind] = example, count + 1
    return sorted(found.values(), key=lambda item: -item[1])
