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
from thinkwell.decoding.draft_tree import DraftTree
from thinkwell.decoding.drafts import EMPTY, Draft, Drafter, Drafting, Top
from thinkwell.decoding.stand import StandDrafter
from thinkwell.engines.local.cache import Slots
from thinkwell.engines.local.forest import Forest, Grown, forest_hidden
from thinkwell.engines.local.model import Decoder
from thinkwell.engines.local.noise import gumbel_, uniforms, uniforms_at
from thinkwell.engines.local.run import Run
from thinkwell.engines.local.sampling import WIDE, Sampler, filtered, filters_of
from thinkwell.engines.local.tables import Proposed, Tables, Twin
from thinkwell.engines.local.widths import MOST, Widths

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


def slots_of(draft: Draft, accepted: Sequence[int]) -> Sequence[int]:
    """The place of each accepted node in the static tree, -1 where there is none."""
    return [draft.slots[node] for node in accepted] if draft.slots else [-1] * len(accepted)


def propose(run: Run, widths: Widths, rows: int, vocab: int) -> Drafted:
    """The tree of a path: empty for one that is not drafted."""
    drafting = run.request.draft
    depth = run.limit - len(run.ids) - 1  # the token after the deepest one is written too
    if drafting is None or run.peek is not None or run.drafter is None:
        return Drafted(run, EMPTY, None, [], [], [])
    noise = StepNoise(run, drafting.rule, vocab)
    nodes = drafting.nodes or widths.nodes(rows)
    if depth < 1 or nodes < 1:
        return Drafted(run, EMPTY, noise, [], [], [])
    return Drafted(run, run.drafter.propose(run.request.key.path, run.ids, nodes, depth, noise), noise, [], [], [])


class Proposals:
    """The trees of all paths of a step. Those that have compiled tables are drafted in one call, which `compiled` tells; their rows are `rows`."""

    def __init__(self, runs: Sequence[Run], widths: Widths, tables: Tables | None, vocab: int) -> None:
        self.trees: list[Drafted] = []
        self.rows: list[int] = []
        self.twins: dict[int, Twin] = {}
        self.tables = tables
        shape: tuple[DraftTree | None, int] | None = None
        for row, run in enumerate(runs):
            twin = None if tables is None else tables.twin(run)
            if twin is not None:
                wanted = shape_of(run, widths, len(runs))
                if shape in (None, wanted):
                    shape = wanted
                    self.rows.append(row)
                    self.twins[row] = twin
                    self.trees.append(Drafted(run, EMPTY, None, [], [], []))
                    continue
            self.trees.append(propose(run, widths, len(runs), vocab))
        self.compiled: Proposed | None = None
        if tables is not None and shape is not None:
            tree, nodes = shape
            self.compiled = tables.propose(
                [runs[row] for row in self.rows], list(self.twins.values()), nodes, widths.worth(len(runs)), tree
            )
            for row, draft in zip(self.rows, self.compiled.drafts(), strict=True):
                self.trees[row].draft = draft


def shape_of(run: Run, widths: Widths, rows: int) -> tuple[DraftTree | None, int]:
    """The static tree of a path drafted by STAND and its size; no tree: grown best first. Of a tree from a file as many nodes
    as pay are used, unless their number is given too."""
    assert isinstance(run.drafter, StandDrafter)
    assert run.request.draft is not None
    nodes, tree = run.request.draft.nodes, run.drafter.tree
    if nodes is None and run.drafter.free:
        return None, MOST
    nodes = min(len(tree), nodes or max(1, widths.nodes(rows)))
    return tree.first(nodes), nodes


def grow(drafted: Drafted) -> Grown:
    """The tree to verify: the path's last token, which is still to be an input, and the draft below it."""
    ids, draft = drafted.run.ids, drafted.draft
    return Grown(len(ids) - 1, [ids[-1], *draft.tokens], [-1, *[parent + 1 for parent in draft.parents]])


def run_trees(decoder: Decoder, slots: Slots, trees: Sequence[Drafted], rows: Sequence[int]) -> tuple[Forest, Tensor]:
    """The forward: (forest, logits (M, V)). rows: that of `slots` in which each path is."""
    forest = forest_hidden(decoder, slots, [grow(drafted) for drafted in trees], rows)
    return forest, decoder.logits(forest.hidden_MH)


def moves_of(trees: Sequence[Drafted], rows: Sequence[int]) -> list[tuple[int, int, int]]:
    """Cached positions that must move for the accepted branches to follow their paths: (row, from, to)."""
    return [
        (row, held + node, held + depth)
        for row, tree in zip(rows, trees, strict=True)
        for held in (len(tree.run.ids),)  # the root is at the position before
        for depth, node in enumerate(tree.accepted)
        if node != depth
    ]


