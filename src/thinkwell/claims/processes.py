"""Runs of training in processes of their own, one thread each: on a few cores a small model trains faster so than one run on all of them.

No process outlives the one that asked: each holds the reading end of a pipe whose writing end only the asker has, and ends when that closes, by whatever means.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from multiprocessing.connection import Connection
from threading import Thread
from typing import Any, TypeVar

from thinkwell.core.errors import ThinkwellError, UsageError

Asked = TypeVar("Asked")


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def each_apart(function: Callable[[Asked], Any], wanted: Sequence[Asked], jobs: int) -> Iterator[Asked]:
    """Calls `function` on each of `wanted` in one of `jobs` processes, in that order of beginning; yields what is done, in the order of ending.

    function: of a module, so that another process finds it. The first one that fails ends the others and is raised here: a `UsageError` or `ThinkwellError` with its message.
    """
    context = get_context("spawn")
    reader, writer = context.Pipe(duplex=False)
    threads = max(1, cores() // jobs)
    pool = ProcessPoolExecutor(min(jobs, len(wanted)), context, _begin, (reader, threads))
    try:
        futures = {pool.submit(_told, function, asked): asked for asked in wanted}
        for future in as_completed(futures):
            failure = future.result()
            if failure is not None:
                kind, message = failure
                raise (UsageError if kind == "usage" else ThinkwellError)(message)
            yield futures[future]
        pool.shutdown()
    finally:
        writer.close()
        pool.shutdown(cancel_futures=True)
        reader.close()


def _begin(reader: Connection, threads: int) -> None:
    import torch

    torch.set_num_threads(threads)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the asker ends us
    Thread(target=_end_with, args=(reader,), daemon=True).start()


def _end_with(reader: Connection) -> None:
    """Waits until nobody holds the other end."""
    try:
        reader.recv_bytes()
    except EOFError:
        os._exit(1)


def _told(function: Callable[[Asked], Any], asked: Asked) -> tuple[str, str] | None:
    """Nothing, or why it failed. Our errors cross as text: some are built from more than a message."""
    try:
        function(asked)
    except ThinkwellError as error:
        return "usage" if isinstance(error, UsageError) else "failure", str(error)
    return None
