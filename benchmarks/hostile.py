"""Hostile input: thousands of mutated files and strange places, none of which may crash, hang, swell or leave a trace.

Run: ``python benchmarks/hostile.py --count 10000 --seed 1 --keep faults``.

Every case is made from its number and the seed, so ``--only NUMBER`` makes the same one again. A case ends well if it
is fused to a picture that an independent reader reads, or refused with one line and exit status 2. Everything else is
a fault: a crash of the process, no end within 10 seconds, more than 1 GiB of memory, another exception, a message of
several lines, wrong pixels, a half file. Prints every fault and a table; ``--keep`` names a folder for the files of
faults. The exit status is 1 if there was one. Needs the tests beside this folder, and Linux.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from hostile.cases import KINDS, PLACES, case, kind_of
from hostile.judge import BYTES, SECONDS, Judge, Verdict, scratch_folder

Verdicts = dict[int, Verdict]


def _named(number: int, seed: int) -> str:
    return f"case {number}: a place" if kind_of(number) == PLACES else str(case(number, seed))


def _keep(folder: Path, number: int, seed: int, verdict: Verdict) -> None:
    """The file of a fault, and what was wrong with it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{seed}-{number}.txt").write_text(f"{_named(number, seed)}\n{verdict.outcome}\n{verdict.detail}\n")
    if kind_of(number) != PLACES:
        made = case(number, seed)
        (folder / f"{seed}-{number}.{made.ending}").write_bytes(made.data)


def _row(title: str, verdicts: Verdicts) -> str:
    outcomes = Counter(verdict.outcome for verdict in verdicts.values())
    fused, refused = outcomes["fused"], outcomes["refused"]
    slowest = max(verdicts.items(), key=lambda item: item[1].seconds)
    peak = max(verdicts.items(), key=lambda item: item[1].peak)
    faults = len(verdicts) - fused - refused
    return (
        f"{title:8} {len(verdicts):6} {fused:6} {refused:8} {outcomes['crash']:8} {outcomes['hang']:6} "
        f"{faults - outcomes['crash'] - outcomes['hang']:7}   {slowest[1].seconds:6.2f} s (case {slowest[0]:5})"
        f"   {peak[1].peak / 2**20:6.0f} MiB (case {peak[0]:5})"
    )


def _table(verdicts: Verdicts) -> str:
    head = f"{'':8} {'tried':>6} {'fused':>6} {'refused':>8} {'crashes':>8} {'hangs':>6} {'others':>7}   slowest"
    rows = [f"{head:80}   most memory"]
    for kind in KINDS:
        part = {number: verdict for number, verdict in verdicts.items() if kind_of(number) == kind}
        if part:
            rows.append(_row(kind, part))
    return "\n".join([*rows, _row("all", verdicts)])


def main() -> int:
    """Try the cases and print the table; 1 if there was a fault."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="one case by its number")
    parser.add_argument("--keep", type=Path, help="folder for the files of faults, and of the case of --only")
    arguments = parser.parse_args()
    numbers = range(arguments.count) if arguments.only is None else [arguments.only]
    verdicts: Verdicts = {}
    begun = time.monotonic()
    with scratch_folder() as scratch, Judge(seconds=SECONDS, bound=BYTES) as judge:
        for number in numbers:
            verdict = judge.verdict(number, arguments.seed, str(scratch))
            verdicts[number] = verdict
            if not verdict.good:
                print(f"{_named(number, arguments.seed)}: {verdict.outcome}\n{verdict.detail}\n", flush=True)
            if arguments.keep and (arguments.only is not None or not verdict.good):
                _keep(arguments.keep, number, arguments.seed, verdict)
    faults = sum(not verdict.good for verdict in verdicts.values())
    print(f"seed {arguments.seed}, {time.monotonic() - begun:.0f} s, {judge.deaths} dead workers")
    print(_table(verdicts))
    print(f"{len(verdicts)} tried, {faults} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
