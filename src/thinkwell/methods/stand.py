"""STAND: another method, its tokens guessed several at a time from what its own paths have said (Song et al. 2025, arXiv 2506.04708).

    table: last 4 ... 1 tokens -> running average of the model's 10 likeliest next tokens, shared by all paths of the problem
    until the path ends:
        draft a static tree from the table: children of a node are drawn without replacement by Gumbel-Top-k
        run the model once over the whole tree; keep the branch that stands, and one token more (see `thinkwell.decoding.acceptance`)
        the model's laws along that branch go into the table
    answer = that of the inner method (`inner`), whose paths are written this way

Chosen differently: the paper's rule for several children could not be read; `rejection` is the one that is lossless for children drawn this way. The default is
`gumbel_coupled`: draft and model share the noise of plain decoding, so the text is that of plain decoding, token for token, and the seed alone decides it. The tree is as
large as pays by the measured cost of a forward, unless `nodes` is set; a small model on a processor pays for every node, so with many paths at once it may be none.
Keys go down to one token (accounts of the paper differ: to two, or to one); it accepts more on the lab. Other drafters (`drafter`) are there to compare with.
Cost per problem: the tokens of the inner method, in fewer and larger forwards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from typing import Any, ClassVar, Self

from pydantic import Field

from thinkwell.core.budget import Budget
from thinkwell.core.capability import Capability
from thinkwell.core.config import Knobs
from thinkwell.core.errors import ConfigError
from thinkwell.core.method import METHODS, About, Outcome, Vocabulary, examine, seats_of, turns_of
from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Preset
from thinkwell.decoding.acceptance import Rule
from thinkwell.decoding.draft_tree import DraftTree, tree_named
from thinkwell.decoding.drafts import Drafter, Drafting
from thinkwell.decoding.rivals import AdaptiveNgram, PromptLookup, SuffixDecoding, TokenRecycling
from thinkwell.decoding.stand import NgramTable, StandDrafter
from thinkwell.methods._inner import fit_inner, inner_method
from thinkwell.session import Session


class Source(StrEnum):
    """Where guesses come from."""

    STAND = "stand"
    PROMPT_LOOKUP = "prompt_lookup"
    ADAPTIVE_NGRAM = "adaptive_ngram"
    TOKEN_RECYCLING = "token_recycling"
    SUFFIX = "suffix"
    NONE = "none"


class Merge(StrEnum):
    """What becomes of a law that was seen before."""

    AVERAGE = "average"
    REPLACE = "replace"


class UpdateFrom(StrEnum):
    """Which laws the table learns."""

    ACCEPTED = "accepted"
    ALL_NODES = "all_nodes"


class Share(StrEnum):
    """Who shares a table."""

    PROBLEM = "problem"
    PATH = "path"


class Config(Knobs):
    inner: str = "self_consistency"
    """The method whose tokens are drafted."""
    inner_knobs: dict[str, Any] = Field(default={})
    """Knobs of that method; sized to the budget unless set."""
    drafter: Source = Source.STAND
    """Where guesses come from: stand, prompt_lookup, adaptive_ngram, token_recycling, suffix, or none (plain decoding)."""
    rule: Rule = Rule.GUMBEL_COUPLED
    """How guesses are put to the test: gumbel_coupled, match, rejection, with_replacement or chain; all keep the model's law, the first two its very tokens."""
    nodes: int | None = Field(default=None, ge=1, le=625)
    """Draft tokens a step and path; none: as many as pay by the measured cost of a forward, which may be none at all."""
    tree: str = "heuristic"
    """heuristic, or a tree file that `thinkwell lab tune-tree` wrote (drafters stand and token_recycling)."""
    max_order: int = Field(default=4, ge=1, le=16)
    """Longest key of the table, in tokens."""
    min_order: int = Field(default=1, ge=1)
    """Shortest key of the table, in tokens."""
    top: int = Field(default=10, ge=1, le=64)
    """Next tokens kept for a key."""
    merge: Merge = Merge.AVERAGE
    """average (running mean of the laws seen) or replace (the last one)."""
    update_from: UpdateFrom = UpdateFrom.ACCEPTED
    """accepted (positions that were kept) or all_nodes (rejected guesses too)."""
    share: Share = Share.PROBLEM
    """problem: all paths of a problem share a table; path: each has its own, forks with their origin."""


