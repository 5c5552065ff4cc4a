"""Whole independent paths under a token budget: the sampling step that self-consistency and best-of-n share.

A budget of K tokens holds about K / typical_tokens paths, but lengths vary: when paths end early, tokens are left over. They are spent in *waves*: after all paths
of a wave have ended, as many more are opened as the tokens left can hold. A wave starts only when the one before it has ended (`Session.extend` is a barrier), so
which paths exist depends on lengths and never on timing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from thinkwell.core.budget import Budget
from thinkwell.core.path import Path
from thinkwell.core.prompt import Preset

if TYPE_CHECKING:
    from thinkwell.session import Session

MOST_PATHS = 4  # times the first wave: a model that ends every path at once must not be asked a thousand times


def paths_within(tokens: int, preset: Preset) -> int:
    """How many paths of typical length `tokens` generated tokens hold, at least one."""
    return max(1, round(tokens / max(1, preset.typical_tokens)))


def paths_for(budget: Budget, preset: Preset, default: int) -> int:
    """How many paths a budget pays for; `default` where it sets no ceiling on tokens."""
    return default if budget.tokens is None else paths_within(budget.tokens, preset)


async def sample(session: Session, n: int, *, fill: bool = False, logprobs: bool = False) -> list[Path]:
    """`n` independent paths, each written to its end; with `fill`, more of them while the token budget holds another typical one.

    A session that has fewer samples than asked for (recorded ones) gives those it has.
    """
    ceiling = session.max_paths
    most = MOST_PATHS * n if ceiling is None else min(MOST_PATHS * n, ceiling)
    wave = n if ceiling is None else min(n, ceiling)
    paths: list[Path] = []
    while wave > 0:
        paths += await session.extend(await session.open(wave), logprobs=logprobs)
        if not fill or session.budget.tokens is None or session.exhausted:
            break
        wave = min(session.tokens_left // max(1, session.preset.typical_tokens), most - len(paths))
    return paths
