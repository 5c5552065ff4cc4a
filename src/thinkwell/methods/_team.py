"""The team that `multi_agent` leads through its rounds: what each agent is asked, what becomes of its reply, and the books."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

from thinkwell.core.method import Outcome
from thinkwell.core.path import Path, Role
from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Message
from thinkwell.methods._ask import ask
from thinkwell.methods._conclude import conclude, room_to_think
from thinkwell.methods._sums import wrong_sums
from thinkwell.methods._turns import answering, end_of_thinking, query_of, wording_of
from thinkwell.methods.wording._inert import after_thinking
from thinkwell.methods.wording.multi_agent import (
    WORDINGS,
    Decision,
    Evaluation,
    Review,
    distinct,
    quoted,
    read_decision,
    read_evaluation,
    read_review,
    read_roles,
)

if TYPE_CHECKING:
    from thinkwell.methods.multi_agent import Config
    from thinkwell.session import Session

T = TypeVar("T")
SEATS = tuple(role.value for role in (Role.CEO, Role.RECRUITER, Role.SOLVER, Role.CRITIC, Role.EVALUATOR))
KEPT_BACK = 2  # typical lengths that planning leaves of a budget for the first solution, ...
REWRITE = 1  # ... and that reviewing leaves for the next one
FRACTIONS = (16, 8, 4, 2, 1)  # of the preset's ceiling: the paper's 2048, 4096, 8192, 16384, 32000


class AgreeBy(StrEnum):
    TAG = "tag"
    ANSWER = "answer"


class Executor(StrEnum):
    NONE = "none"
    ARITHMETIC = "arithmetic"


@dataclass(slots=True)
class Round:
    """One round as the facts show it. votes: for each review, who agreed (None: nothing readable, taken as agreement)."""

    experts: tuple[str, ...]
    max_tokens: int
    direction: str = ""
    votes: list[list[bool | None]] = field(default_factory=list)
    answers: list[str | None] = field(default_factory=list)
    consensus: bool = False
    correct: bool | None = None
    advice: str = ""


class Team:
    """What the agents share: the latest solution, the messages, the books."""

    def __init__(self, config: Config, problem: Problem, session: Session) -> None:
        self.config, self.session, self.problem = config, session, problem
        self.words = WORDINGS[wording_of(session, config.wording)]
        self.choices = tuple(sorted(config.token_choices)) or tuple(max(1, session.preset.max_tokens // part) for part in FRACTIONS)
        self.solutions: list[Path] = []
        self.messages: list[tuple[str, str]] = []  # (speaker, text), all that experts hear
        self.advice = self.recruiting = ""
        self.rounds: list[Round] = []
        self.failures = dict.fromkeys((seat for seat in SEATS if seat != Role.SOLVER), 0)
        self.skipped = dict(self.failures)
        self.ignored_stops = 0

    def affords(self, typical: float) -> bool:
        """The budget holds more than so many paths of typical length."""
        return self.session.budget.tokens is None or self.session.tokens_left >= typical * self.session.preset.typical_tokens

    # ---- the agents ---------------------------------------------------------------------------------------------------------

    async def plan(self) -> Decision:
        """The CEO's decision, within its limits; to go on with the default team where there is no CEO or none that can be understood."""
        if not self.config.ceo:
            return Decision(True)
        last = self.rounds[-1] if self.rounds else None
        fields = {
            "solution": self._shown(), "advice": self._framed("advice", self.advice),
            "resources": self._framed("resources", f"{len(last.experts)} experts, {last.max_tokens} tokens" if last else ""),
            "most_experts": str(self.config.max_experts), "token_choices": ", ".join(map(str, self.choices)),
        }  # fmt: skip
        (said,) = await self._hear([self._turn(self.words.ceo, **fields)], Role.CEO, ["CEO"], self._read(read_decision))
        decision, path = said or (Decision(True), None)
        heeded = decision.go_on or (self.config.ceo_can_stop and self._answered())
        if said:
            order = decision.direction if decision.go_on else "stop"
            verdict = ordered(decision) if heeded else "stop, not heeded"
            self.session.say(path, "CEO", ["Recruiter", "experts"], order or "go on", round=len(self.rounds), decision=verdict)
        if not heeded:
            self.ignored_stops += 1
            return Decision(True)
        if decision.direction:
            self.messages.append(("CEO", decision.direction))
        return decision

    async def recruit(self, decision: Decision) -> None:
        """Begin a round: as many experts as planned, each with a name and a description."""
        wanted = decision.n_experts
        n = self.config.n_experts if wanted is None else min(self.config.max_experts, max(2, wanted))
        tokens = self.choices[-1] if decision.long is not False or len(self.choices) < 2 else self.choices[-2]
        if decision.max_tokens is not None:
            tokens = min(self.choices[-1], max(self.choices[0], decision.max_tokens))
        names: tuple[str, ...] | None = None
        if self.config.recruiter and n > 1:
            fields = {"n": str(n), "advice": self._framed("advice", self.recruiting or self.advice)}
            (said,) = await self._hear(
                [self._turn(self.words.recruiter, **fields)],
                Role.RECRUITER,
                ["Recruiter"],
                self._read(lambda text, lab: read_roles(text, n)),
            )
            if said:
                names, team = said[0], f"{n} experts, {tokens} tokens each"
                self.session.say(said[1], "Recruiter", ["experts"], "; ".join(names), round=len(self.rounds), decision=team)
        if names is None:
            names = distinct([self.words.default_roles[min(i, len(self.words.default_roles) - 1)] for i in range(n)])
        self.rounds.append(Round(names, tokens, decision.direction))

    async def discuss(self) -> None:
        """The solver writes; the critics review side by side; until all agree, or no time or tokens are left."""
        now = self.rounds[-1]
        await self._solve()
        remembered = len(self.messages)  # critics come fresh into a round
        inner = self.config.max_inner_turns if len(now.experts) > 1 else 0
        now.consensus = inner == 0  # nobody to disagree
        for _ in range(inner):
            reviews = await self._review(self.messages[remembered:])
            if not reviews:
                return
            now.votes.append([None if review is None else review.agrees for review in reviews])
            comments = [
                (name, review.comment) for name, review in zip(now.experts[1:], reviews, strict=True) if review and not review.agrees
            ]
            now.consensus = not comments
            if now.consensus or not self.affords(REWRITE):
                return
            self.messages += [(name, text or "I disagree.") for name, text in comments]
            await self._solve()

    async def judge(self) -> bool:
        """Is the round's solution accepted?"""
        now = self.rounds[-1]
        if not self.config.evaluator:
            return now.consensus
        result = self._execute()
        fields = {"solution": self._shown(), "roles": "\n".join(now.experts), "result": self._framed("result", result)}
        (said,) = await self._hear([self._turn(self.words.evaluator, **fields)], Role.EVALUATOR, ["Evaluator"], self._read(read_evaluation))
        evaluation, path = said or (Evaluation(False), None)
        if said:
            now.correct = evaluation.correct
            verdict = "right" if evaluation.correct else "wrong"
            text = f"{verdict} {evaluation.advice}".strip()
            self.session.say(path, "Evaluator", ["CEO", "experts"], text, round=len(self.rounds) - 1, decision=verdict)
        self.advice, self.recruiting, now.advice = evaluation.advice, evaluation.recruiting, evaluation.advice
        if evaluation.advice and not evaluation.correct:
            self.messages.append(("Evaluator", evaluation.advice))
        return evaluation.correct and self._answered()

    async def _solve(self) -> None:
        now, preset = self.rounds[-1], self.session.preset
        *before, last = preset.messages(self.problem)
        fields = {"role": now.experts[0], "question": last["content"], "solution": self._shown(), "messages": self._talk(self.messages)}
        fields["advice"] = self._framed("advice", now.direction)
        turn = self.words.turn(self.words.again if self.solutions else self.words.solver, **fields)
        opened = await self.session.open(1, messages=[*before, *turn], role=Role.SOLVER)
        most = min(now.max_tokens, preset.max_tokens, room_to_think(self.session, opened, self.session.tokens_left))
        (path,) = await conclude(self.session, await self.session.extend(opened, max_tokens=most))
        answer = self.session.answer(path)
        self.solutions.append(path)
        now.answers.append(answer.text if answer else None)
        listeners, verdict = [*now.experts[1:], "Evaluator"], answering(self.session, path)
        self.session.say(path, now.experts[0], listeners, self._solution_text(), round=len(self.rounds) - 1, decision=verdict)

    async def _review(self, heard: Sequence[tuple[str, str]]) -> list[Review | None]:
        """Every critic's review of the latest solution; None for one that could not be read. Empty: no tokens to ask anyone."""
        now, own = self.rounds[-1], self.session.answer(self.solutions[-1])

        def read(path: Path, said: str) -> Review | None:
            review = read_review(said, self.words.lab)
            theirs = self.session.answer(path) if self.config.agree_by is AgreeBy.ANSWER else None
            if theirs is not None:
                agrees = own is not None and theirs.canonical == own.canonical
                return Review(agrees, "" if agrees else review.comment or quoted(said))
            return None if review.agrees is None else review

        turns = [self._turn(self.words.critic, role=name, solution=self._shown(), messages=self._talk(heard)) for name in now.experts[1:]]
        skipped = self.skipped[Role.CRITIC]
        found = await self._hear(turns, Role.CRITIC, now.experts[1:], read, min(now.max_tokens, self.session.preset.max_tokens), REWRITE)
        if self.skipped[Role.CRITIC] - skipped == len(turns):
            return []
        for name, said in zip(now.experts[1:], found, strict=True):
            if said:
                verdict, text = ("agrees", "I agree.") if said[0].agrees else ("disagrees", said[0].comment or "I disagree.")
                self.session.say(said[1], name, [now.experts[0]], text, round=len(self.rounds) - 1, decision=verdict)
        return [said[0] if said else None for said in found]

    def _execute(self) -> str:
        """What the executor has to say of the latest solution; nothing where it finds nothing to do."""
        if self.config.executor is Executor.NONE:
            return ""
        sums = wrong_sums(self._solution_text())
        if sums is None:
            return ""
        result = self.words.wrong_sums.replace("{sums}", ", ".join(sums)) if sums else self.words.right_sums
        self.session.say(None, "Executor", ["Evaluator"], result, round=len(self.rounds) - 1)
        return result

    async def _hear(
        self,
        conversations: Sequence[list[Message]],
        role: Role,
        names: Sequence[str],
        read: Callable[[Path, str], T | None],
        most: int | None = None,
        kept: float | None = None,
    ) -> list[tuple[T, Path] | None]:
        """What each conversation's agent says and the path it says it in; None after max_tries replies that could not be read, or for want of tokens.

        names: of the agents. kept: typical lengths that stay in the budget; by default what the solver still needs.
        """
        session = self.session
        kept = (0 if role is Role.EVALUATOR else REWRITE if self._answered() else KEPT_BACK) if kept is None else kept
        found: list[tuple[T, Path] | None] = [None] * len(conversations)
        waiting = list(range(len(conversations)))
        for attempt in range(self.config.max_tries):
            spare = session.tokens_left - round(kept * session.preset.typical_tokens) if session.budget.tokens is not None else None
            if session.exhausted or (spare is not None and spare < len(waiting)):
                self.skipped[role] += len(waiting) if attempt == 0 else 0
                break
            ceiling = min(most or session.preset.max_tokens, session.preset.max_tokens if spare is None else spare // len(waiting))
            replies = await ask(session, [conversations[i] for i in waiting], role=role, max_tokens=ceiling)
            for i, (path,) in zip(waiting, replies, strict=True):
                said = after_thinking(path.text, end_of_thinking(session, path))
                result = read(path, said) if said else None
                found[i] = None if result is None else (result, path)
                if result is None:
                    self.failures[role] += 1
                    number = len(self.rounds) - (role in (Role.CRITIC, Role.EVALUATOR))
                    session.say(path, names[i], (), said or path.text, round=number, unread=True)
            waiting = [i for i in waiting if found[i] is None]
            if not waiting:
                break
        return found

    # ---- what they are shown ------------------------------------------------------------------------------------------------

    def _read(self, read: Callable[[str, bool], T | None]) -> Callable[[Path, str], T | None]:
        return lambda path, said: read(said, self.words.lab)

    def _turn(self, template: str, **fields: str) -> list[Message]:
        return self.words.turn(template, question=query_of(self.problem), **fields)

    def _framed(self, name: str, text: str) -> str:
        return getattr(self.words, name).replace("{" + name + "}", text) if text else str(getattr(self.words, "no_" + name))

    def _solution_text(self) -> str:
        """The latest solution as others see it: what it says after its thinking, the thinking too where that says too little."""
        path = self.solutions[-1]
        said = after_thinking(path.text, end_of_thinking(self.session, path))
        return quoted(path.text if self.words.whole_solution or not said else said)

    def _shown(self) -> str:
        return self._framed("solution", self._solution_text() if self.solutions else "")

    def _talk(self, messages: Sequence[tuple[str, str]]) -> str:
        latest = messages[-self.config.max_history :]
        return "\n".join(self.words.say(number, speaker, text) for number, (speaker, text) in enumerate(latest, 1))

    def _answered(self) -> bool:
        return any(self.session.answer(path) is not None for path in self.solutions[-1:])

    # ---- the books ----------------------------------------------------------------------------------------------------------

    def outcome(self, stop: str) -> Outcome:
        answered = [path for path in self.solutions if self.session.answer(path) is not None]
        chosen = answered[-1] if answered else None
        facts: dict[str, Any] = {
            "candidates": len(self.solutions), "with_answer": len(answered), "stop": stop, "rounds": [asdict(one) for one in self.rounds],
            "parse_failures": self.failures, "skipped": self.skipped, "ignored_stops": self.ignored_stops,
            "silent_agreements": sum(vote is None for one in self.rounds for votes in one.votes for vote in votes),
            "fell_back": bool(answered) and chosen is not self.solutions[-1],
        }  # fmt: skip
        return Outcome(self.session.answer(chosen) if chosen else None, tuple(self.solutions), chosen, None, facts)


def ordered(decision: Decision) -> str:
    """The CEO's decision in a few words."""
    if not decision.go_on:
        return "stop"
    team = "" if decision.n_experts is None else f", {decision.n_experts} experts"
    length = "" if decision.long is None else ", long" if decision.long else ", short"
    return "go on" + team + (length if decision.max_tokens is None else f", {decision.max_tokens} tokens")
