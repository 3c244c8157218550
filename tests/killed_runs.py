"""Folder runs that are killed at random moments, and what must hold after every kill."""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from fork_server import ForkServer, parts
from imfuse.io import save_image


def make_pairs(folder: Path, count: int, seed: int = 0) -> tuple[Path, Path]:
    """Pairs of several sizes, depths and formats whose fusing takes about as long as their writing."""
    values = np.random.default_rng(seed)
    first, second = folder / "ir", folder / "vis"
    for made in (first, second):
        made.mkdir(parents=True)
    for number in range(count):
        height, width = (int(side) for side in values.integers(100, 300, 2))
        depth = np.uint16 if number % 4 else np.uint8
        limit = np.iinfo(depth).max
        ending = "tif" if number % 3 == 0 else "png"
        save_image(first / f"{number}.png", values.integers(0, limit, (height, width)).astype(np.uint16))
        save_image(second / f"{number}.{ending}", values.integers(0, limit, (height, width, 3)).astype(depth))
    return first, second


@dataclass(slots=True)
class KilledRuns:
    """Folder runs into one folder after the other, each killed until it is done.

    Attributes:
        server: what runs the command line.
        folder: for everything.
        sources: the two folders of sources.
        reference: bytes of every picture, by name, from a run that nobody disturbed.
        times: seconds of a run that has nothing to do, and of one that has everything.
        found: how often what was seen: ``kills``, those ``at work``, those ``in writing``; pictures ``finished``;
            faults by name.
        rounds: how many output folders are done.
        pace: how much slower than at the beginning the machine is, by the kills that came too early or too late.
    """

    server: ForkServer
    folder: Path
    sources: tuple[Path, Path]
    reference: dict[str, bytes] = field(default_factory=dict)
    times: tuple[float, float] = (0.0, 0.0)
    found: Counter[str] = field(default_factory=Counter)
    rounds: int = 0
    pace: float = 1.0

    def begin(self) -> None:
        """Make the reference, and time a run with everything to do and one with nothing."""
        whole = self.server.run("fuse", *self.sources, "-o", self.folder / "reference")
        idle = self.server.run("fuse", *self.sources, "-o", self.folder / "reference")
        if whole.status or idle.status:
            raise RuntimeError("the undisturbed run did not end well")
        self.reference = {path.name: path.read_bytes() for path in (self.folder / "reference").iterdir()}
        self.times = idle.seconds, whole.seconds

    @property
    def output(self) -> Path:
        """Where the pictures of this round go."""
        return self.folder / f"output-{self.rounds}"

    def arguments(self) -> list[object]:
        """The command, the same before and after every kill."""
        return ["fuse", *self.sources, "-o", self.output, "--report", self.folder / f"run-{self.rounds}.json"]

    def kill_one(self, chance: random.Random, *, aimed: bool = False) -> None:
        """Run, kill at a random moment of the run or, aimed, of the writing of a picture, and look at what is left."""
        before, parts_before = self.finished(), parts(self.output)
        early = not aimed and chance.random() < 0.2
        delay = chance.uniform(0, 0.01) if aimed else self._moment(chance, early, len(before))
        ended = self.server.run(*self.arguments(), delay=delay, watched=self.output if aimed else None)
        after, parts_after = self.finished(), parts(self.output)
        at_work = bool(after.keys() - before.keys() or parts_after - parts_before)
        if ended.killed:
            self.found["kills"] += 1
            self.found["at work"] += at_work
            self.found["in writing"] += bool(parts_after - parts_before)
            self.found["finished"] += len(after.keys() - before.keys())
        if not aimed and not early:
            self.pace *= 0.85 if not ended.killed else 1.0 if at_work else 1.15
        self.found["lost"] += sum(before[name] != after.get(name) for name in before)
        self.found["heaped parts"] += max(0, len(parts_after) - 1)
        self.found["failed runs"] += not ended.killed and ended.status != 0
        self._look_at_the_report()
        if len(after) == len(self.reference):
            self.finish()

    def _moment(self, chance: random.Random, early: bool, finished: int) -> float:
        """Seconds after the start: before the first picture, or while there is work that is not done."""
        begun, whole = self.times
        if early:
            return chance.uniform(0, self.pace * begun)
        share = 1 - finished / len(self.reference)
        return self.pace * chance.uniform(begun, begun + (whole - begun) * share)

    def finish(self) -> None:
        """End the round with a run that nobody disturbs; the next goes into a new folder."""
        before = self.finished()
        ended = self.server.run(*self.arguments())
        after = self.finished()
        self.found["failed runs"] += ended.status != 0
        self.found["finished after"] += len(after) - len(before)
        self.found["unfinished"] += len(self.reference) - len(after)
        self.found["lost"] += sum(before[name] != after.get(name) for name in before)
        self.found["strays"] += len(list(self.output.iterdir())) - len(after)
        self.found["strays"] += len([path for path in self.folder.iterdir() if path.name.startswith(".")])
        self.found["rounds"] += 1
        self.rounds += 1

    def finished(self) -> dict[str, tuple[int, int]]:
        """What is there under the names of outputs: inode and time. Other files and half pictures are faults."""
        found: dict[str, tuple[int, int]] = {}
        if not self.output.is_dir():
            return found
        for path in self.output.iterdir():
            if path.name in self.reference:
                self.found["half"] += path.read_bytes() != self.reference[path.name]
                known = path.stat()
                found[path.name] = known.st_ino, known.st_mtime_ns
            else:
                self.found["strays"] += path.name not in parts(self.output)
        return found

    def _look_at_the_report(self) -> None:
        """A report is whole or not there, and is open-ended where the run did not end."""
        path = self.folder / f"run-{self.rounds}.json"
        if path.exists():
            report = json.loads(path.read_text())
            self.found["wrong reports"] += len(report["entries"]) != len(self.reference)

    @property
    def faults(self) -> dict[str, int]:
        """What must not be, where it was."""
        names = ("lost", "half", "unfinished", "strays", "heaped parts", "wrong reports", "failed runs")
        return {name: self.found[name] for name in names if self.found[name]}
