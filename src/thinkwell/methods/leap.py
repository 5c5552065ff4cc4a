"""LeaP: paths that think side by side and now and then read what their peers have found (Luo et al. 2025, arXiv 2505.07787).

    n_paths paths; max_rounds times:
        every open path writes interval_tokens; one that closes its thinking is written to its end and leaves the group
        block (not after the last round): every open path is made to sum up what it has (a trigger, then at most summary_tokens of its own);
            a router chooses peer_top_k peers for it, and their summaries are put into its thinking as comments, with a sentence that leads back
    paths still open are closed and asked for their answer
    answer = that of most paths                                        (the mean over the paths is the paper's Pass@1)

`single_path` is the variant with one exchange: after the first block only one path goes on. `explain=False` is LeaP-T: a plain prompt for models trained on such traces.

Chosen differently: an unfinished paragraph is written to its end before the trigger instead of thrown away (`boundary="cut"` is the repository's way, within the
round's own text); a hybrid router shows no peer twice; one path alone holds no blocks; a block waits until the tokens left would still carry all open paths on;
tokens for the forced answer are kept back; a path that ends its text inside its thinking without an answer is taken on (as in the repository).
Comments are quoted so that nothing in them can end their frame, and no answer is read from them: they are injected segments with the role `summary`.
Cost per problem: n_paths * (typical_tokens + a summary of each a round); comments cost prefix, no generated tokens.
"""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field

from thinkwell.core.budget import Budget
from thinkwell.core.capability import Capability
from thinkwell.core.config import Knobs
from thinkwell.core.errors import BudgetError
from thinkwell.core.method import METHODS, About, Outcome, Turn
from thinkwell.core.path import Path, Role
from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Preset
from thinkwell.methods._group import Group
from thinkwell.methods._peers import Router, Similarity
from thinkwell.methods._selection import Select, select
from thinkwell.methods._talk import Sizes, Talk
from thinkwell.methods.wording.leap import WORDINGS, Wording
from thinkwell.session import Session

MOST = 256  # the paper's ceiling of a summary, and of a forced answer


class Config(Knobs):
    n_paths: int = Field(default=16, ge=1)
    """Paths side by side (the paper: 32, GPQA 8); sized to a token budget unless set."""
    interval_tokens: int | None = Field(default=None, ge=1)
    """Tokens a path writes between two blocks (the paper's T); none: half a typical path, less where the budget could not pay two rounds."""
    max_rounds: int = Field(default=4, ge=1)
    """Rounds of writing; a path still open after them is asked for its answer."""
    peer_top_k: int = Field(default=4, ge=1)
    """Peers whose summaries a path is shown; fewer where fewer are left."""
    router: Router = Router.DISPERSED
    """dispersed (least similar summaries), clustered (most similar), hybrid (half of each), random, or all (no limit of peer_top_k)."""
    similarity: Similarity = Similarity.LEVENSHTEIN
    """levenshtein (the paper's formula) or indel (what its repository computes)."""
    summary_tokens: int | None = Field(default=None, ge=1)
    """Ceiling of a summary; none: half a typical path, at least 16 and at most 256."""
    comm_rounds: tuple[int, ...] | None = None
    """Rounds (from 0) after which a block is held; none: every one but the last."""
    single_path: bool = False
    """After the first block only the first open path goes on; the others had only their summaries to give."""
    share_finished: bool = False
    """Paths that have finished leave their solution among the summaries that a router chooses from."""
    explain: bool = True
    """Tell the model about summaries and comments, in the prompt and in its own voice; false for one trained for them (the lab's wording never does)."""
    boundary: Literal["finish", "cut"] = "finish"
    """finish the paragraph that a round ends in (within half of interval_tokens more), or cut it off."""
    answer_tokens: int | None = Field(default=None, ge=1)
    """Tokens kept back for the answer of a path that is closed; none: a quarter of a typical path, at most 256."""
    wording: Literal["auto", "instruct", "reasoning", "lab"] = "auto"
    """Whose texts: auto (by the preset), instruct, reasoning or lab."""


