"""Decoding with drafts: every path gets a tree of guesses, one forward runs the target over all trees, the branches that stand are kept.

The target's own token at a node is drawn exactly as plain decoding draws it (same logits, same keyed noise), so under the rules that match, the text is that of
plain decoding. Hooks are called along the branch that stands only, in the order of plain decoding. Rules that reject draw their noise from a generator keyed
by path and position; what they write depends on the drafts, and so on what sibling paths had written when.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from thinkwell.core.errors import ConfigError
from thinkwell.core.noise import NoiseKey, generator
from thinkwell.core.sampling import Sampling
from thinkwell.decoding.acceptance import Rule, accept
from thinkwell.decoding.drafts import EMPTY, Draft, Drafter, Drafting
from thinkwell.engines.local.cache import Slots
from thinkwell.engines.local.forest import Forest, Grown, forest_hidden
from thinkwell.engines.local.model import Decoder
from thinkwell.engines.local.noise import gumbel_, uniforms, uniforms_at
from thinkwell.engines.local.run import Run
from thinkwell.engines.local.sampling import WIDE, Sampler, filtered, filters_of

AHEAD = 32  # positions of a path whose noise is made in one go
CONTEXT = 32  # ids before a token that a drafter is shown


def check_rule(drafting: Drafting, drafter: Drafter) -> None:
    if not drafting.rule.matches and not drafter.draws:
        raise ConfigError(
            f"rule {drafting.rule.value!r} needs a drafter that draws from laws, and {type(drafter).__name__} has candidates only; use match or gumbel_coupled."
        )


class StepNoise:
    """The noise of one draft. `ahead` is kept with the path: noise of the positions from `start` on, (AHEAD, V)."""

    def __init__(self, run: Run, rule: Rule, vocab: int) -> None:
        self.rule, self.run, self.vocab = rule, run, vocab
        self.greedy = run.request.sampling.greedy
        self.fresh = None if rule.matches else fresh_noise(run)

    def gumbel(self, depth: int, ids: Sequence[int]) -> Sequence[float]:
        if self.fresh is not None:
            noise: list[float] = self.fresh.gumbel(size=len(ids)).tolist()
            return noise
        if self.greedy:
            return [0.0] * len(ids)
        run, position = self.run, len(self.run.ids) + depth
        if self.vocab >= WIDE:
            keys = torch.tensor([run.noise]).expand(len(ids), -1)
            at = torch.full((len(ids),), position)
            return gumbel_(uniforms_at(keys, at, torch.tensor(list(ids)), torch.float32)).tolist()
        if run.ahead is None or not run.ahead[0] <= position < run.ahead[0] + AHEAD:
            start = len(run.ids) if depth < AHEAD else position
            positions = torch.arange(start, start + AHEAD)
            keys = torch.tensor([run.noise]).expand(AHEAD, -1)
            run.ahead = (start, gumbel_(uniforms(keys, positions, self.vocab, torch.float32)).numpy())
        row = run.ahead[1][position - run.ahead[0]]
        return row[list(ids)].tolist()


def fresh_noise(run: Run) -> np.random.Generator:
    """Noise that no other position and no other path has."""
    key = run.request.key
    return generator(NoiseKey(key.seed, key.problem, f"{key.path}|draft|{len(run.ids)}"))


def chooser(rng: np.random.Generator) -> Callable[[Sequence[Any]], int]:
    def choose(weights: Sequence[Any]) -> int:
        upto = np.cumsum(np.asarray(weights, dtype=np.float64))
        # The last index of positive weight catches a draw that rounding has put at the very end.
        return int(min(np.searchsorted(upto, rng.random() * upto[-1], side="right"), np.searchsorted(upto, upto[-1], side="left")))

    return choose


@dataclass(slots=True)
class Drafted:
    """A path's tree in this step, and what came of it. accepted: nodes of the draft that stand, parent first. tokens: what the path writes now.
    nodes: the tree's node (0: its root) after which each of the tokens was drawn."""

    run: Run
    draft: Draft
    noise: StepNoise | None
    accepted: list[int]
    tokens: list[int]
    nodes: list[int]


