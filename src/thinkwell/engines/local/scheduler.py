"""Continuous batching: paths join and leave a running batch; every step writes one token of each.

A prefix is computed up to its last token (in waves of similar lengths, once for all paths that share it); that last token is then the first input of
decoding. So a path that goes on from where it stopped joins at once, and only the decode step needs logits. The step loop runs in the caller's event
loop, without threads: `while scheduler.step(): await asyncio.sleep(0)`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from thinkwell.core.errors import EngineError
from thinkwell.engines.local.cache import Shelf, Slots, Stored, maps_lazily
from thinkwell.engines.local.drafted import Proposals, Verifier, check_rule, moves_of, run_trees, slots_of, teach, teach_undrafted
from thinkwell.engines.local.forest import keep_branches
from thinkwell.engines.local.forward import chunk_queries, decode_group, extend, partition
from thinkwell.engines.local.model import Batch, Decoder
from thinkwell.engines.local.quick import QuickStep, quick_step
from thinkwell.engines.local.run import Job, Needs, Run, completion, lineage_root, resting_name, spare_steps, start_run
from thinkwell.engines.local.sampling import Sampler, logprob_of
from thinkwell.engines.local.tables import Tables
from thinkwell.engines.local.text import Vocabulary
from thinkwell.engines.local.widths import Widths
from thinkwell.engines.protocol import Request


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
        self.dense = decoder.native is None  # rows 0, 1, ... of `slots` are the active paths'; the compiled kernel finds them anywhere
        self.staging = Slots(shape.layers, shape.kv_heads, shape.head_dim, decoder.dtype, decoder.device)
        self.sampler = Sampler(decoder.device, decoder.dtype)
        self.pending: deque[Run] = deque()
        self.wave: list[Job] = []
        self.active: list[Run] = []
        self.bounds: list[tuple[int, int]] = []  # attention groups: rows [start, stop), roughly by falling length
        self.changed = False
        self.places: list[int] = []  # row of `slots` of each active path
        self.cancelled = False  # whether a caller gave a request up since the last step
        self.needs = Needs()
        self.widths = Widths(decoder)
        self.tables = None if decoder.native is None else Tables(decoder.native)
        self.claimed: list[int] = []  # rows of paths that go on there and have not joined yet
        self.quick: QuickStep | None = None
        self.behind = False  # whether the row tensors of the next tokens' inputs are older than the paths
        self.special = False  # whether a path has left for whose sake every step did more than the others need
        self.writes: list[Callable[[Iterable[int]], None]] = []
        self.unwritten: list[list[int]] = []  # tokens of the last steps, one of each path, that its ids do not have yet
        self.longest = 0  # ids of the longest active path, or more
        self.resolved = False  # whether a caller has something to go on with since it was last asked
        self.spare = 0  # steps within which no active path's limit ends
        self.no_logits = torch.empty(0)
        self.row_N = torch.arange(rows, device=decoder.device)
        self.inputs_N = self.positions_N = self.places_N = self.row_N[:0]

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
            if self.needs.drafted and (self.needs.sized or self.widths.drafts(len(self.active))):
                self._decode_drafted() if self.quick is None else self._decode_quick(self.quick)
            else:
                self._decode()
        return bool(self.active or self.pending or self.wave)

    def _drop_cancelled(self) -> None:
        """Forgets requests that nobody waits for any more; a prefix that is being computed is finished first."""
        self.pending = deque(run for run in self.pending if not run.future.cancelled())
        if self.changed and self.active:
            self._assign()
        self._write()
        for row in reversed(range(len(self.active))):
            if self.active[row].future.cancelled():
                self._leave(row)
        self.cancelled = any(run.future.cancelled() for job in self.wave for run in job.runs)

    def fail(self, error: Exception) -> None:
        """Ends everything in flight with an error."""
        runs = [*self.pending, *self.active, *(run for job in self.wave for run in job.runs)]
        self.pending.clear()
        self.unwritten.clear()
        self.claimed.clear()
        for run in self.active:
            self.shelf.drop(resting_name(run))
        if not self.dense:
            self.slots.empty = [row for row in reversed(range(self.slots.rows)) if row not in self.slots.lodgers]
        self.active, self.places, self.writes, self.wave, self.changed = [], [], [], [], True
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
        ready: list[tuple[Job, int | None]] = []  # whose prefix is at hand, and the row in which it may go on
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
                    claimed = None if self.dense or stored is None else self._claim(run, stored, reused)
                    ready.append((job, claimed))
                    joining += 1
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
        for job, claimed in ready:
            self._join(job, None, claimed)
        self.claimed.clear()

    def _claim(self, run: Run, stored: Stored, length: int) -> int | None:
        """The row of `slots` in which the path itself rests, now the run's; nobody else may write on it."""
        name = next(iter(resting_name(run)), None)
        place = None if name is None or self.shelf.entries.get(name) is not stored else self.shelf.claim(name, length, self.slots)
        self.claimed += [] if place is None else [place]
        return place

    def _stage(self, jobs: list[Job]) -> None:
        self.wave = jobs
        self.staging.reserve(len(jobs), max(len(job.tokens) for job in jobs))
        for row, job in enumerate(jobs):
            job.runs[0].computed = job.left
            if job.stored is not None:
                self.staging.load((row,), job.stored.data, job.done)
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

    def _join(self, job: Job, data: Tensor | None, claimed: int | None = None) -> None:
        """Gives every path of a computed prefix a row that holds it. data: the prefix's keys and values, if they are not stored; claimed: the row that
        has them already."""
        first, length = len(self.active), len(job.tokens)
        self._reserve(length + 1, waiting=len(job.runs) + len(self.pending))
        if claimed is not None:
            places = [claimed]
        else:
            places = list(range(first, first + len(job.runs))) if self.dense else sorted(self._take() for _ in job.runs)
            if length and data is None:
                if job.stored is None or not job.stored.there:  # lost as others joined: computed again
                    self.slots.empty += [] if self.dense else places
                    self.pending.extendleft(job.runs)
                    return
                data = job.stored.data
            if data is not None:
                self.slots.load(places, data, length)
        self.active += job.runs
        self.places += places
        for run in job.runs:
            run.computed += 1  # the prefix's last token is the first input of decoding
        self.changed = True

    def _take(self) -> int:
        """A row of `slots`; a path that rests there moves out."""
        place, lodger = self.slots.take()
        if lodger is not None:
            self.shelf.settle(lodger)
        return place

    def _reserve(self, length: int, waiting: int = 0) -> None:
        """Room for all active paths and those that wait: growing later would hold old and new rows side by side for a moment."""
        slots, active = self.slots, len(self.active)
        if self.dense:
            slots.reserve(min(self.rows, active + waiting), length, live=active)
        elif length > slots.length:
            while slots.lodgers:  # copied out now, as old rows and new ones are held side by side
                row, lodger = slots.lodgers.popitem(last=False)
                self.shelf.settle(lodger)
                slots.empty.append(row)
            slots.reserve(self.rows, length, live=1 + max((*self.places, *self.claimed), default=-1))

    # Writing

    def _decode(self) -> None:
        self._catch_up()
        active, decoder, positions_N = self.active, self.decoder, self.positions_N
        if self.longest > self.slots.length:
            self._write()
            self.longest = max(len(run.ids) for run in active)
        self._reserve(self.longest)
        decoder.reserve(self.longest)
        groups = [] if decoder.native is not None else [
            decode_group(decoder.shape, decoder.dtype, positions_N, start, stop, max(len(run.ids) for run in active[start:stop])) for start, stop in self.bounds
        ]  # fmt: skip
        batch = Batch(self.inputs_N, positions_N, (self.places_N, positions_N), 1, groups, dense=True)
        hidden_NH = decoder.hidden(batch, self.slots)
        logits_NV = decoder.logits(hidden_NH)
        failed: dict[int, Exception] = {}
        steered_NV = self._steer(logits_NV, failed) if self.needs.steered else logits_NV
        if self.needs.drafted:
            teach_undrafted(active, self.tables, steered_NV)
        positions_N = positions_N + 1
        tokens_N = self.sampler.draw(steered_NV, positions_N)
        self.inputs_N, self.positions_N = tokens_N, positions_N
        tokens = tokens_N.tolist()
        if self.needs.logprobs_wanted:
            for run, logprob in zip(active, logprob_of(logits_NV, tokens_N).tolist(), strict=True):
                run.logprobs.append(logprob)
        self.unwritten.append(tokens)
        self.longest += 1
        self.spare -= 1
        suspects = self._suspects(tokens) if not failed else range(len(tokens))
        if suspects or self.needs.steered or self.needs.drafted or self.dense:
            self._write()
        left = [row for row in suspects if self._ended(active[row], logits_NV[row], failed.get(row))]
        for row in reversed(left):
            self._leave(row)

    def _write(self) -> None:
        """Gives the paths the tokens of the last steps: one call a path for many steps, as two hundred lists lie far apart in memory."""
        if self.unwritten:
            for write, tokens in zip(self.writes, zip(*self.unwritten, strict=True), strict=True):
                write(tokens)
            self.unwritten.clear()

    def _decode_drafted(self) -> None:
        """One forward over a tree of guesses after every path; each path writes the branch that stands and one token more."""
        active, slots = self.active, self.slots
        proposals = Proposals(active, self.widths, self.tables, self.decoder.shape.vocab)
        trees = proposals.trees
        forest, logits_MV = run_trees(self.decoder, slots, trees, self.places)
        verifier = Verifier(self.sampler, forest, logits_MV, proposals)
        verifier.verify()
        keep_branches(self.decoder, slots, moves_of(trees, self.places))
        teach(verifier)
        left = []
        for row, tree in enumerate(trees):
            run, first = active[row], forest.first[row]
            if self.needs.logprobs_wanted:
                places = [first + node for node in tree.nodes]
                logprobs = logprob_of(logits_MV[places], torch.tensor(tree.tokens, device=logits_MV.device)).tolist()
            before = len(run.ids)
            if len(tree.tokens) > 1:
                run.runs.append((run.written, len(tree.tokens)))
            for number, token in enumerate(tree.tokens):
                run.ids.append(token)
                if self.needs.logprobs_wanted:
                    run.logprobs.append(logprobs[number])
                if (run.watch is None or token in run.watch or len(run.ids) >= run.limit or row in verifier.failed) and self._ended(
                    run, logits_MV[first], verifier.failed.get(row)
                ):
                    left.append(row)
                    break
            if run.request.draft is not None and run.peek is None:
                run.request.draft.stats.count(len(run.ids) - before, len(tree.draft.tokens), slots_of(tree.draft, tree.accepted))
        self.behind = True
        self.longest, self.spare = max(len(run.ids) for run in active), 0
        count = len(active)
        self.widths.learn(count, sum(len(tree.tokens) for tree in trees), sum(len(tree.draft.tokens) for tree in trees))
        for row in reversed(left):
            self._leave(row)

    def _decode_quick(self, quick: QuickStep) -> None:
        """The same where compiled code does all but the forward."""
        active = self.active
        room = self.longest + quick.size() + 1
        self._reserve(room)
        self.decoder.reserve(room)
        written = quick.step(self.decoder, self.slots, self.sampler, self.places)
        if written is None:
            self._decode()
            return
        left, wrote, proposed = [], 0, 0
        for row, (run, more) in enumerate(zip(active, written, strict=True)):
            before = len(run.ids)
            if len(more.tokens) > 1:
                run.runs.append((run.written, len(more.tokens)))
            if self._grow(run, more.tokens):
                left.append(row)
            if run.request.draft is not None:
                run.request.draft.stats.count(len(run.ids) - before, more.proposed, more.slots)
            wrote, proposed = wrote + len(more.tokens), proposed + more.proposed
        self.behind = True
        self.longest, self.spare = max(len(run.ids) for run in active), 0
        self.widths.learn(len(active), wrote, proposed)
        for row in reversed(left):
            self._leave(row)

    def _grow(self, run: Run, tokens: Sequence[int]) -> bool:
        """Gives a path these tokens, up to the one that ends it. Returns whether one did."""
        watch = run.watch
        if watch is not None and watch.isdisjoint(tokens) and len(run.ids) + len(tokens) < run.limit:
            run.ids += tokens
            return False
        for token in tokens:
            run.ids.append(token)
            if (watch is None or token in watch or len(run.ids) >= run.limit) and self._ended(run, self.no_logits, None):
                return True
        return False

    def _suspects(self, tokens: Sequence[int]) -> Sequence[int]:
        """Rows whose path may have ended with this token: all but a few need no look."""
        if self.needs.watched_all:
            return range(len(tokens))
        watched = self.needs.watched
        if self.spare <= 0:
            self._write()
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
        self._write()
        self._catch_up()
        active, known = self.active, len(self.writes)  # paths that join are the last ones
        self.inputs_N, self.positions_N, self.places_N = self.inputs_N[:known], self.positions_N[:known], self.places_N[:known]
        self.sampler.narrow(known)
        if not known:
            self.longest, self.spare = 0, self.decoder.shape.context
        if self.special or not known:
            self.special, self.needs = False, Needs()
            self.needs.add(active[:known])
        if known < len(active):
            self._assign_joined(active[known:])
        if self.spare <= 0:
            self.spare = min(spare_steps(run) for run in active)
        # The native kernel walks each row to its own length: one group will do.
        self.bounds = partition([len(run.ids) for run in active]) if self.dense else [(0, len(active))]
        self.quick = quick_step(self.decoder.native, self.tables, self.widths, self.sampler, active) if self.needs.drafted else None
        self.changed = False

    def _catch_up(self) -> None:
        """Row tensors of the next inputs, which drafted steps leave as they were."""
        if self.behind:
            runs, device = self.active[: len(self.writes)], self.decoder.device
            self.inputs_N = torch.tensor([run.ids[-1] for run in runs], dtype=torch.int64, device=device)
            self.positions_N = torch.tensor([len(run.ids) - 1 for run in runs], dtype=torch.int64, device=device)
            self.behind = False

    def _assign_joined(self, joined: Sequence[Run]) -> None:
        """Row tensors of the paths that joined, after those of the others; and what holds for all."""
        device = self.decoder.device
        self.inputs_N = torch.cat([self.inputs_N, torch.tensor([run.ids[-1] for run in joined], device=device)])
        self.positions_N = torch.cat([self.positions_N, torch.tensor([len(run.ids) - 1 for run in joined], device=device)])
        self.places_N = torch.cat([self.places_N, torch.tensor(self.places[-len(joined) :], device=device)])
        self.sampler.add([run.noise for run in joined], [run.request.sampling for run in joined])
        self.writes += [run.ids.extend for run in joined]
        self.longest = max(self.longest, *(len(run.ids) for run in joined))
        self.spare = min(self.spare, *(spare_steps(run) for run in joined))
        self.needs.add(joined)

    def _leave(self, row: int) -> None:
        """Takes a path out of the batch; its cache stays at rest. The hole is filled from its own attention group, that one's from the next
        group ..., so that rows stay dense and groups keep similar lengths."""
        run, place = self.active[row], self.places[row]
        self.special |= run.special
        held = len(run.ids) - 1  # the last one has not been an input yet
        names = resting_name(run)
        for name in names:
            (self.shelf.keep if self.dense else self.shelf.lodge)(name, run.ids[:held], self.slots, place)
        if not names and not self.dense:
            self.slots.empty.append(place)
        hole = row
        for _, stop in self.bounds:
            last = min(stop, len(self.active)) - 1
            if last > hole:
                self._move(last, hole)
                hole = last
        for values in (self.active, self.places, self.writes):
            values.pop()
        self.changed = True

    def _move(self, last: int, hole: int) -> None:
        """Path `last` is number `hole` from now on."""
        if self.dense:
            self.slots.move(last, hole, len(self.active[last].ids))
        else:
            self.places[hole] = self.places[last]
            self.places_N[hole] = self.places_N[last]
        self.active[hole], self.writes[hole] = self.active[last], self.writes[last]
        self.inputs_N[hole], self.positions_N[hole] = self.inputs_N[last], self.positions_N[last]
        self.sampler.move(last, hole)