class Stand:
    name: ClassVar[str] = "stand"
    about: ClassVar[About] = About(
        "another method, faster: tokens drafted from what its paths have said, verified as a tree",
        "Accelerated Test-Time Scaling with Model-Free Speculative Sampling (Song et al. 2025)", "2506.04708", "decoding",
    )  # fmt: skip
    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.TOKEN_IDS, Capability.TREE_VERIFY})
    scorers: ClassVar[tuple[str, ...]] = ()
    Config: ClassVar[type[Knobs]] = Config

    def __init__(self, config: Knobs | None = None) -> None:
        self.config = Config.model_validate(config or {})
        self.inner = inner_method(self.config.inner, self.config.inner_knobs, self.name, (self.name,), "draft what is drafted")
        self.needs = type(self).needs | self.inner.needs  # type: ignore[misc]  # this instance asks for what its inner method asks for
        self.scorers = self.inner.scorers  # type: ignore[misc]
        self.seats, self.turns = seats_of(self.inner), turns_of(self.inner)
        self.drafting()  # a tree file or combination of knobs that cannot be is refused now

    def fit(self, budget: Budget, preset: Preset) -> Self:
        return type(self)(fit_inner(self.config, self.inner, budget, preset))

    async def examine(self, vocabulary: Vocabulary, preset: Preset) -> None:
        await examine(self.inner, vocabulary, preset)

    async def solve(self, problem: Problem, session: Session) -> Outcome:
        drafting = self.drafting()
        session.draft(drafting)
        try:
            outcome = await self.inner.solve(problem, session)
        finally:
            session.draft(None)
        facts = {} if drafting is None else {"inner": self.inner.name, **drafting.stats.as_facts(), **lookups(drafting)}
        return replace(outcome, facts={**outcome.facts, **facts})

    def drafting(self) -> Drafting | None:
        """How paths are to be drafted. Raises `ConfigError` for knobs that do not go together."""
        config = self.config
        if config.drafter is Source.NONE:
            return None
        make = maker(config)
        if not make().draws and not config.rule.matches:
            raise ConfigError(
                f"stand: rule={config.rule.value} needs laws to draw from, and drafter={config.drafter.value} has candidates only; expected match or gumbel_coupled."
            )
        return Drafting(
            make, config.rule, config.nodes, share=config.share is Share.PROBLEM, all_nodes=config.update_from is UpdateFrom.ALL_NODES
        )


def maker(config: Config) -> Callable[[], Drafter]:
    """What makes a new drafter."""
    tree: DraftTree | None = None if config.tree == "heuristic" else tree_named(config.tree)
    average = config.merge is Merge.AVERAGE
    match config.drafter:
        case Source.PROMPT_LOOKUP:
            return PromptLookup
        case Source.ADAPTIVE_NGRAM:
            return AdaptiveNgram
        case Source.TOKEN_RECYCLING:
            return lambda: TokenRecycling(tree)
        case Source.SUFFIX:
            return SuffixDecoding
        case _:
            return lambda: StandDrafter(NgramTable(config.max_order, config.min_order, config.top, average=average), tree)


def lookups(drafting: Drafting) -> dict[str, Any]:
    """How often the tables knew an answer."""
    tables = [drafter.table for drafter in drafting.drafters if isinstance(drafter, StandDrafter)]
    asked = sum(table.lookups for table in tables)
    return {"lookup_hit_rate": round(sum(table.hits for table in tables) / asked, 4)} if asked else {}


METHODS.add(Stand.name)(Stand)