def propose(run: Run, nodes: int, vocab: int) -> Drafted:
    """The tree of a path: empty for one that is not drafted."""
    drafting = run.request.draft
    depth = run.limit - len(run.ids) - 1  # the token after the deepest one is written too
    if drafting is None or run.peek is not None or run.drafter is None:
        return Drafted(run, EMPTY, None, [], [], [])
    noise = StepNoise(run, drafting.rule, vocab)
    if depth < 1 or nodes < 1:
        return Drafted(run, EMPTY, noise, [], [], [])
    return Drafted(run, run.drafter.propose(run.request.key.path, run.ids, nodes, depth, noise), noise, [], [], [])


def grow(drafted: Drafted) -> Grown:
    """The tree to verify: the path's last token, which is still to be an input, and the draft below it."""
    ids, draft = drafted.run.ids, drafted.draft
    return Grown(len(ids) - 1, [ids[-1], *draft.tokens], [-1, *[parent + 1 for parent in draft.parents]])


def run_trees(decoder: Decoder, slots: Slots, trees: Sequence[Drafted]) -> tuple[Forest, Tensor]:
    """The forward: (forest, logits (M, V))."""
    forest = forest_hidden(decoder, slots, [grow(drafted) for drafted in trees])
    return forest, decoder.logits(forest.hidden_MH)


def moves_of(trees: Sequence[Drafted]) -> list[tuple[int, int, int]]:
    """Cached positions that must move for the accepted branches to follow their paths: (row, from, to)."""
    return [
        (row, held + node, held + depth)
        for row, tree in enumerate(trees)
        for held in (len(tree.run.ids),)  # the root is at the position before
        for depth, node in enumerate(tree.accepted)
        if node != depth
    ]


class Verifier:
    """Draws the target's tokens at the nodes of one forward and walks each tree along them."""

    def __init__(self, sampler: Sampler, forest: Forest, logits_MV: Tensor, trees: Sequence[Drafted]) -> None:
        self.sampler, self.forest, self.trees = sampler, forest, trees
        self.plain_MV = logits_MV
        steered = any(tree.run.request.hook is not None or tree.run.request.min_tokens for tree in trees)
        self.logits_MV = logits_MV.clone() if steered else logits_MV  # after hooks and `min_tokens`
        self.drawn: list[int] = []
        self.failed: dict[int, Exception] = {}

    def verify(self) -> None:
        for row, tree in enumerate(self.trees):
            self._forbid_ends(row, tree)
        self.drawn = self.sampler.draw_nodes(self.logits_MV, self.forest.rows_M, self.forest.positions_M + 1).tolist()
        for row, tree in enumerate(self.trees):
            self._walk(row, tree)

    def _forbid_ends(self, row: int, tree: Drafted) -> None:
        """Nothing that ends the path may be drawn before it has `min_tokens`."""
        run = tree.run
        missing = run.request.min_tokens - run.written
        if missing > 0 and run.ends and run.request.hook is None:
            first, held = self.forest.first[row], len(run.ids) - 1
            for node in range(len(tree.draft.tokens) + 1):
                if int(self.forest.positions_M[first + node]) - held < missing:
                    self.logits_MV[first + node, list(run.ends)] = -torch.inf

    def _walk(self, row: int, tree: Drafted) -> None:
        run, draft, first = tree.run, tree.draft, self.forest.first[row]
        children: dict[int, list[int]] = {}
        for node, parent in enumerate(draft.parents):
            children.setdefault(parent, []).append(node)
        rejects = tree.noise is not None and not tree.noise.rule.matches
        at = -1
        while True:
            tree.nodes.append(at + 1)
            if run.request.hook is not None:
                try:
                    self._steer(row, tree, first + at + 1)
                except Exception as error:  # noqa: BLE001 - reported by this path's future
                    self.failed[row] = error
                    tree.tokens.append(self.drawn[first + at + 1])
                    return
            below = children.get(at, ())
            if rejects:
                index, token = self._reject(row, tree, at, [draft.tokens[node] for node in below])
            else:
                token = self.drawn[first + at + 1]
                index = next((i for i, node in enumerate(below) if draft.tokens[node] == token), None)
            tree.tokens.append(token)
            if index is None:
                return
            at = below[index]
            tree.accepted.append(at)

    def _steer(self, row: int, tree: Drafted, place: int) -> None:
        """Calls the path's hook as plain decoding would and draws again."""
        run = tree.run
        assert run.request.hook is not None
        logits_V = run.request.hook(self.plain_MV[place].clone(), [*run.ids, *tree.tokens])
        self.logits_MV[place] = logits_V
        if run.written + len(tree.tokens) < run.request.min_tokens and run.ends:
            self.logits_MV[place, list(run.ends)] = -torch.inf
        one = slice(place, place + 1)
        self.drawn[place] = int(self.sampler.draw_nodes(self.logits_MV[one], self.forest.rows_M[one], self.forest.positions_M[one] + 1)[0])

    def _reject(self, row: int, tree: Drafted, at: int, children: Sequence[int]) -> tuple[int | None, int]:
        assert tree.noise is not None
        assert tree.noise.fresh is not None
        p_V = law(self.logits_MV[self.forest.first[row] + at + 1][None], [tree.run.request.sampling], torch.float64)[0]
        return accept(tree.noise.rule, p_V.tolist(), tree.draft.laws.get(at, {}), children, chooser(tree.noise.fresh))


