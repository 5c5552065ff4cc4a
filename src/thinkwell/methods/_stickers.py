"""The steps of SIFT on one problem: stickers written and mended, predictions made from them and compared, and the books."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, Any

from thinkwell.core.answer import Answer
from thinkwell.core.method import Outcome
from thinkwell.core.path import Path, Role
from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Message
from thinkwell.core.sampling import GREEDY, Sampling
from thinkwell.methods._selection import carrier
from thinkwell.methods._turns import Decoding, answering, end_of_thinking, mean_length, query_of, spoken, wording_of
from thinkwell.methods.wording.sift import WORDINGS, Sticker, read_sticker

if TYPE_CHECKING:
    from thinkwell.methods.sift import Config
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


@dataclass(slots=True)
class Try:
    """One go at the problem: its stickers of the moment, and the predictions made from them, in the order of the stickers."""

    stickers: list[Sticker] = field(default_factory=list)
    predictions: dict[Source, list[Path]] = field(default_factory=dict)
    chosen: Path | None = None
    stage: int = 0  # of the agreement; 0: none


class Work:
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
