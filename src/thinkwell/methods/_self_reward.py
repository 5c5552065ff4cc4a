"""Who judges an answer of LatentSeek, and what the judgement is worth: a reward in [-8/6, 0], 0 where nothing is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from thinkwell.core.path import Origin, Path, Role, Segment
from thinkwell.core.problem import Problem
from thinkwell.core.sampling import GREEDY
from thinkwell.methods._turns import end_of_thinking, query_of, wording_of
from thinkwell.methods.wording.latent_seek import WORDINGS, Check, read_verdict

if TYPE_CHECKING:
    from thinkwell.methods.latent_seek import Config
    from thinkwell.session import Session

WEIGHTS = {Check.CALCULATION: 2, Check.ANSWER: 1, Check.COMPLETE: 2, Check.UNDERSTOOD: 1}
FORMAT_WEIGHT = 2  # taken off too where an answer is missing; not among those divided by, so the reward may fall to -8/6


class Reward(StrEnum):
    """Who judges an answer."""

    SELF = "self"
    ORACLE = "oracle"
    CONSTANT = "constant"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A reward, and how many checks had no verdict that could be read (they count as failed)."""

    reward: float
    unreadable: int = 0


async def judged(session: Session, problem: Problem, path: Path, config: Config) -> Judgement:
    """What the judge that the knobs name makes of an answer."""
    match config.reward:
        case Reward.CONSTANT:
            return Judgement(-1.0)
        case Reward.ORACLE:
            return Judgement(0.0 if right(session, problem, path) else -1.0)
    verdicts = await self_check(session, problem, path, config)
    missing = FORMAT_WEIGHT if config.format_check and session.answer(path) is None else 0
    failed = missing + sum(weight for check, weight in WEIGHTS.items() if not verdicts[check])
    return Judgement(-failed / sum(WEIGHTS.values()), list(verdicts.values()).count(None))


async def self_check(session: Session, problem: Problem, path: Path, config: Config) -> dict[Check, bool | None]:
    """The model's own verdicts on an answer; None where a reply has none."""
    wording = WORDINGS[wording_of(session, config.wording)]
    asked = [
        (await session.open(1, messages=wording.messages(check, query_of(problem), path.text), role=Role.VERIFIER))[0] for check in WEIGHTS
    ]
    replies = await session.extend(asked, max_tokens=config.check_tokens, sampling=GREEDY)
    session.prune(replies, "read")
    said = [read_verdict(reply.text, wording.marker, think_close=end_of_thinking(session, reply)) for reply in replies]
    return dict(zip(WEIGHTS, said, strict=True))


def right(session: Session, problem: Problem, path: Path) -> bool:
    """Whether the path's answer has the canonical form of the reference."""
    stated = Path("", (Segment(f"{session.preset.think_close}\\boxed{{{problem.gold}}}", Origin.INJECTED, n_tokens=1),))
    answer, reference = session.answer(path), session.answer(stated)
    return answer is not None and reference is not None and answer.canonical == reference.canonical