class Verifier:
    """Draws the target's tokens at the nodes of one forward and walks each tree along them."""

    def __init__(self, sampler: Sampler, forest: Forest, logits_MV: Tensor, proposals: Proposals) -> None:
        trees = proposals.trees
        self.sampler, self.forest, self.trees, self.proposals = sampler, forest, trees, proposals
        self.plain_MV = logits_MV
        steered = any(tree.run.request.hook is not None or tree.run.request.min_tokens for tree in trees)
        self.logits_MV = logits_MV.clone() if steered else logits_MV  # after hooks and `min_tokens`
        self.drawn: list[int] = []
        self.failed: dict[int, Exception] = {}

    def verify(self) -> None:
        for row, tree in enumerate(self.trees):
            self._forbid_ends(row, tree)
        drawn_M = self.sampler.draw_nodes(self.logits_MV, self.forest.trees_M, self.forest.positions_M + 1)
        self.drawn = drawn_M.tolist()
        rows, compiled, tables = self.proposals.rows, self.proposals.compiled, self.proposals.tables
        if compiled is not None and tables is not None:
            starts = [self.forest.first[row] for row in rows]
            for row, first, accepted in zip(rows, starts, tables.walk(compiled, drawn_M, starts), strict=True):
                tree = self.trees[row]
                tree.accepted = accepted
                tree.nodes = [0, *[node + 1 for node in accepted]]
                tree.tokens = [self.drawn[first + node] for node in tree.nodes]
        for row, tree in enumerate(self.trees):
            if row not in self.proposals.twins:
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
        self.drawn[place] = int(self.sampler.draw_nodes(self.logits_MV[one], self.forest.trees_M[one], self.forest.positions_M[one] + 1)[0])

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
    shown: list[Sequence[int]] = []
    pupils: list[Drafter | Twin] = []
    sampling: list[Sampling] = []
    for row, tree in enumerate(verifier.trees):
        run, draft = tree.run, tree.draft
        if run.drafter is None or run.drafter.top == 0 or row in verifier.failed:
            continue
        drafting = run.request.draft
        everything = drafting is not None and drafting.all_nodes and run.request.hook is None
        nodes = range(len(draft.tokens) + 1) if everything else tree.nodes
        branches: dict[int, list[int]] = {0: run.ids[-CONTEXT:]}
        for node in nodes:
            if node:
                branches[node] = [*branches[draft.parents[node - 1] + 1], draft.tokens[node - 1]]
            shown.append(branches[node])
            places.append(verifier.forest.first[row] + node)
        pupils += [verifier.proposals.twins.get(row, run.drafter)] * len(nodes)
        sampling += [run.request.sampling if not run.request.sampling.greedy else Sampling(1.0)] * len(nodes)
    if not places:
        return
    compiled = [i for i, pupil in enumerate(pupils) if isinstance(pupil, Twin)]
    if compiled and verifier.proposals.tables is not None:
        twins = [pupil for pupil in pupils if isinstance(pupil, Twin)]
        verifier.proposals.tables.learn(
            twins, verifier.logits_MV, [places[i] for i in compiled], [sampling[i] for i in compiled], [shown[i] for i in compiled]
        )
        if len(compiled) == len(pupils):
            return
    dtype = verifier.logits_MV.dtype if verifier.logits_MV.dtype == torch.float64 else torch.float32
    probs = law(verifier.logits_MV[places], sampling, dtype)
    best = probs.topk(min(max(p.top for p in pupils if not isinstance(p, Twin)), probs.shape[1]))
    ids, chances = best.indices.tolist(), best.values.tolist()
    lessons: dict[int, tuple[Drafter, list[Sequence[int]], list[Top]]] = {}
    for i, pupil in enumerate(pupils):
        if not isinstance(pupil, Twin):
            _, contexts, tops = lessons.setdefault(id(pupil), (pupil, [], []))
            contexts.append(shown[i])
            tops.append((ids[i][: pupil.top], chances[i][: pupil.top]))
    for pupil, contexts, tops in lessons.values():
        pupil.observe(contexts, tops)


def teach_undrafted(runs: Sequence[Run], tables: Tables | None, logits_NV: Tensor) -> None:
    """A step without drafts counts as one, and compiled tables learn from it too: paths that write on when others have ended will draft from them."""
    twins: dict[int, Twin] = {}
    for row, run in enumerate(runs):
        if run.request.draft is not None and run.drafter is not None:
            run.request.draft.stats.count(1, 0, ())
            twin = None if tables is None else tables.twin(run)
            if twin is not None:
                twins[row] = twin
    if tables is not None and twins:
        rows = list(twins)
        sampling = [run.request.sampling if not run.request.sampling.greedy else Sampling(1.0) for run in (runs[row] for row in rows)]
        tables.learn(list(twins.values()), logits_NV, rows, sampling, [runs[row].ids for row in rows])
