"""Kill folder runs at random moments and count what is lost.

Run: ``PYTHONPATH=src python benchmarks/kill_resume.py --kills 200``.

Every run is the command line's own, in a process that is forked from one which has everything imported, and is killed
with SIGKILL, the whole process group, at a random moment between its start and the time that it would take. After every
kill each file under an output's name is compared, byte by byte, with that of a run that nobody disturbed, and each
finished picture must still be the same file. A round ends with a run that nobody disturbs, which must finish the folder
and leave nothing else in it. The exit status is 1 if anything was lost, half or left.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from fork_server import ForkServer
from killed_runs import KilledRuns, make_pairs


def main() -> int:
    """Kill, look, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--pairs", type=int, default=10, help="pictures of a folder")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    wanted = parser.parse_args()
    chance = random.Random(wanted.seed)
    with tempfile.TemporaryDirectory() as folder, ForkServer() as server:
        sources = make_pairs(Path(folder) / "pairs", wanted.pairs, wanted.seed)
        runs = KilledRuns(server, Path(folder) / "runs", sources)
        runs.folder.mkdir()
        runs.begin()
        while runs.found["kills"] < wanted.kills:
            runs.kill_one(chance)
        runs.finish()
    found = runs.found
    print(
        f"kills {found['kills']}: {found['at work']} in mid-run, {found['in writing']} of them while a file was written"
    )
    print(f"pictures finished by killed runs {found['finished']}, by the runs after them {found['finished after']}")
    print(f"lost {found['lost']}, half {found['half']}, stray files {found['strays']}, folders {found['rounds']}")
    print("faults: " + (", ".join(f"{count} {name}" for name, count in runs.faults.items()) or "none"))
    return 1 if runs.faults else 0


if __name__ == "__main__":
    sys.exit(main())
