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

from typing import ClassVar, Self

from pydantic import Field, model_validator

from thinkwell.core.budget import Budget
from thinkwell.core.capability import Capability
from thinkwell.core.config import Knobs
from thinkwell.core.method import METHODS, About, Outcome, Turn, refuse_starved
from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Preset
from thinkwell.methods._stickers import Consistency, Source, Try, Work
from thinkwell.methods._turns import Decoding, WordingName
from thinkwell.session import Session


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


class Sift:
    name: ClassVar[str] = "sift"
    about: ClassVar[About] = About(
        "an answer that the question's facts alone also give, the facts mended until they do",
        "SIFT: Grounding LLM Reasoning in Contexts via Stickers (Zeng et al. 2025)", "2502.14922", "grounding",
    )  # fmt: skip
    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.FRESH_SAMPLES})
    scorers: ClassVar[tuple[str, ...]] = ()
    turns: ClassVar[frozenset[Turn]] = frozenset({Turn("sift")})
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
        work = Work(problem, session, config)
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


METHODS.add(Sift.name)(Sift)
