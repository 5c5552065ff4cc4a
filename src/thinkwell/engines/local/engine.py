"""The local engine: a Hugging Face causal LM in this process, with everything a white box can give."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from thinkwell.core.capability import Capability
from thinkwell.core.errors import ConfigError, EngineError, ModelError, ThinkwellError
from thinkwell.core.noise import NoiseKey
from thinkwell.core.prompt import Message
from thinkwell.engines.local.cache import Shelf, Slots
from thinkwell.engines.local.forest import Grown, check_parents, forest_hidden
from thinkwell.engines.local.forward import SCORES, chunk_queries, extend
from thinkwell.engines.local.loading import load
from thinkwell.engines.local.model import Decoder
from thinkwell.engines.local.scheduler import Scheduler
from thinkwell.engines.local.text import Vocabulary
from thinkwell.engines.protocol import Completion, EngineInfo, Rendered, Request

STEPS = 8  # between two looks at who else wants to run, while nobody's request has ended
PEEK_KEY = NoiseKey(0, "peek", "peek")  # never drawn from


@dataclass(frozen=True, slots=True)
class Tree:
    """A verified tree of drafts. logits (1 + Q, V): after the path itself, then after each node. `commit` keeps the cache of an accepted branch."""

    logits: Tensor
    prefix: tuple[int, ...]
    tokens: tuple[int, ...]
    cache: Tensor  # (L, 2, K, T, D): the prefix, then every node
    shelf: Shelf

    def commit(self, nodes: Sequence[int], lineage: str) -> None:
        """Keeps keys and values of the path with these nodes (parent first) under `lineage`, so that going on from there computes nothing again."""
        start = len(self.prefix)
        places = [*range(start), *(start + node for node in nodes)]
        data = self.cache.index_select(3, torch.tensor(places, device=self.cache.device))
        self.shelf.put(lineage, (*self.prefix, *(self.tokens[node] for node in nodes)), data)


class LocalEngine:
    """Runs qwen2, qwen3, llama and mistral models on CPU or CUDA.

    source: a model folder, a hub id (org/name), or a Hugging Face module (then give `tokenizer` too; its weights are shared, so training it in place changes what the engine
    writes: call `refresh` after). rows: paths written at once. chunk: tokens of one prefill forward. cache_bytes: keys and values of paths at rest;
    live_bytes: those of paths being written. More paths than fit wait.
    """

    capabilities = frozenset(Capability) - {Capability.CHAT_ONLY}

    def __init__(
        self, source: str | Path | nn.Module, tokenizer: Any = None, *, dtype: str = "auto", device: str = "auto", rows: int = 256, chunk: int = 1024,
        cache_bytes: int = 2 << 30, live_bytes: int = 1 << 30,
    ) -> None:  # fmt: skip
        for name, value in (("rows", rows), ("chunk", chunk), ("cache_bytes", cache_bytes), ("live_bytes", live_bytes)):
            if value < 1:
                raise ConfigError(f"{name}={value} is out of range; expected at least 1.")
        loaded = load(source, tokenizer, dtype=dtype, device=device)
        self.module, self.tokenizer = loaded.module, loaded.tokenizer
        self.decoder = Decoder(loaded.module)
        self.chunk = chunk
        shape, width = self.decoder.shape, self.decoder.shape.cache_width * self.decoder.embedding.element_size()
        self.vocabulary = Vocabulary(self.tokenizer, shape.vocab)
        # A method may open paths of the same prompt one by one.
        self._prompt_ids = lru_cache(maxsize=256)(lambda text: tuple(self.tokenizer.encode(text, add_special_tokens=False)))
        self.shelf = Shelf(cache_bytes)
        self.scheduler = Scheduler(self.decoder, self.vocabulary, self.shelf, self._eos(), rows, chunk, max(1, live_bytes // width))
        details = {
            "dtype": str(self.decoder.dtype),
            "device": str(self.decoder.device),
            "kernels": "torch" if self.decoder.native is None else "native",
        }
        self.info = EngineInfo("local", loaded.name, loaded.fingerprint, shape.context, details)
        self._pump: asyncio.Task[None] | None = None

    def _eos(self) -> frozenset[int]:
        configs = (getattr(self.module, "generation_config", None), self.module.config, self.tokenizer)
        found = [getattr(config, "eos_token_id", None) for config in configs]
        return frozenset(i for ids in found if ids is not None for i in (ids if isinstance(ids, list) else [ids]))

    # Text

    async def render(self, messages: Sequence[Message], problem: str = "") -> Rendered:
        if not getattr(self.tokenizer, "chat_template", None):
            raise ModelError(
                f"the tokenizer of {self.info.model!r} has no chat template; expected a chat model. Give a tokenizer with `chat_template` set."
            )
        text = self.tokenizer.apply_chat_template(list(messages), add_generation_prompt=True, tokenize=False)
        return Rendered(self._prompt_ids(text), text, tuple(messages))

    async def encode(self, text: str) -> tuple[int, ...]:
        return tuple(self.tokenizer.encode(text, add_special_tokens=False))

    async def decode(self, tokens: Sequence[int]) -> str:
        return self.vocabulary.decode(tokens)

    # Writing

    async def generate(self, requests: Sequence[Request]) -> list[Completion]:
        return await self._submit([(request, None) for request in requests])

    async def peek(self, prefixes: Sequence[Sequence[int]], top: int = 20) -> list[dict[int, float]]:
        asked = await self._submit([(Request(PEEK_KEY, 1, tuple(prefix)), top) for prefix in prefixes])
        result = []
        for logprobs_V in asked:
            best = logprobs_V.topk(min(top, len(logprobs_V)) if top else len(logprobs_V))
            result.append(dict(zip(best.indices.tolist(), best.values.tolist(), strict=True)))
        return result

    async def _submit(self, orders: Sequence[tuple[Request, int | None]]) -> list[Any]:
        loop = asyncio.get_running_loop()
        futures = [loop.create_future() for _ in orders]
        try:
            for (request, peek), future in zip(orders, futures, strict=True):
                self.scheduler.submit(request, future, peek)
            if self._pump is None or self._pump.done() or self._pump.get_loop() is not loop:
                self._pump = loop.create_task(self._run())
            return list(await asyncio.gather(*futures))
        finally:
            for future in futures:
                future.cancel()

    async def _run(self) -> None:
        await asyncio.sleep(0)  # callers that start together share the first wave of prefill
        try:
            steps = 0
            while self.scheduler.step():
                steps += 1
                if self.scheduler.resolved or steps % STEPS == 0:
                    self.scheduler.resolved = False
                    await asyncio.sleep(0)
        except Exception as error:
            known = isinstance(error, ThinkwellError)
            self.scheduler.fail(
                error if known else EngineError(f"the local engine failed on {self.info.model!r}: {type(error).__name__}: {error}")
            )
            if not known:
                raise

    # The white box

    async def score(self, sequences: Sequence[Sequence[int]]) -> list[list[float]]:
        """Log-prob of each token given those before it (natural log, temperature 1); the first has 0.0."""
        result: list[list[float]] = [[] for _ in sequences]
        per_slice = max(1, SCORES // self.decoder.shape.vocab)
        for rows, hidden_NTH, _ in self._forward(sequences):
            for row, index in enumerate(rows):
                ids = torch.tensor(sequences[index], device=self.decoder.device)
                values = [0.0]
                for start in range(0, len(ids) - 1, per_slice):
                    stop = min(start + per_slice, len(ids) - 1)
                    logits_TV = self.decoder.logits(hidden_NTH[row, start:stop])
                    logits_TV = logits_TV if logits_TV.dtype == torch.float64 else logits_TV.float()
                    values += (logits_TV.gather(1, ids[start + 1 : stop + 1, None])[:, 0] - logits_TV.logsumexp(-1)).tolist()
                result[index] = values[: len(ids)]
            await asyncio.sleep(0)
        return result

    async def hidden(self, sequences: Sequence[Sequence[int]], layers: Sequence[int] = (-1,)) -> list[Tensor]:
        """Hidden states (layers asked for, T, H) of each sequence, numbered as Hugging Face's `output_hidden_states`:
        0 the embeddings, i after block i, the last after the final norm."""
        result: list[Tensor] = [torch.empty(0)] * len(sequences)
        for rows, _, states in self._forward(sequences, keep=True):
            for row, index in enumerate(rows):
                result[index] = torch.stack([states[layer][row, : len(sequences[index])] for layer in layers])
            await asyncio.sleep(0)
        return result

    @property
    def head(self) -> tuple[Tensor, Tensor | None]:
        """Weight (V, H) and bias of the language-model head: what turns a final hidden state into the logits of the next token."""
        if self.decoder.head is None:
            raise ModelError(f"model {self.info.model!r} has no language-model head; load a causal language model.")
        return self.decoder.head, self.decoder.head_bias

    def _forward(self, sequences: Sequence[Sequence[int]], keep: bool = False) -> Any:
        """Batches of whole sequences of similar length: (indices, final hidden states (N, T, H), every layer's (N, T, H) if `keep`)."""
        order = sorted((i for i in range(len(sequences)) if len(sequences[i])), key=lambda i: len(sequences[i]))
        shape, decoder = self.decoder.shape, self.decoder
        while order:
            longest = len(sequences[order[-1]])
            rows = [order.pop() for _ in range(min(len(order), max(1, self.chunk // longest)))]
            slots = Slots(shape.layers, shape.kv_heads, shape.head_dim, decoder.dtype, decoder.device, len(rows), longest)
            tokens, done = [sequences[i] for i in rows], 0
            parts: list[Tensor] = []
            kept: list[list[Tensor]] = []
            while done < longest:
                queries = chunk_queries(shape, len(rows), longest, longest - done, self.chunk)
                states: list[Tensor] | None = [] if keep else None
                parts.append(extend(decoder, slots, tokens, [done] * len(rows), queries, states))
                kept.append([state.view(len(rows), queries, -1) for state in states or ()])
                done += queries
            yield rows, torch.cat(parts, 1), [torch.cat(pieces, 1) for pieces in zip(*kept, strict=True)]

    async def tree(self, prefix: Sequence[int], tokens: Sequence[int], parents: Sequence[int], lineage: Sequence[str] = ()) -> Tree:
        """One forward over a tree of draft tokens after a path. parents[i] < i is a node, or -1 for the path's end. The logits of a node equal those
        of running its branch alone."""
        if not prefix:
            raise EngineError("a tree needs a path to hang on; expected at least one prefix id.")
        shape, decoder = self.decoder.shape, self.decoder
        held = tuple(prefix[:-1])
        slots = Slots(shape.layers, shape.kv_heads, shape.head_dim, decoder.dtype, decoder.device, 1, len(prefix) + len(tokens))
        stored, done = self.shelf.find(held, lineage)
        if stored is not None:
            slots.load((0,), stored.data, done)
        while done < len(held):
            queries = chunk_queries(shape, 1, len(held), len(held) - done, self.chunk)
            extend(decoder, slots, [held], [done], queries)
            done += queries
        # The path's last token is the root: its logits come with the same forward.
        check_parents(parents)
        grown = Grown(len(held), (prefix[-1], *tokens), (-1, *(parent + 1 for parent in parents)))
        return Tree(
            decoder.logits(forest_hidden(decoder, slots, [grown]).hidden_MH),
            tuple(prefix),
            tuple(tokens),
            slots.save(0, len(prefix) + len(tokens)),
            self.shelf,
        )

    # Life

    def release(self, lineages: Sequence[str]) -> None:
        self.shelf.drop(lineages)

    def refresh(self) -> None:
        """Forgets all cached keys and values, and copies of weights: call it when the module's have changed."""
        self.shelf.clear()
        self.decoder.pack()

    async def aclose(self) -> None:
        if self._pump is not None and not self._pump.done():
            self._pump.cancel()
        self.scheduler.fail(EngineError("the local engine was closed while requests were in flight."))
        self.shelf.clear()
