"""Critic-guided search: every step is put to a step critic, a rejected one is written again; several such paths vote (SPC at test time, Chen et al. 2025, arXiv 2504.19162).

    n_paths paths; until all have ended, or max_steps:
        every live path writes one step; a critic reads problem, steps so far and this one
        "incorrect": the step is thrown away and written anew from the same place, max_retries times at most (then the last one stays)
        "correct", or nothing that could be read: the path goes on
    answer = that of most paths

The critic is the same model in a turn of its own; its training by self-play is not part of this. Chosen differently: a critique that cannot be read is asked for once more
and then counted and taken as no objection; the solution after the thinking is one step and is judged too; the last step of max_steps is written to its end; when the tokens left
could not carry the live paths to their ends no step is rejected any more.
Cost per problem: n_paths * typical_tokens * (1 + retries a step), and a critique for every step written, retried ones too: at up to five retries this multiplies the
tokens, so compare at equal budgets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import ClassVar, Self

from pydantic import Field

from thinkwell.core.budget import Budget
from thinkwell.core.capability import Capability
from thinkwell.core.config import Knobs
from thinkwell.core.method import METHODS, About, Outcome, Turn, refuse_starved
from thinkwell.core.path import Origin, Path, Role
from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Preset
from thinkwell.core.sampling import Sampling
from thinkwell.methods._ask import ask
from thinkwell.methods._selection import Select, select
from thinkwell.methods._steps import LATER_REST, SHORTEST_REST, Candidate, over, write_step
from thinkwell.methods._turns import WordingName, end_of_thinking, query_of, spoken, wording_of
from thinkwell.methods.wording.critic_guided import WORDINGS, Critique, Label, read_critique
from thinkwell.methods.wording.solve_detect_verify import paragraphs
from thinkwell.session import Session

COST = 2.0  # typical lengths that a path is taken to need with its critiques and retries, for sizing


class Config(Knobs):
    n_paths: int = Field(default=8, ge=1)
    """Paths that vote; sized to a token budget unless set."""
    max_retries: int = Field(default=5, ge=0)
    """How often one step is written anew after a rejection; the last one stays."""
    max_steps: int = Field(default=40, ge=1)
    """Steps of a path at most; the last one is written to its end."""
    step_tokens: int | None = Field(default=None, ge=1)
    """End a step after this many tokens too, for models without a step delimiter."""
    critic_thinks: bool = False
    """Let the critic think before it replies (models that mark their thinking)."""
    critic_temperature: float = Field(default=0.0, ge=0)
    """Temperature of the critic; a critique that could not be read is asked for again at the run's own."""
    critic_tokens: int | None = Field(default=None, ge=1)
    """Ceiling of one critique in tokens; None: the preset's typical length."""
    wording: WordingName = "auto"
    """What is said to the critic: instruct, reasoning, lab; auto: by the preset."""


@dataclass(slots=True)
class Tally:
    """What the critic did. judged: critiques asked for; kept_wrong: steps that stayed though rejected; unread: critiques without a verdict."""

    judged: int = 0
    rejected: int = 0
    kept_wrong: int = 0
    unread: int = 0
    critic_tokens: int = 0


