"""Continuous batching: paths join and leave a running batch; every step writes one token of each.

A prefix is computed up to its last token (in waves of similar lengths, once for all paths that share it); that last token is then the first input of
decoding. So a path that goes on from where it stopped joins at once, and only the decode step needs logits. The step loop runs in the caller's event
loop, without threads: `while scheduler.step(): await asyncio.sleep(0)`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from thinkwell.core.errors import EngineError
from thinkwell.engines.local.cache import BLOCK, Shelf, Slots, Stored, maps_lazily
from thinkwell.engines.local.drafted import Proposals, Verifier, check_rule, moves_of, run_trees, teach, teach_undrafted
from thinkwell.engines.local.forest import keep_branches
from thinkwell.engines.local.forward import chunk_queries, decode_group, extend
from thinkwell.engines.local.model import Batch, Decoder
from thinkwell.engines.local.run import Run, completion, lineage_root, start_run
from thinkwell.engines.local.sampling import Sampler, logprob_of
from thinkwell.engines.local.tables import Tables
from thinkwell.engines.local.text import Vocabulary
from thinkwell.engines.local.widths import Widths
from thinkwell.engines.protocol import Request

GROUP_ROWS = 16  # rows move between attention groups in blocks of this size
GROUP_COST = 1600  # what one more attention group costs, in row positions


@dataclass(slots=True)
class Job:
    """A prefix to compute: its tokens but the last, how many are done, where those came from, and who waits for it."""

    tokens: tuple[int, ...]
    done: int
    stored: Stored | None
    runs: list[Run]

    @property
    def left(self) -> int:
        return len(self.tokens) - self.done


class Scheduler:
    """Runs requests on one model: `submit`, then `step` until it returns False; results arrive in the futures.

    rows: paths that write at once. chunk: tokens of one prefill forward. live_tokens: cache positions of the running batch, rows x longest.
    """

    def __init__(
        self, decoder: Decoder, vocabulary: Vocabulary, shelf: Shelf, eos: frozenset[int], rows: int, chunk: int, live_tokens: int
    ) -> None:
        shape = decoder.shape
        self.decoder, self.vocabulary, self.shelf, self.eos = decoder, vocabulary, shelf, eos
        self.rows, self.chunk, self.live_tokens = rows, chunk, live_tokens
        # On a CPU all room is made at once, as memory nothing was written to costs nothing; growing would copy.
        size = (rows, max(1, min(512, shape.context, live_tokens // rows))) if maps_lazily(decoder.dtype, decoder.device) else (8, 128)
        self.slots = Slots(shape.layers, shape.kv_heads, shape.head_dim, decoder.dtype, decoder.device, *size)
        self.staging = Slots(shape.layers, shape.kv_heads, shape.head_dim, decoder.dtype, decoder.device)
        self.sampler = Sampler(decoder.device, decoder.dtype)
        self.pending: deque[Run] = deque()
        self.wave: list[Job] = []
        self.active: list[Run] = []
        self.bounds: list[tuple[int, int]] = []  # attention groups: rows [start, stop), roughly by falling length
        self.changed = False
        self.origin: list[int] = []  # row that each active path had when rows were last assigned, -1: none
        self.cancelled = False  # whether a caller gave a request up since the last step
        self.steered = self.logprobs_wanted = self.drafted = self.sized = False
        self.widths = Widths(decoder)
        self.tables = None if decoder.native is None else Tables(decoder.native)
        self.watched: frozenset[int] = frozenset()  # ids after which some path may have ended
        self.watched_all = False
        self.writes: list[Callable[[int], None]] = []
        self.longest = 0  # ids of the longest active path, or more
        self.resolved = False  # whether a caller has something to go on with since it was last asked
        self.spare = 0  # steps within which no active path's limit ends
        self.row_N = torch.arange(rows, device=decoder.device)
        self.inputs_N = self.positions_N = self.row_N[:0]

    def submit(self, request: Request, future: asyncio.Future[Any], peek: int | None = None) -> None:
        """Queues a request. `peek`: its future gets the log-probs (V,) of the next token instead of a completion."""
        if not request.prefix:
            raise EngineError(
                "a request without prefix ids reached the local engine; expected at least one id (render or encode the prompt first)."
            )
        if request.draft is not None:
            check_rule(request.draft, request.draft.drafter(request.sampling, lineage_root(request)))
        run = start_run(request, future, self.vocabulary, self.eos, self.decoder.shape.context, peek)
        if peek is None and run.limit <= run.start:
            future.set_result(completion(run, self.vocabulary))
            return
        future.add_done_callback(self._note_cancelled)
        self.pending.append(run)

    def _note_cancelled(self, future: asyncio.Future[Any]) -> None:
        self.cancelled |= future.cancelled()

    @torch.inference_mode()
    def step(self) -> bool:
        """One forward: prefill while the batch is mostly empty, else one token of every path, with a wave of prefill beside it. Returns whether work is left."""
        if self.cancelled:
            self._drop_cancelled()
        if not self.wave:
            self._admit()
        if self.wave:
            self._prefill()
            more = bool(self.wave) or (bool(self.pending) and self._has_room(self.pending[0], 0, self._farthest()))
            if more and 2 * len(self.active) < self.rows:
                return True
        if self.active:
            if self.changed:
                self._assign()
            if self.drafted and (self.sized or self.widths.drafts(len(self.active))):
                self._decode_drafted()
            else:
                self._decode()
        return bool(self.active or self.pending or self.wave)

    def _drop_cancelled(self) -> None:
        """Forgets requests that nobody waits for any more; a prefix that is being computed is finished first."""
        self.pending = deque(run for run in self.pending if not run.future.cancelled())
        if self.changed and self.active:
            self._assign()
        for row in reversed(range(len(self.active))):
            if self.active[row].future.cancelled():
                self._leave(row)
        self.cancelled = any(run.future.cancelled() for job in self.wave for run in job.runs)

    def fail(self, error: Exception) -> None:
        """Ends everything in flight with an error."""
        runs = [*self.pending, *self.active, *(run for job in self.wave for run in job.runs)]
        self.pending.clear()
        self.active, self.origin, self.wave, self.changed = [], [], [], True
        for run in runs:
            if not run.future.done():
                run.future.set_exception(error)

    # Joining

    def _has_room(self, run: Run, joining: int, longest: int) -> bool:
        """Whether one more path can run: a row is free, and all rows at the longest final length fit into `live_tokens` (a path alone always may)."""
        count = len(self.active) + joining
        return count == 0 or (count < self.rows and (count + 1) * max(run.limit, longest) <= self.live_tokens)

    def _farthest(self) -> int:
        """The longest that an active path may get."""
        return max((run.limit for run in self.active), default=0)

    def _admit(self) -> None:
        """Gives pending paths rows: at once where their prefix is at hand, else by a wave of prefill. Waits until a sixteenth of the rows is
        free, as small waves are dear."""
        if not self.pending or (self.active and self.rows - len(self.active) < min(len(self.pending), self.rows // 16)):
            return
        jobs: dict[tuple[int, ...], Job] = {}
        joining, longest, farthest = 0, 0, self._farthest()
        while self.pending and self._has_room(self.pending[0], joining, farthest):
            run = self.pending[0]
            farthest = max(farthest, run.limit)
            tokens = tuple(run.ids[:-1])
            if tokens in jobs:
                jobs[tokens].runs.append(run)
            else:
                stored, reused = self.shelf.find(tokens, run.request.lineage)
                job = Job(tokens, reused, stored, [run])
                if job.left == 0:
                    self._join(job, None if stored is None else stored.data)
                    self.pending.popleft()
                    continue
                longest = max(longest, job.left)
                if jobs and longest * (len(jobs) + 1) > self.chunk:
                    break
                jobs[tokens] = job
            joining += 1
            self.pending.popleft()
        if jobs:
            self._stage(sorted(jobs.values(), key=lambda job: -len(job.tokens)))

    def _stage(self, jobs: list[Job]) -> None:
        self.wave = jobs
        self.staging.reserve(len(jobs), max(len(job.tokens) for job in jobs))
        for row, job in enumerate(jobs):
            job.runs[0].computed = job.left
            if job.stored is not None:
                self.staging.load(slice(row, row + 1), job.stored.data, job.done)
                job.stored = None

    def _prefill(self) -> None:
        """Computes the next chunk of every prefix of the wave; their paths join when all are done."""
        jobs = self.wave
        queries = chunk_queries(
            self.decoder.shape, len(jobs), max(len(job.tokens) for job in jobs), max(job.left for job in jobs), self.chunk
        )
        extend(self.decoder, self.staging, [job.tokens for job in jobs], [job.done for job in jobs], queries)
        for job in jobs:
            job.runs[0].steps += job.left > 0
            job.done = min(len(job.tokens), job.done + queries)
        if all(job.left == 0 for job in jobs):
            for row, job in enumerate(jobs):
                self._join(job, self.staging.data[:, :, row])
            self.wave = []

    def _join(self, job: Job, data: Tensor | None) -> None:
        """Gives every path of a computed prefix a row that holds it."""
        first, length = len(self.active), len(job.tokens)
        self.active += job.runs
        self.origin += [-1] * len(job.runs)
        # Rows for those who wait too: growing later would hold old and new rows side by side for a moment.
        self.slots.reserve(min(self.rows, len(self.active) + len(self.pending)), length + 1, live=first)
        if data is not None and length:
            self.slots.load(slice(first, len(self.active)), data, length)
        for run in job.runs:
            run.computed += 1  # the prefix's last token is the first input of decoding
        self.changed = True

    # Writing

    def _decode(self) -> None:
        active, decoder, positions_N = self.active, self.decoder, self.positions_N
        if self.longest > self.slots.length:
            self.longest = max(len(run.ids) for run in active)
        self.slots.reserve(len(active), self.longest)
        decoder.reserve(self.longest)
        groups = [] if decoder.native is not None else [
            decode_group(decoder.shape, decoder.dtype, positions_N, start, stop, max(len(run.ids) for run in active[start:stop])) for start, stop in self.bounds
        ]  # fmt: skip
        batch = Batch(self.inputs_N, positions_N, (self.row_N[: len(active)], positions_N), 1, groups, dense=True)
        hidden_NH = decoder.hidden(batch, self.slots)
        logits_NV = decoder.logits(hidden_NH)
        failed: dict[int, Exception] = {}
        steered_NV = self._steer(logits_NV, failed) if self.steered else logits_NV
        if self.drafted:
            teach_undrafted(active, self.tables, steered_NV)
        positions_N = positions_N + 1
        tokens_N = self.sampler.draw(steered_NV, positions_N)
        self.inputs_N, self.positions_N = tokens_N, positions_N
        tokens = tokens_N.tolist()
        if self.logprobs_wanted:
            for run, logprob in zip(active, logprob_of(logits_NV, tokens_N).tolist(), strict=True):
                run.logprobs.append(logprob)
        for write, token in zip(self.writes, tokens, strict=True):
            write(token)
        self.longest += 1
        self.spare -= 1
        left = [
            row
            for row in (self._suspects(tokens) if not failed else range(len(tokens)))
            if self._ended(active[row], logits_NV[row], failed.get(row))
        ]
        for row in reversed(left):
            self._leave(row)

    def _decode_drafted(self) -> None:
        """One forward over a tree of guesses after every path; each path writes the branch that stands and one token more."""
        active, slots = self.active, self.slots
        proposals = Proposals(active, self.widths, self.tables, self.decoder.shape.vocab)
        trees = proposals.trees
        forest, logits_MV = run_trees(self.decoder, slots, trees)
        verifier = Verifier(self.sampler, forest, logits_MV, proposals)
        verifier.verify()
        keep_branches(self.decoder, slots, moves_of(trees))
        teach(verifier)
        left = []
        for row, tree in enumerate(trees):
            run, first = active[row], forest.first[row]
            if self.logprobs_wanted:
                places = [first + node for node in tree.nodes]
                logprobs = logprob_of(logits_MV[places], torch.tensor(tree.tokens, device=logits_MV.device)).tolist()
            before = len(run.ids)
            if len(tree.tokens) > 1:
                run.runs.append((run.written, len(tree.tokens)))
            for number, token in enumerate(tree.tokens):
                run.ids.append(token)
                if self.logprobs_wanted:
                    run.logprobs.append(logprobs[number])
                if (run.watch is None or token in run.watch or len(run.ids) >= run.limit or row in verifier.failed) and self._ended(
                    run, logits_MV[first], verifier.failed.get(row)
                ):
                    left.append(row)
                    break
            if run.request.draft is not None and run.peek is None:
                run.request.draft.stats.count(len(run.ids) - before, tree.draft, tree.accepted)
        self.inputs_N = torch.tensor([run.ids[-1] for run in active], device=self.decoder.device)
        self.positions_N = torch.tensor([len(run.ids) - 1 for run in active], device=self.decoder.device)
        self.longest, self.spare = max(len(run.ids) for run in active), 0
        count = len(active)
        self.widths.learn(count, sum(len(tree.tokens) for tree in trees), sum(len(tree.draft.tokens) for tree in trees))
        for row in reversed(left):
            self._leave(row)

    def _suspects(self, tokens: Sequence[int]) -> Sequence[int]:
        """Rows whose path may have ended with this token: all but a few need no look."""
        if self.watched_all:
            return range(len(tokens))
        watched = self.watched
        if self.spare <= 0:
            return [
                row
                for row, (run, token) in enumerate(zip(self.active, tokens, strict=True))
                if token in watched or len(run.ids) >= run.limit or run.peek is not None
            ]
        return [row for row, token in enumerate(tokens) if token in watched]

    def _ended(self, run: Run, logits_V: Tensor, error: Exception | None) -> bool:
        """Resolves the run's future if it has ended. An error in a caller's hook or callback ends that caller's run only."""
        if run.future.cancelled():
            return True
        try:
            if error is not None:
                raise error
            result = logits_V.double().log_softmax(-1) if run.peek is not None else completion(run, self.vocabulary)
        except Exception as problem:  # noqa: BLE001 - whatever a caller's code raises goes to that caller
            run.future.set_exception(problem)
            self.resolved = True
            return True
        if result is not None:
            run.future.set_result(result)
            self.resolved = True
        return result is not None

    def _steer(self, logits_NV: Tensor, failed: dict[int, Exception]) -> Tensor:
        """Logits after the paths' hooks; below `min_tokens` nothing that ends a path can be drawn."""
        logits_NV = logits_NV.clone()
        for row, run in enumerate(self.active):
            if run.request.hook is not None and run.peek is None:
                try:
                    logits_NV[row] = run.request.hook(logits_NV[row], run.ids)
                except Exception as error:  # noqa: BLE001 - reported by this path's future
                    failed[row] = error
            if run.written < run.request.min_tokens and run.ends:
                logits_NV[row, list(run.ends)] = -torch.inf
        return logits_NV

    def _assign(self) -> None:
        """Row tensors for the paths that are active now."""
        active, device = self.active, self.decoder.device
        known = self.origin.index(-1) if -1 in self.origin else len(active)  # paths that join are the last ones
        if known:  # what holds for all paths holds for those that stay
            rows_N = torch.tensor(self.origin[:known], device=device)
            self.inputs_N, self.positions_N = self.inputs_N[rows_N], self.positions_N[rows_N]
            self.sampler.select(self.origin[:known], rows_N)
        else:
            self.inputs_N = self.positions_N = self.row_N[:0]
            self.sampler.clear()
            self.longest, self.writes = 0, []
        if known < len(active):
            self._assign_joined(active[known:])
            self.spare = 0
        if self.spare <= 0:
            self.spare = min(1 if run.peek is not None else run.limit - len(run.ids) for run in active)
        self.origin = list(range(len(active)))
        # The native kernel walks each row to its own length: one group will do.
        self.bounds = partition([len(run.ids) for run in active]) if self.decoder.native is None else [(0, len(active))]
        self.changed = False

    def _assign_joined(self, joined: Sequence[Run]) -> None:
        """Row tensors of the paths that joined, after those of the others; and what holds for all."""
        device = self.decoder.device
        self.inputs_N = torch.cat([self.inputs_N, torch.tensor([run.ids[-1] for run in joined], device=device)])
        self.positions_N = torch.cat([self.positions_N, torch.tensor([len(run.ids) - 1 for run in joined], device=device)])
        self.sampler.add([run.noise for run in joined], [run.request.sampling for run in joined])
        self.writes += [run.ids.append for run in joined]
        self.longest = max(self.longest, *(len(run.ids) for run in joined))
        self.logprobs_wanted = any(run.request.logprobs for run in self.active)
        self.steered = any(run.request.hook is not None or run.request.min_tokens for run in self.active)
        watches = {run.watch for run in self.active}
        self.watched_all = None in watches
        self.watched = frozenset().union(*(watch for watch in watches if watch is not None))
        drafts = [run.request.draft for run in self.active if run.drafter is not None]
        self.drafted = bool(drafts)
        self.sized = any(draft is not None and (draft.nodes is not None or not draft.rule.matches) for draft in drafts)

    def _leave(self, row: int) -> None:
        """Takes a path out of the batch and keeps its cache at rest. The hole is filled from its own attention group, that one's from the next
        group ..., so that rows stay dense and groups keep similar lengths."""
        run = self.active[row]
        held = len(run.ids) - 1  # the last one has not been an input yet
        if run.request.lineage or (run.peek is not None and run.computed > BLOCK):
            name = run.request.lineage[0] if run.request.lineage else f"peek {hash(run.request.prefix)}"
            self.shelf.keep(name, run.ids[:held], self.slots, row)
        hole = row
        for _, stop in self.bounds:
            last = min(stop, len(self.active)) - 1
            if last > hole:
                self.slots.move(last, hole, len(self.active[last].ids))
                self.active[hole], self.origin[hole], self.writes[hole] = self.active[last], self.origin[last], self.writes[last]
                hole = last
        self.active.pop()
        self.origin.pop()
        self.writes.pop()
        self.changed = True


def partition(lengths: Sequence[int]) -> list[tuple[int, int]]:
    """Splits rows into attention groups, each padded to its longest row: a split must save more padding than a group costs."""
    bounds: list[tuple[int, int]] = []
    longest = 0
    for start in range(0, len(lengths), GROUP_ROWS):
        stop = min(start + GROUP_ROWS, len(lengths))
        here = max(lengths[start:stop])
        if bounds:
            first = bounds[-1][0]
            waste = (start - first) * max(0, here - longest) + (stop - start) * max(0, longest - here)
            if waste < GROUP_COST:
                bounds[-1] = (first, stop)
                longest = max(longest, here)
                continue
        bounds.append((start, stop))
        longest = here
    return bounds
