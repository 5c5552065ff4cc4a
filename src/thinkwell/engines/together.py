"""Several engines at once: what is asked in one barrier, each part of it to the engine that its path belongs to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from thinkwell.engines.protocol import Engine

Item = TypeVar("Item")
Result = TypeVar("Result")


async def together(
    engines: Sequence[Engine], items: Sequence[Item], ask: Callable[[Engine, Sequence[Item]], Awaitable[list[Result]]]
) -> list[Result]:
    """The results in the order of the items. `engines[i]` is asked for `items[i]`; each engine gets its items in one call, all work side by side.

    If one of them fails, its error is raised when the others have finished: what they wrote is lost, but nobody writes on behind the caller's back.
    """
    batches: dict[int, list[int]] = {}
    for index, engine in enumerate(engines):
        batches.setdefault(id(engine), []).append(index)
    groups = list(batches.values())
    if len(groups) == 1:
        return await ask(engines[0], items)
    written = await asyncio.gather(*(ask(engines[group[0]], [items[i] for i in group]) for group in groups), return_exceptions=True)
    found: dict[int, Result] = {}
    for group, results in zip(groups, written, strict=True):
        if isinstance(results, BaseException):
            raise results
        found.update(zip(group, results, strict=True))
    return [found[index] for index in range(len(items))]