class CriticGuided:
    name: ClassVar[str] = "critic_guided"
    about: ClassVar[About] = About(
        "write every step until a step critic accepts it, five retries at most; several paths vote",
        "SPC: Evolving Self-Play Critic via Adversarial Games for LLM Reasoning (Chen et al. 2025)", "2504.19162", "verification",
    )  # fmt: skip
    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.CONTINUE_PREFIX})
    scorers: ClassVar[tuple[str, ...]] = ()
    turns: ClassVar[frozenset[Turn]] = frozenset({Turn("critic_guided")})
    Config: ClassVar[type[Knobs]] = Config

    def __init__(self, config: Knobs | None = None) -> None:
        self.config = Config.model_validate(config or {})

    def fit(self, budget: Budget, preset: Preset) -> Self:
        refuse_starved(self, budget, "n_paths")
        if budget.tokens is None:
            return self
        return type(self)(self.config.resized(n_paths=max(1, round(budget.tokens / (COST * max(1, preset.typical_tokens))))))

    async def solve(self, problem: Problem, session: Session) -> Outcome:
        config, tally = self.config, Tally()
        paths = await session.open(config.n_paths)
        for number in range(1, config.max_steps + 1):
            if all(over(session, path) for path in paths):
                break
            paths = await self._step(problem, session, paths, tally, number)
        return select(session, paths, rule=Select.MAJORITY, facts=asdict(tally))

    async def _step(self, problem: Problem, session: Session, paths: Sequence[Path], tally: Tally, number: int) -> list[Path]:
        """Every live path one step further, the one of this number, each step the first that the critic did not reject (or the last)."""
        config, result, to_end = self.config, list(paths), number == self.config.max_steps
        trying = [i for i, path in enumerate(paths) if not over(session, path)]
        for attempt in range(config.max_retries + 1):
            # A retry is a fork of the path before the step: the same value cannot be written on twice.
            tried = [Candidate(session.fork(paths[i], 1)[0] if attempt else paths[i]) for i in trying]
            written = [done.path for done in await write_step(session, tried, step_tokens=config.step_tokens, to_end=to_end)]
            trying = [i for i, path in zip(trying, written, strict=True) if self._take(session, result, i, path, retried=attempt > 0)]
            verdicts = await self._criticise(problem, session, paths, result, trying, tally, number - 1)
            trying = [i for i in trying if (verdict := verdicts[i]) is not None and verdict.label is Label.INCORRECT]
            tally.rejected += len(trying)
            again = {**dict(enumerate(result)), **{i: paths[i] for i in trying}}
            cost = sum(result[i].count(Origin.MODEL) - paths[i].count(Origin.MODEL) for i in trying)
            if not trying or session.exhausted or spare(session, list(again.values())) < cost:
                break
        tally.kept_wrong += len(trying)
        return result

    def _take(self, session: Session, result: list[Path], i: int, path: Path, *, retried: bool) -> bool:
        """Put a newly written step in the place of the old one; False where that would lose an answer."""
        if retried and session.answer(path) is None and session.answer(result[i]) is not None:
            session.prune([path], "retried without an answer")
            return False
        if retried:
            session.prune([result[i]], "rejected by the critic")
        result[i] = path
        return True

    async def _criticise(
        self,
        problem: Problem,
        session: Session,
        before: Sequence[Path],
        paths: Sequence[Path],
        which: Sequence[int],
        tally: Tally,
        number: int,
    ) -> dict[int, Critique | None]:
        """The critic's verdict on what each path of `which` wrote since `before`; None where it has none, or where the tokens left are needed to end the paths."""
        config, kind = self.config, wording_of(session, self.config.wording)
        wording, question = WORDINGS[kind], query_of(problem)
        verdicts: dict[int, Critique | None] = dict.fromkeys(which)
        turns = {}
        for i in which:
            old, step = paragraphs(before[i].text), paragraphs(paths[i].text[len(before[i].text) :])
            if step:
                turns[i] = wording.messages(question, [*old, "\n\n".join(step)])
                session.say(paths[i], f"path {paths[i].id}", ("critic",), "\n\n".join(step), round=number)
        for sampling in (Sampling(config.critic_temperature, session.sampling.top_p), None):
            room = int(spare(session, paths) / max(1, len(turns)))
            most = min(config.critic_tokens or session.preset.typical_tokens, room)
            if not turns or most < max(1.0, tally.critic_tokens / max(1, tally.judged)):  # a critique cut short says nothing
                break
            asked = await ask(
                session, list(turns.values()), role=Role.CRITIC, at_once=not config.critic_thinks, finished=wording.finished,
                max_tokens=most, sampling=sampling,
            )  # fmt: skip
            for i, (reply,) in zip(list(turns), asked, strict=True):
                verdicts[i] = found = read_critique(reply.text, lab=kind == "lab", think_close=end_of_thinking(session, reply))
                to, said, verdict = (
                    (f"path {paths[i].id}",),
                    (found and found.text) or spoken(session, reply),
                    found.label.value if found else "",
                )
                session.say(reply, "critic", to, said, round=number, decision=verdict, unread=found is None)
                tally.judged += 1
                tally.critic_tokens += reply.count(Origin.MODEL)
            turns = {i: turn for i, turn in turns.items() if verdicts[i] is None}
            tally.unread += len(turns)
        return verdicts


def spare(session: Session, paths: Sequence[Path]) -> float:
    """Tokens left beyond what the live paths will need to their ends: the rest of a typical length, or a share of what they have written."""
    typical = session.preset.typical_tokens
    lengths = [path.count(Origin.MODEL) for path in paths if not over(session, path)]
    return session.tokens_left - sum(max(typical - length, typical * SHORTEST_REST, length * LATER_REST) for length in lengths)


METHODS.add(CriticGuided.name)(CriticGuided)
