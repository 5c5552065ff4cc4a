"""Whole independent paths under a token budget: the sampling step that self-consistency and best-of-n share.

How many paths a budget holds depends on the problem: all paths of a hard one are long. Opening as many as would fit if they were of typical length
starves them all at once (each is cut at its share, and nobody answers). So a budget is filled in *waves*: a quarter of that number first, as a pilot; then as many
as the tokens left hold at the mean length seen so far, until not one more fits. A wave starts when the one before has ended (`Session.extend` is a barrier), so
which paths exist depends on lengths and never on timing.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from thinkwell.core.budget import Budget
from thinkwell.core.path import Origin, Path
from thinkwell.core.prompt import Preset

if TYPE_CHECKING:
    from thinkwell.session import Session

PILOT = 4  # the first wave is a quarter of the paths that the budget holds at typical length
SPREAD = 1.15  # paths of a wave are taken to be this much longer than the mean so far: late ones must not be cut
MOST_PATHS = 4  # times the number asked for: a model that ends every path at once must not be asked a thousand times


def paths_for(budget: Budget, preset: Preset, default: int) -> int:
    """How many paths of typical length a budget pays for, at least one; `default` where it sets no ceiling on tokens."""
    return default if budget.tokens is None else max(1, round(budget.tokens / max(1, preset.typical_tokens)))


async def sample(session: Session, n: int, *, fill: bool = False, logprobs: bool = False) -> list[Path]:
    """`n` independent paths, each written to its end; with `fill`, as many as the token budget holds, in waves.

    A session that has fewer samples than asked for (recorded ones) gives those it has.
    """
    fill = fill and session.budget.tokens is not None
    most = MOST_PATHS * n if fill else n
    if session.max_paths is not None:
        most = min(most, session.max_paths)
    wave = min(most, math.ceil(n / PILOT) if fill else n)
    paths: list[Path] = []
    while wave > 0:
        paths += await session.extend(await session.open(wave), logprobs=logprobs)
        if not fill or session.exhausted:
            break
        mean = max(1.0, sum(path.count(Origin.MODEL) for path in paths) / len(paths))
        fitting = session.tokens_left / mean
        wave = min(most - len(paths), max(int(fitting / SPREAD), int(fitting >= 1)))
    return paths
