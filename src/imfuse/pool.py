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


def _never() -> bool:
    return False


def _unknown(_: object) -> None:
    return None


class Pool(Generic[Job, Outcome]):
    """Do jobs in processes of their own.

    Args:
        work: done in a worker; must be picklable and raise nothing.
        died: the outcome of a job whose worker died of it.
        workers: how many processes.
        stop: asked between jobs; once it says yes, no more are begun, and those in work still have their outcomes.
        made: the outcome of a job that was done although its worker died before it could tell; None if it was not.
    """

    def __init__(
        self,
        work: Callable[[Job], Outcome],
        died: Callable[[Job], Outcome],
        workers: int,
        stop: Callable[[], bool] = _never,
        made: Callable[[Job], Outcome | None] = _unknown,
    ) -> None:
        self.work, self.died, self.workers, self.stop, self.made = work, died, workers, stop, made

    def run(self, jobs: Sequence[Job]) -> Generator[Outcome, None, None]:
        """The outcomes as they come.

        A job that was in work when a worker died is tried once more, alone, unless it was made by then; the others go
        on in new processes. On an interruption the jobs in work are finished first; on a second one, and on the first
        after ``stop`` has said yes, their workers are ended at once.
        """
        queue, suspects = deque(jobs), list[Job]()
        while queue and not self.stop():
            yield from self._drain(queue, suspects, self.workers)
        for job in suspects:
            outcome = self.made(job)
            if outcome is not None:
                yield outcome
            elif not self.stop():
                yield from self._try_alone(job)

    def _try_alone(self, job: Job) -> Generator[Outcome, None, None]:
        failed = list[Job]()
        yield from self._drain(deque([job]), failed, 1)
        if failed:
            outcome = self.made(job)
            yield self.died(job) if outcome is None else outcome

    def _drain(self, queue: deque[Job], suspects: list[Job], workers: int) -> Generator[Outcome, None, None]:
        """Do the queue until it is empty or a worker dies; what had not finished by then goes to the suspects."""
        executor = ProcessPoolExecutor(workers, get_context("spawn"), _start_worker, (workers,))
        waiting: dict[Future[Outcome], Job] = {}
        with _ended(executor, self.stop):
            while queue or waiting:
                try:
                    self._submit(executor, queue, waiting, workers)
                    if not waiting:
                        return
                    done, _ = wait(waiting, return_when=FIRST_COMPLETED)
                    for future in done:
                        outcome = future.result()
                        del waiting[future]
                        yield outcome
                except BrokenProcessPool:
                    log.warning("a worker process died; the pictures not made by then are tried again, one by one")
                    for future, job in waiting.items():
                        if _finished(future):
                            yield future.result()
                        else:
                            suspects.append(job)
                    return

    def _submit(
        self, executor: ProcessPoolExecutor, queue: deque[Job], waiting: dict[Future[Outcome], Job], workers: int
    ) -> None:
        """Keep the workers busy; or, when it is time to stop, take back what none of them has begun."""
        while queue and len(waiting) < 2 * workers and not self.stop():
            with _interruption_held():
                waiting[executor.submit(self.work, queue[0])] = queue[0]
            queue.popleft()
        if self.stop():
            for future in [future for future in waiting if future.cancel()]:
                del waiting[future]


def _finished(future: Future[Outcome]) -> bool:
    """Whether a job has come to its own end, and not to that of a broken pool."""
    return future.done() and not isinstance(future.exception(), BrokenProcessPool)


@contextmanager
def _ended(executor: ProcessPoolExecutor, stop: Callable[[], bool]) -> Iterator[None]:
    """End the workers with the block: after the jobs in work, or at once on a second interruption."""
    try:
        yield
    except (KeyboardInterrupt, GeneratorExit):
        if stop():
            _kill(executor)
            raise
        log.warning("stopping after the pictures in work; interrupt again to stop at once")
        try:
            executor.shutdown(wait=True, cancel_futures=True)
        except KeyboardInterrupt:
            _kill(executor)
            raise
        raise
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def _kill(executor: ProcessPoolExecutor) -> None:
    # The executor has no public way to end running workers.
    for process in list((executor._processes or {}).values()):
        process.kill()


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
