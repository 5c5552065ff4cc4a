"""Solve-Detect-Verify: stop thinking once the answer is there, look for the first wrong paragraph, solve again with that feedback (Zhong et al. 2025, arXiv 2505.11966).

    solve     the path writes; at every word of hesitation ("Wait", "Alternatively" ...)
    detect        ask the solver "is your solution complete?": log p(Yes) - log p(No) of the next token > margin: close the thinking, write the answer
    verify    k short verifications; if they do not agree, a few with thinking (see `_verification.py`)
    refine    judged wrong, or not judged: n_refine new solutions from the problem, the solution and the feedback, a vote of them replaces it
    n_runs of these side by side; their answers are voted on

Chosen differently: words of hesitation are whole words ("awaiting" is none; the repository matches the end of a streamed chunk), which takes one more token after each; that
token, the word and an opening before it ("But wait") are cut when the thinking stops there (`keep_trigger` leaves them, as the repository does); a refinement without an answer
never replaces one with an answer. The repository scores a random run where the vote is wrong; here the vote is the answer.
Cost per problem: n_runs * (a path, cut short where the probe says so, and k fast verifications; for those found wrong n_refine paths more). A probe samples nothing, but its
prompt (problem and path so far) is on the sheet.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from thinkwell.core.budget import Budget
from thinkwell.core.capability import Capability
from thinkwell.core.config import Knobs
from thinkwell.core.method import METHODS, About, Outcome, Turn, refuse_starved
from thinkwell.core.path import Finish, Origin, Path, Role
from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Preset
from thinkwell.methods._ask import put
from thinkwell.methods._cuts import cut_at, token_ends
from thinkwell.methods._selection import Select, select
from thinkwell.methods._steps import closed, over
from thinkwell.methods._turns import answering, wording_of
from thinkwell.methods._verification import Verification, Verifier, agreement, verify
from thinkwell.methods.wording.solve_detect_verify import WORDINGS
from thinkwell.session import Session

VERIFY_SHARE = 1 / 16  # of a typical path: one fast verification ...
REFINE_SHARE = 1 / 2  # ... and how often a solution is refined, for sizing


class Config(Verifier):
    detect: bool = True
    """Probe for completeness at words of hesitation; without it the solver stops by itself."""
    margin: float = 0.0
    """log p(Yes) - log p(No) above which the thinking is stopped; lower stops more often."""
    min_tokens: int = Field(default=0, ge=0)
    """Tokens a path writes before it is probed."""
    top: int = Field(default=10, ge=2)
    """Likeliest next tokens among which Yes and No are looked for; a No that is not among them is taken as impossible, without a Yes nothing stops."""
    sum_variants: bool = False
    """Add up the probabilities of "Yes", " Yes", "yes" ... instead of taking "Yes" alone."""
    keep_trigger: bool = False
    """Leave the word of hesitation before the closed thinking, as the repository does."""
    max_refine: int = Field(default=1, ge=0)
    """Rounds of refinement; more than one need reverify."""
    n_refine: int = Field(default=1, ge=1)
    """New solutions in a refinement; the most frequent answer is taken."""
    reverify: bool = False
    """Verify refined solutions too: one that finds less support than what it replaces is not taken. Without it a refinement is taken unseen."""
    n_runs: int = Field(default=1, ge=1)
    """Whole pipelines side by side, their answers voted on; sized to a token budget unless set."""

    @model_validator(mode="after")
    def _rounds_need_verdicts(self) -> Self:
        if self.max_refine > 1 and not self.reverify:
            raise ValueError(f"max_refine={self.max_refine} needs reverify=true: a refinement that is taken unseen is never refined again")
        return self


@dataclass(slots=True)
class Tally:
    """What the detector did. probes: (tokens of the path, p(Yes), p(No)) of each."""

    triggers: int = 0
    stopped: int = 0
    probes: list[tuple[int, float, float]] = field(default_factory=list)


class SolveDetectVerify:
    name: ClassVar[str] = "solve_detect_verify"
    about: ClassVar[About] = About(
        "stop once the answer is there, find the first wrong step with a generative verifier, solve again with its feedback",
        "Solve-Detect-Verify: Inference-Time Scaling with Flexible Generative Verifier (Zhong et al. 2025)", "2505.11966", "verification",
    )  # fmt: skip
    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.CONTINUE_PREFIX, Capability.PEEK, Capability.TOKEN_IDS})
    scorers: ClassVar[tuple[str, ...]] = ()
    turns: ClassVar[frozenset[Turn]] = frozenset({Turn("solve_detect_verify")})
    Config: ClassVar[type[Knobs]] = Config

    def __init__(self, config: Knobs | None = None) -> None:
        self.config = Config.model_validate(config or {})
        if not self.config.detect:
            self.needs = frozenset({Capability.CONTINUE_PREFIX})  # type: ignore[misc]  # this instance asks for less than its class

    def fit(self, budget: Budget, preset: Preset) -> Self:
        refuse_starved(self, budget, "n_runs")
        if budget.tokens is None:
            return self
        config = self.config
        cost = 1 + config.k * VERIFY_SHARE + REFINE_SHARE * config.n_refine * (config.max_refine > 0)
        return type(self)(config.resized(n_runs=max(1, round(budget.tokens / (cost * max(1, preset.typical_tokens))))))

    async def solve(self, problem: Problem, session: Session) -> Outcome:
        config, tally, refined = self.config, Tally(), 0
        current = await self._write(problem, session, await session.open(config.n_runs), tally)
        verified = await verify(session, problem, [path.text for path in current], config, told(session, current, 0))
        history = list(verified)
        for number in range(1, config.max_refine + 1):
            wrong = [i for i, found in enumerate(verified) if not found.accepted]
            if not wrong or session.exhausted:
                break
            better = await self._refine(problem, session, [(current[i], verified[i]) for i in wrong], tally)
            fresh = {i: path for i, path in zip(wrong, better, strict=True) if path is not None}
            names, texts = told(session, list(fresh.values()), number), [path.text for path in fresh.values()]
            checks = await verify(session, problem, texts, config, names, number) if config.reverify else []
            history += checks
            for n, i in enumerate(fresh):
                check = checks[n] if checks else None
                if check and session.answer(current[i]) and (check.support or 0.0) < (verified[i].support or 0.0):
                    continue
                session.prune([current[i]], "replaced by its refinement")
                current[i], verified[i], refined = fresh[i], check or verified[i], refined + 1
            if not config.reverify:
                break
        return select(session, current, rule=Select.MAJORITY, facts=facts_of(tally, history, refined))

    async def _write(self, problem: Problem, session: Session, paths: Sequence[Path], tally: Tally) -> list[Path]:
        """The paths to their ends, each stopped early where a probe finds it complete."""
        config, result = self.config, dict(enumerate(paths))
        stops = tuple(dict.fromkeys(spelled for word in config.keywords for spelled in (word.lower(), word.capitalize())))
        live = list(result) if config.detect else []
        while live:
            lengths = {i: len(result[i]) for i in live}
            result.update(zip(live, await session.extend([result[i] for i in live], stop=stops), strict=True))
            # At a stop string, thinking still open, and written on since the last time (an engine that writes nothing would stop here for ever).
            live = [i for i in live if result[i].finish is Finish.STOP and len(result[i]) > lengths[i] and not closed(session, result[i])]
            words = {i: result[i].text for i in live if hesitation(result[i].text, config.keywords) is not None}
            # Whether the word ends here shows in the next token only.
            result.update(zip(words, await session.extend([result[i] for i in words], max_tokens=1), strict=True))
            whole = [i for i, text in words.items() if not over(session, result[i]) and not re.match(r"\w", result[i].text[len(text) :])]
            tally.triggers += len(whole)
            asked = [i for i in whole if result[i].count(Origin.MODEL) >= config.min_tokens]
            stopped = await self._complete(problem, session, {i: result[i] for i in asked}, words, tally)
            for i in stopped:
                place = None if config.keep_trigger else hesitation(words[i], config.keywords)
                result[i] = await stop_thinking(session, result[i], place)
            live = [i for i in live if i not in stopped and not over(session, result[i]) and not closed(session, result[i])]
        return await session.extend(list(result.values()))

    async def _complete(self, problem: Problem, session: Session, paths: dict[int, Path], texts: dict[int, str], tally: Tally) -> list[int]:
        """Those of the paths that the solver calls complete. The conversation is the paper's: problem, begun solution, question; the thinking closed at once."""
        config, wording = self.config, WORDINGS[wording_of(session, self.config.wording)]
        turns = {i: wording.probe(session.preset.messages(problem), texts[i]) for i in paths}
        asked = {i: (await put(session, turns[i], role=Role.SOLVER, at_once=True, finished=wording.finished))[0] for i in paths}
        context = session.engine.info.context
        asked = {i: probe for i, probe in asked.items() if context is None or len(probe) < context}
        if not asked:
            return []
        yes, no = await spellings(session, "Yes", config.sum_variants), await spellings(session, "No", config.sum_variants)
        complete = []
        for i, logprobs in zip(asked, await session.peek(list(asked.values()), config.top), strict=True):
            p_yes, p_no = (math.fsum(math.exp(logprobs[token]) for token in tokens if token in logprobs) for tokens in (yes, no))
            tally.probes.append((paths[i].count(Origin.MODEL), p_yes, p_no))
            stop = p_yes > 0 and (p_no == 0 or math.log(p_yes / p_no) > config.margin)
            complete += [i] if stop else []
            text = f"Complete? p(Yes) = {p_yes:.2g}, p(No) = {p_no:.2g} after {paths[i].count(Origin.MODEL)} tokens"
            session.say(asked[i], "detector", (f"path {paths[i].id}",), text, decision="stop" if stop else "go on")
        tally.stopped += len(complete)
        session.prune(list(asked.values()), "probe read")
        return complete

    async def _refine(
        self, problem: Problem, session: Session, judged: Sequence[tuple[Path, Verification]], tally: Tally
    ) -> list[Path | None]:
        """For each judged path the refined one that carries the most frequent answer; None where no refinement has an answer."""
        config, wording = self.config, WORDINGS[wording_of(session, self.config.wording)]
        *before, last = session.preset.messages(problem)
        opened: list[Path] = []
        for _, found in judged:
            feedback = found.verdict.feedback if found.verdict else ""
            turn = wording.refinement(last["content"], found.parts, feedback)
            opened += await session.open(config.n_refine, messages=[*before, *turn])
        written = await self._write(problem, session, opened, tally)
        groups = [written[i : i + config.n_refine] for i in range(0, len(written), config.n_refine)]
        return [select(session, group, rule=Select.MAJORITY).chosen for group in groups]