class LeaP:
    name: ClassVar[str] = "leap"
    about: ClassVar[About] = About(
        "paths that now and then sum up what they have and read their peers' summaries",
        "Learning from Peers in Reasoning Models (Luo et al. 2025)", "2505.07787", "discussion",
    )  # fmt: skip
    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.CONTINUE_PREFIX})
    scorers: ClassVar[tuple[str, ...]] = ()
    turns: ClassVar[frozenset[Turn]] = frozenset({Turn("leap")})
    Config: ClassVar[type[Knobs]] = Config

    def __init__(self, config: Knobs | None = None) -> None:
        self.config = Config.model_validate(config or {})
        if self.config.boundary == "cut":
            self.needs = type(self).needs | {Capability.TOKEN_IDS}  # type: ignore[misc]  # a place in a text is a place among its tokens

    def fit(self, budget: Budget, preset: Preset) -> Self:
        if budget.tokens is None:
            return self
        size, typical = sizes(self.config, preset, None), max(1, preset.typical_tokens)
        whole = max(typical, size.interval) + size.summary // 2  # paths that end early write no summary, few reach its ceiling
        n_paths = budget.tokens // max(whole, size.interval + size.answer)
        if self.config.single_path:
            n_paths = (budget.tokens - typical) // (size.interval + size.summary)
        fitted = type(self)(self.config.resized(n_paths=max(1, n_paths)))
        sizes(fitted.config, preset, budget.tokens)
        return fitted

    async def solve(self, problem: Problem, session: Session) -> Outcome:
        config, preset = self.config, session.preset
        size = sizes(config, preset, session.budget.tokens)
        wording = WORDINGS[preset.kind if config.wording == "auto" else config.wording]
        group = Group(session, await begin(session, problem, size.n_paths, wording, config.explain), size.answer)
        talk = Talk(session, group, config, wording, size, session.rng("leap"))
        for number in range(config.max_rounds):
            if not await talk.write(number):
                break
            if number + 1 < config.max_rounds and talk.due(number):
                await talk.block(number)
        talk.counts["forced"] = await group.close()
        return select(session, group.paths, rule=Select.MAJORITY, facts=talk.facts())


def sizes(config: Config, preset: Preset, tokens: int | None) -> Sizes:
    """The knobs with what was left open filled in.

    Raises `BudgetError` where those set by hand leave a budget of `tokens` too small for one round and the answers kept back from it.
    """
    typical, n_paths = max(1, preset.typical_tokens), config.n_paths
    longest = max(1, typical // 2)
    interval = config.interval_tokens or (longest if tokens is None else max(1, min(longest, tokens // (2 * n_paths))))
    answer = config.answer_tokens or min(MOST, max(1, typical // 4))
    by_hand = config.interval_tokens is not None or ("n_paths" in config.model_fields_set and n_paths > 1)
    if tokens is not None and by_hand and n_paths * (interval + answer) > tokens:
        least = n_paths * (answer + (config.interval_tokens or min(longest, max(1, answer - 1))))  # an open interval shrinks to so much
        raise BudgetError(
            f"leap: one round of {n_paths} paths with {interval} tokens each and {answer} kept back for each answer takes {n_paths * (interval + answer)} tokens, "
            f"and the budget has {tokens}; give tokens={least} or more, or lower n_paths, interval_tokens or answer_tokens."
        )
    return Sizes(n_paths, interval, config.summary_tokens or min(MOST, max(16, typical // 2)), answer)


async def begin(session: Session, problem: Problem, n: int, wording: Wording, explain: bool) -> list[Path]:
    """Open the paths, for an untrained model with the explanation in the prompt and the acknowledgement at the start of its thinking."""
    if not explain or not wording.explain:
        return await session.open(n)
    *before, last = session.preset.messages(problem)
    paths = await session.open(n, messages=[*before, {**last, "content": last["content"] + wording.explain}])
    think = session.preset.think_open
    if think and not paths[0].prompt.rstrip().endswith(think.strip()):
        paths = [await session.splice(path, think) for path in paths]
    return [await session.splice(path, wording.prefill, role=Role.SUMMARY) for path in paths]


METHODS.add(LeaP.name)(LeaP)