def law(logits_FV: Tensor, sampling: Sequence[Sampling], dtype: torch.dtype) -> Tensor:
    """The law that each row is sampled from: tempered, filtered, one at the largest for greedy rows."""
    logits_FV = logits_FV.to(dtype)
    filters = filters_of(sampling, logits_FV.device, dtype)
    if filters is not None:
        logits_FV = logits_FV.index_copy(0, filters.rows, filtered(logits_FV[filters.rows], filters))
    greedy = [row for row, s in enumerate(sampling) if s.greedy]
    temperature_F1 = torch.tensor([s.temperature or 1.0 for s in sampling], dtype=dtype, device=logits_FV.device)[:, None]
    probs_FV = (logits_FV / temperature_F1).softmax(-1)
    if greedy:
        best = logits_FV[greedy].argmax(-1, keepdim=True)
        probs_FV[greedy] = torch.zeros_like(probs_FV[greedy]).scatter_(1, best, 1.0)
    return probs_FV


def teach(verifier: Verifier) -> None:
    """Shows the drafters what the target thought at every node that was kept (at all, for a `Drafting` that asks for it). Greedy paths teach the law at
    temperature 1, which ranks their next candidates."""
    places: list[int] = []
    contexts: dict[int, tuple[Drafter, list[Sequence[int]], list[int]]] = {}  # by drafter: contexts, and where their laws are
    sampling: list[Sampling] = []
    for row, tree in enumerate(verifier.trees):
        run, draft = tree.run, tree.draft
        if run.drafter is None or run.drafter.top == 0 or row in verifier.failed:
            continue
        _, shown, at = contexts.setdefault(id(run.drafter), (run.drafter, [], []))
        drafting = run.request.draft
        everything = drafting is not None and drafting.all_nodes and run.request.hook is None
        nodes = range(len(draft.tokens) + 1) if everything else tree.nodes
        branches: dict[int, list[int]] = {0: list(run.ids[-CONTEXT:])}
        for node in nodes:
            if node:
                branches[node] = [*branches[draft.parents[node - 1] + 1], draft.tokens[node - 1]]
            shown.append(branches[node])
            at.append(len(places))
            places.append(verifier.forest.first[row] + node)
            sampling.append(run.request.sampling if not run.request.sampling.greedy else Sampling(1.0))
    if not places:
        return
    dtype = verifier.logits_MV.dtype if verifier.logits_MV.dtype == torch.float64 else torch.float32
    index = torch.tensor(places, device=verifier.logits_MV.device)
    wanted = max(drafter.top for drafter, _, _ in contexts.values())
    best = law(verifier.logits_MV[index], sampling, dtype).topk(min(wanted, verifier.logits_MV.shape[1]))
    ids, probs = best.indices.tolist(), best.values.tolist()
    for drafter, shown, at in contexts.values():
        drafter.observe(shown, [(ids[i][: drafter.top], probs[i][: drafter.top]) for i in at])


class Widths:
    """How many draft tokens a step is worth, by what forwards cost and how often drafts stood."""

    def __init__(self, decoder: Decoder) -> None:
        self.decoder = decoder

    def nodes(self, rows: int, drafting: Sequence[Drafting]) -> int:
        given = [d.nodes for d in drafting if d.nodes is not None]
        return max(given) if given else 16

    def learn(self, trees: Sequence[Drafted], width: int, tokens: int, seconds: float) -> None:
        pass