def told(session: Session, paths: Sequence[Path], number: int) -> list[str]:
    """Put solutions into the events as the verifier gets them; the names they have there."""
    for path in paths:
        session.say(path, f"path {path.id}", ("verifier",), path.text, round=number, decision=answering(session, path))
    return [f"path {path.id}" for path in paths]


def hesitation(text: str, keywords: Sequence[str]) -> int | None:
    """Where the word of hesitation begins that `text` ends with, with a single word that opens the sentence before it ("But wait"); None if there is none.

    A word that only ends like one ("await") is none. White space after it does not count.
    """
    words = "|".join(re.escape(word) for word in sorted(keywords, key=len, reverse=True))
    found = re.search(rf"(?:(?:\A|(?<=[.!?]\s)|(?<=\n))\w+,?[ ])?(?<!\w)(?:{words})\s*\Z", text, re.IGNORECASE)
    return found.start() if found else None


async def stop_thinking(session: Session, path: Path, place: int | None) -> Path:
    """The path with its thinking closed; with `place`, what it wrote from this character on is cut off first."""
    if place is not None:
        ends = await token_ends(session, path)
        path = await session.cut(path, len(path) - len(ends) + cut_at(ends, place))
    preset = session.preset
    newline = "" if not path.text or path.text.endswith("\n") else "\n"
    return await session.splice(path, newline + preset.think_close + "\n\n" if preset.think_close else preset.answer_cue)


async def spellings(session: Session, word: str, variants: bool) -> set[int]:
    """Ids of the tokens that say `word`: its own first token, and with `variants` those of other spellings that are one token."""
    own = await session.engine.encode(word)
    others = [await session.engine.encode(space + same) for space in ("", " ") for same in (word, word.lower(), word.upper())]
    return {own[0], *(ids[0] for ids in others if variants and len(ids) == 1)}


def facts_of(tally: Tally, verified: Sequence[Verification], refined: int) -> dict[str, Any]:
    """What happened, for the record. verdicts: "correct", the number (from 0) of the first wrong paragraph, or "unread"."""
    return {
        "triggers": tally.triggers,
        "probes": [list(probe) for probe in tally.probes],
        "stopped": tally.stopped,
        "verdicts": ["unread" if found.verdict is None else "correct" if found.accepted else found.verdict.error for found in verified],
        "agreement": [agreement(found.fast) for found in verified],
        "escalated": sum(found.escalated for found in verified),
        "unread": sum(found.unread for found in verified),
        "fast_tokens": sum(found.fast_tokens for found in verified),
        "slow_tokens": sum(found.slow_tokens for found in verified),
        "refined": refined,
    }


METHODS.add(SolveDetectVerify.name)(SolveDetectVerify)
