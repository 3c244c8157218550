"""Worker processes that do jobs: none outlives the program, and one that dies costs its picture alone."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from typing import Generic, TypeVar

log = logging.getLogger(__name__)

Job = TypeVar("Job")
Outcome = TypeVar("Outcome")


class Pool(Generic[Job, Outcome]):
    """Do jobs in processes of their own.

    Args:
        work: done in a worker; must be picklable and raise nothing.
        died: the outcome of a job whose worker died of it.
        workers: how many processes.
    """

    def __init__(self, work: Callable[[Job], Outcome], died: Callable[[Job], Outcome], workers: int) -> None:
        self.work, self.died, self.workers = work, died, workers

    def run(self, jobs: Sequence[Job]) -> Generator[Outcome, None, None]:
        """The outcomes as they come.

        A job that was in work when a worker died is tried once more, alone; the others go on in new processes. On an
        interruption the jobs in work are finished first; on a second one their workers are ended at once.
        """
        queue, suspects = deque(jobs), list[Job]()
        while queue:
            yield from self._drain(queue, suspects, self.workers)
        for job in suspects:
            failed = list[Job]()
            yield from self._drain(deque([job]), failed, 1)
            yield from map(self.died, failed)

    def _drain(self, queue: deque[Job], suspects: list[Job], workers: int) -> Generator[Outcome, None, None]:
        """Do the queue until it is empty or a worker dies; what was in work then goes to the suspects."""
        executor = ProcessPoolExecutor(workers, get_context("spawn"), _start_worker, (workers,))
        waiting: dict[Future[Outcome], Job] = {}
        with _ended(executor):
            while queue or waiting:
                try:
                    while queue and len(waiting) < 2 * workers:
                        with _interruption_held():
                            waiting[executor.submit(self.work, queue[0])] = queue[0]
                        queue.popleft()
                    done, _ = wait(waiting, return_when=FIRST_COMPLETED)
                    for future in done:
                        outcome = future.result()
                        del waiting[future]
                        yield outcome
                except BrokenProcessPool:
                    log.warning("a worker process died; its pictures are tried again, one by one")
                    suspects.extend(waiting.values())
                    return


@contextmanager
def _ended(executor: ProcessPoolExecutor) -> Iterator[None]:
    """End the workers with the block: after the jobs in work, or at once on a second interruption."""
    try:
        yield
    except (KeyboardInterrupt, GeneratorExit):
        log.warning("stopping after the pictures in work; interrupt again to stop at once")
        try:
            executor.shutdown(wait=True, cancel_futures=True)
        except KeyboardInterrupt:
            # The executor has no public way to end running workers.
            for process in list((executor._processes or {}).values()):
                process.kill()
            raise
        raise
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _interruption_held() -> Iterator[None]:
    """Hold Ctrl-C back while a worker may be started, which thereby never gets one itself."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start_worker(workers: int) -> None:
    """Take a share of the processors, leave Ctrl-C to the parent, and end when the parent does."""
    import torch

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // workers))
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
