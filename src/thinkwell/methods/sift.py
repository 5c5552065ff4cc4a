"""SIFT: write the facts of the question down on a "sticker", and trust an answer that comes both from the sticker alone and from question and sticker
(SIFT: Grounding LLM Reasoning in Contexts via Stickers, Zeng et al. 2025, arXiv 2502.14922).

    stage 1: sticker = facts of the question           stage 2: forward, the sticker mended by comparing it with the question
    stage 3: inverse, a sticker derived from the prediction alone (the question is not shown), then forward
    after each stage: predict from the sticker and from question + sticker; the same answer: take it, done
    no agreement after the last stage: the answer to the plain question, written only now

Chosen differently: two missing answers are no agreement (the code counts them as one). Returned is the prediction from question and sticker, as in the paper; the abstract
compares "query" with "query + sticker", and the code scores the sticker's prediction: `accept` and `agree_with` are the ablation of that pair. Forward after inverse cannot
be switched off: a derived sticker turns errors of the prediction into facts. The preset shows the options of a choice beside the sticker, which the original loses. Under a
token budget no stage is begun that would leave nothing for the plain answer; if that is missing too, the latest prediction is taken.
Cost per problem: 3, 6 or 10 replies for agreement at stage 1, 2, 3; 11 for none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import islice
from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from thinkwell.core.answer import Answer
from thinkwell.core.budget import Budget
from thinkwell.core.capability import Capability
from thinkwell.core.config import Knobs
from thinkwell.core.method import METHODS, About, Outcome, refuse_starved
from thinkwell.core.path import Path, Role
from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Message, Preset
from thinkwell.core.sampling import GREEDY, Sampling
from thinkwell.methods._selection import carrier
from thinkwell.methods._turns import Decoding, WordingName, answering, end_of_thinking, mean_length, query_of, spoken, wording_of
from thinkwell.methods.wording.sift import WORDINGS, Sticker, read_sticker
from thinkwell.session import Session

SAMPLED = Sampling(temperature=0.6, top_p=0.9)  # the paper's, for several samples


class Source(StrEnum):
    """What a prediction is made from."""

    QUERY = "query"
    STICKER = "sticker"
    BOTH = "query+sticker"


class Consistency(StrEnum):
    """What is sampled several times and voted on."""

    NONE = "none"
    STICKER = "sticker"
    PREDICTION = "prediction"
    SIFT = "sift"


class Config(Knobs):
    stages: int = Field(default=3, ge=1, le=3)
    """1: the sticker as written; 2: mended forward where the predictions differ; 3: derived inversely where they still do."""
    forward_repeats: int = Field(default=1, ge=0)
    """Times stage 2 is done until the predictions agree; 0 skips it (the paper's ablation: inverse at once is worse than stage 1)."""
    inverse_repeats: int = Field(default=1, ge=0)
    """Times stage 3 is done until the predictions agree."""
    accept: Source = Source.BOTH
    """The prediction that is the answer if it agrees: query, sticker or query+sticker."""
    agree_with: Source = Source.STICKER
    """The prediction that it must agree with."""
    fallback: Source | None = None
    """The prediction taken without agreement; None: the third one, the plain query in the paper's pair."""
    consistency: Consistency = Consistency.NONE
    """none; sticker (several stickers, predictions voted); prediction (several predictions of each kind, voted, then compared); sift (the whole several times, voted)."""
    n_samples: int = Field(default=10, ge=1)
    """Samples for consistency; sized to a token budget unless set."""
    decoding: Decoding = Decoding.PAPER
    """paper (greedy; the run's sampling for reasoning models, which the paper samples too; with consistency temperature 0.6, top-p 0.9) or run."""
    max_tokens: int | None = Field(default=None, ge=1)
    """Ceiling of one reply; None: the preset's. The paper's 1024 cuts long reasoning."""
    wording: WordingName = "auto"
    """Words of the sticker turns: auto (by the preset's kind of model), instruct, reasoning or lab."""

    @model_validator(mode="after")
    def _two_sources(self) -> Self:
        if self.accept is self.agree_with:
            raise ValueError(f"accept and agree_with are both {self.accept.value!r}; a prediction must agree with another one: choose two")
        return self

    @property
    def last_resort(self) -> Source:
        """Where the answer comes from without agreement."""
        return self.fallback or next(source for source in Source if source not in (self.accept, self.agree_with))

    @property
    def moves(self) -> list[tuple[int, str]]:
        """(stage, how its sticker comes about), in order."""
        repeats = [(1, "generate", 1), (2, "forward", self.forward_repeats), (3, "inverse", self.inverse_repeats)]
        return [(stage, move) for stage, move, times in repeats[: self.stages] for _ in range(times)]


@dataclass(slots=True)
class Try:
    """One go at the problem: its stickers of the moment, and the predictions made from them, in the order of the stickers."""

    stickers: list[Sticker] = field(default_factory=list)
    predictions: dict[Source, list[Path]] = field(default_factory=dict)
    chosen: Path | None = None
    stage: int = 0  # of the agreement; 0: none


class Sift:
    name: ClassVar[str] = "sift"
    about: ClassVar[About] = About(
        "an answer that the question's facts alone also give, the facts mended until they do",
        "SIFT: Grounding LLM Reasoning in Contexts via Stickers (Zeng et al. 2025)", "2502.14922", "grounding",
    )  # fmt: skip
    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.FRESH_SAMPLES})
    scorers: ClassVar[tuple[str, ...]] = ()
    Config: ClassVar[type[Knobs]] = Config

    def __init__(self, config: Knobs | None = None) -> None:
        self.config = Config.model_validate(config or {})

    def fit(self, budget: Budget, preset: Preset) -> Self:
        if budget.tokens is None or self.config.consistency is Consistency.NONE:
            return self  # a single go has nothing to size: `solve` begins no stage that it cannot pay for
        replies = 2 if self.config.consistency is Consistency.PREDICTION else 3
        refuse_starved(self, budget, "n_samples", paths=replies * self.config.n_samples)
        return type(self)(self.config.resized(n_samples=max(1, budget.tokens // (replies * max(1, preset.typical_tokens)))))

    async def solve(self, problem: Problem, session: Session) -> Outcome:
        config = self.config
        work = _Work(problem, session, config)
        tries = [Try() for _ in range(config.n_samples if config.consistency is Consistency.SIFT else 1)]
        for stage, move in config.moves:
            left = [one for one in tries if not one.stage]
            going = left[: work.affordable(move, len(left))]
            if len(going) < len(left):
                session.note(f"stage {stage}: tokens for {len(going)} of {len(left)} tries")
            if not going:
                break
            before = (session.usage.generated_tokens, session.usage.prompt)
            await work.write_stickers(going, move)
            await work.predict(going)
            work.compare(going, stage, before)
        await work.fall_back([one for one in tries if not one.stage])
        return work.outcome(tries)


class _Work:
    """The steps of one problem, and what has been written for it."""

    def __init__(self, problem: Problem, session: Session, config: Config) -> None:
        self.problem, self.session, self.config = problem, session, config
        self.words = WORDINGS[wording_of(session, config.wording)]
        self.sampling = sampling_of(session, config)
        self.n_stickers = config.n_samples if config.consistency is Consistency.STICKER else 1
        self.n_predictions = config.n_samples if config.consistency is Consistency.PREDICTION else 1
        self.predicted: list[Path] = []
        self.replies: list[Path] = []  # to sticker turns
        self.malformed = 0
        self.stages: list[dict[str, Any]] = []

    async def write_stickers(self, tries: list[Try], move: str) -> None:
        """New stickers for every try: of the question; mended; or derived from the prediction, then mended."""
        query, ask = query_of(self.problem), self.words
        if move == "generate":
            await self._stickers(tries, [[ask.ask_sticker(query)] * self.n_stickers for _ in tries], 1, "of the question")
            return
        if move == "inverse":
            await self._stickers(tries, [[ask.ask_inverse(*seen) for seen in self._accepted(one)] for one in tries], 2, move)
        await self._stickers(tries, [[ask.ask_forward(query, s) for s in one.stickers or [Sticker("")]] for one in tries], 1, "forward")

    def _accepted(self, one: Try) -> list[tuple[str, str]]:
        """For each sticker the text of the prediction that would have been accepted, and the mark that ends its thinking."""
        paths = one.predictions.get(self.config.accept, [])[:: self.n_predictions]
        return [(path.text, end_of_thinking(self.session, path)) for path in paths] or [("", "")]

    async def _stickers(self, tries: list[Try], turns: list[list[list[Message]]], turns_left: int, move: str) -> None:
        """One reply to each turn of each try. turns_left: sticker turns of this stage, this one included."""
        paths = [p for own in turns for messages in own for p in await self.session.open(messages=messages, role=Role.SUMMARY)]
        paths = await self._extend(paths, len(paths) * self._cost(turns_left - 1) + self._prediction_cost())
        self.replies += paths
        stickers = [read_sticker(path.text, end_of_thinking(self.session, path)) for path in paths]
        self.malformed += sum(not sticker.well_formed for sticker in stickers)
        for path, sticker in zip(paths, stickers, strict=True):
            form = "" if sticker.well_formed else "not in the form asked for"
            text, unread = sticker.text or spoken(self.session, path), not sticker.text
            self.session.say(path, "sticker", ("solver",), text, round=len(self.stages), how=move, decision=form, unread=unread)
        dealt = iter(stickers)
        for one, own in zip(tries, turns, strict=True):
            one.stickers = [sticker for sticker in islice(dealt, len(own)) if sticker.text]

    async def predict(self, tries: list[Try]) -> None:
        """Both predictions of every try, all at once; of the plain question only once a try."""
        for one in tries:
            one.predictions = {source: paths for source, paths in one.predictions.items() if source is Source.QUERY}
        pair = (self.config.accept, self.config.agree_with)
        await self._predict([(one, source) for one in tries for source in pair], self._prediction_cost())

    async def _predict(self, wanted: Sequence[tuple[Try, Source]], kept_back: float, most: int | None = None) -> None:
        """Predictions that are not there yet, at most `most` for each try and source."""
        wanted = [(one, source) for one, source in wanted if source not in one.predictions]
        questions = [self._questions(one, source)[:most] for one, source in wanted]
        asked = [self.session.preset.messages(replace(self.problem, question=text)) for texts in questions for text in texts]
        paths = await self._extend([path for messages in asked for path in await self.session.open(messages=messages)], kept_back)
        self.predicted += paths
        dealt = iter(paths)
        for (one, source), texts in zip(wanted, questions, strict=True):
            one.predictions[source] = list(islice(dealt, len(texts)))
            for path in one.predictions[source]:
                verdict, how = answering(self.session, path), f"from {source.value}"
                self.session.say(path, "solver", (), path.text, round=len(self.stages), how=how, decision=verdict)

    def _questions(self, one: Try, source: Source) -> list[str]:
        """What stands in the question's place of the preset (which shows options as ever), once for each prediction."""
        asked = self.problem.question
        if source is Source.QUERY:
            return [asked] * (self.n_stickers * self.n_predictions)
        texts = [sticker.text if source is Source.STICKER else f"{asked}\n\n{sticker.text}" for sticker in one.stickers]
        return [text for text in texts for _ in range(self.n_predictions)]

    def compare(self, tries: list[Try], stage: int, before: tuple[int, int]) -> None:
        """Which tries agree? Two missing answers agree on nothing. before: tokens generated and prompted when the stage began."""
        found = []
        for one in tries:
            accepted, other = (self._answer(one.predictions[source]) for source in (self.config.accept, self.config.agree_with))
            if accepted is not None and other is not None and accepted.canonical == other.canonical:
                one.stage, one.chosen = stage, self._carrier(one.predictions[self.config.accept], accepted)
            found.append([answer.canonical if answer else None for answer in (accepted, other)])
        usage = self.session.usage
        self.stages.append(
            {
                "stage": stage,
                "stickers": [sticker.text for one in tries for sticker in one.stickers],
                "predictions": found,
                "agreed": sum(one.stage == stage for one in tries),
                "generated_tokens": usage.generated_tokens - before[0],
                "prompt_tokens": usage.prompt - before[1],
            }
        )

    def _answer(self, paths: list[Path]) -> Answer | None:
        """The answer of one path, or the one that most of several reach."""
        return self.session.vote(paths).answer if len(paths) > 1 else self.session.answer(paths[0]) if paths else None

    def _carrier(self, paths: list[Path], answer: Answer | None) -> Path | None:
        """The first path that gives `answer`."""
        return carrier(self.session, paths, [1.0] * len(paths), answer)

    async def fall_back(self, tries: list[Try]) -> None:
        """The answer without agreement, for as many tries as the tokens left hold (one at least)."""
        source = self.config.last_resort
        fresh = [(one, source if one.stickers else Source.QUERY) for one in tries if source not in one.predictions]
        room = max(1, int(self.session.tokens_left // max(1.0, self._prediction_cost())))
        await self._predict(fresh[:room], 0, max(1, room // max(1, len(fresh))))
        for one in tries:
            paths = one.predictions.get(source) or one.predictions.get(Source.QUERY) or []
            one.chosen = self._carrier(paths, self._answer(paths))

    def affordable(self, move: str, n: int) -> int:
        """How many of `n` tries can do a stage and leave the tokens of one plain answer."""
        cost = self.n_stickers * self._cost(2 if move == "inverse" else 1)
        return max(0, min(n, int((self.session.tokens_left - self._prediction_cost()) // max(1.0, cost))))

    def _cost(self, turns: int) -> float:
        """Tokens for so many sticker turns and the predictions that follow, as long as those seen so far."""
        typical = self.session.preset.typical_tokens
        return turns * mean_length(self.replies, typical) + 2 * self.n_predictions * self._prediction_cost()

    def _prediction_cost(self) -> float:
        return mean_length(self.predicted, self.session.preset.typical_tokens)

    async def _extend(self, paths: list[Path], kept_back: float) -> list[Path]:
        """The paths to their ends; of the token budget what the rest of the stage and a plain answer need is kept back."""
        if not paths:
            return []
        share = max(1, int((self.session.tokens_left - kept_back) // len(paths)))
        return await self.session.extend(
            paths, max_tokens=min(share, self.config.max_tokens or share, self.session.preset.max_tokens), sampling=self.sampling
        )

    def outcome(self, tries: list[Try]) -> Outcome:
        """The answer of the only try, or the one that most tries reach; without any, that of the latest prediction that has one."""
        finals = [one.chosen for one in tries if one.chosen is not None]
        answer = self._answer(finals)
        chosen = self._carrier(finals, answer)
        if chosen is None:
            chosen = next((path for path in reversed(self.predicted) if self.session.answer(path) is not None), None)
            answer = self.session.answer(chosen) if chosen else None
            source = "latest prediction" if chosen else "nothing"
        elif any(one.stage and one.chosen is chosen for one in tries):
            source = "agreement"
        else:
            source = next(source.value for one in tries for source, paths in one.predictions.items() if chosen in paths)
        facts = {
            "stage": tries[0].stage if len(tries) == 1 else [one.stage for one in tries],
            "agreed": sum(one.stage > 0 for one in tries) / len(tries),
            "answer_from": source,
            "generations": len(self.replies) + len(self.predicted),
            "malformed_stickers": self.malformed,
            "unfinished_replies": sum(not path.complete for path in (*self.replies, *self.predicted)),
            "stages": self.stages,
        }
        return Outcome(answer, tuple(self.predicted), chosen, facts=facts)


def sampling_of(session: Session, config: Config) -> Sampling | None:
    """The sampling of every reply; None: the run's. Under sampling, disagreement is noise as well as doubt."""
    if config.decoding is Decoding.RUN:
        return None
    if config.consistency is not Consistency.NONE:
        return SAMPLED
    return None if session.preset.kind == "reasoning" else GREEDY  # long reasoning loops when it is greedy


METHODS.add(Sift.name)(Sift)
