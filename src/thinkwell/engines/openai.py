"""Any OpenAI-compatible server as an engine: vLLM with all it offers, others with what they have.

Where the server takes and gives token ids (vLLM does), prefixes are ids and text is never tokenized again. Where it takes only text, prefixes are text. Where it has
nothing but conversations, methods that continue a path are refused. Servers sample with a seed made from the path's key and place: the same run asks for the
same noise, though a server's own batching may still round differently.
"""

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from thinkwell.core.capability import Capability
from thinkwell.core.errors import ConfigError, MissingCapability, MissingExtra, ModelError, ServerError
from thinkwell.core.path import Finish
from thinkwell.core.prompt import Message
from thinkwell.decoding.token_bias import TokenBias
from thinkwell.engines.openai_http import Fleet, Policy, base
from thinkwell.engines.openai_probe import TEXT, Facts, probe
from thinkwell.engines.openai_wire import Reply, body_of
from thinkwell.engines.protocol import Completion, EngineInfo, Rendered, Request
from thinkwell.engines.stops import find_stop

REMEMBERED = 4096  # short texts and ids whose translation is kept


class OpenAIEngine:
    """Speaks to one model at one or several base URLs. Make it with `connect`."""

    def __init__(self, facts: Facts, fleet: Fleet, tokenizer: Any = None, seeds: bool = True) -> None:
        self.facts, self.fleet, self.tokenizer, self.seeds = facts, fleet, tokenizer, seeds
        self.capabilities = facts.capabilities
        details = {**facts.details, "mode": facts.mode, "base_urls": ", ".join(fleet.urls)}
        self.info = EngineInfo("openai", facts.model, facts.fingerprint, facts.context, details)
        self._encoded: dict[str, tuple[int, ...]] = {}
        self._decoded: dict[tuple[int, ...], str] = {}
        self._limit_name = "max_tokens"

    @classmethod
    def connect(
        cls,
        base_url: str | Sequence[str] = "http://localhost:8000/v1",
        model: str | None = None,
        *,
        mode: str = "auto",
        tokenizer: str | Path | None = None,
        api_key: str | None = None,
        concurrency: int = 64,
        timeout: float = 600.0,
        retries: int = 6,
        patience: float = 120.0,
        backoff: float = 0.5,
        seeds: bool = True,
    ) -> OpenAIEngine:
        """Probe the servers and make the engine.

        base_url: one address or several that serve the same model. model: its served name (None: the only one there is). mode: "completions", "chat" or "auto".
        tokenizer: a local folder, for servers that do not tokenize. api_key: default OPENAI_API_KEY. seeds: send a seed with every sampled request (False for
        servers that cannot bear it). The rest: see `openai_http.Policy`.
        Raises `ServerUnreachable`, `ServerError`, `ConfigError`, `UnknownName`.
        """
        urls = [base(url) for url in ([base_url] if isinstance(base_url, str) else base_url)]
        if not urls:
            raise ConfigError("the openai engine has no base URL; expected at least one. Pass base_url='http://localhost:8000/v1'.")
        for name, value, low in (
            ("concurrency", concurrency, 1),
            ("timeout", timeout, 0.001),
            ("retries", retries, 0),
            ("patience", patience, 0),
            ("backoff", backoff, 0),
        ):
            if not value >= low:
                raise ConfigError(f"openai engine: {name}={value} is out of range; expected at least {low}.")
        key = api_key or os.environ.get("OPENAI_API_KEY")
        own = _tokenizer(tokenizer) if tokenizer is not None else None
        facts = probe(urls, key, model, mode, min(60.0, timeout), () if own is None else own.encode(TEXT, add_special_tokens=False))
        return cls(facts, Fleet(urls, key, Policy(concurrency, timeout, retries, patience, backoff)), own, seeds)

    # ---- text and ids -------------------------------------------------------------------------------------------------------

    async def render(self, messages: Sequence[Message], problem: str = "") -> Rendered:
        kept = tuple(messages)
        if self.facts.mode == "chat":
            return Rendered((), "", kept, 0)
        if self.facts.templates:
            body = await self.fleet.post(
                "tokenize", {"model": self.facts.model, "messages": list(messages), "add_generation_prompt": True}, root=True
            )
            ids = tuple(int(token) for token in _part(body, "tokens"))
            return Rendered(ids if self.facts.ids else (), await self.decode(ids), kept, len(ids))
        if self.tokenizer is not None and self.tokenizer.chat_template:
            text = self.tokenizer.apply_chat_template(list(messages), tokenize=False, add_generation_prompt=True)
        else:
            text = "\n\n".join(message["content"] for message in messages) + "\n\n"
        ids = await self.encode(text) if self.facts.ids or self.tokenizer is not None else ()
        return Rendered(ids if self.facts.ids else (), text, kept, len(ids))

    async def encode(self, text: str) -> tuple[int, ...]:
        if text in self._encoded:
            return self._encoded[text]
        if self.tokenizer is not None:
            ids = tuple(self.tokenizer.encode(text, add_special_tokens=False))
        elif self.facts.tokenizes:
            body = await self.fleet.post("tokenize", {"model": self.facts.model, "prompt": text, "add_special_tokens": False}, root=True)
            ids = tuple(int(token) for token in _part(body, "tokens"))
        else:
            raise MissingCapability("encode", [Capability.TOKEN_IDS], self.info.name, [])
        return _remember(self._encoded, text, ids)

    async def decode(self, tokens: Sequence[int]) -> str:
        ids = tuple(tokens)
        if not ids:
            return ""
        if ids in self._decoded:
            return self._decoded[ids]
        if self.tokenizer is not None:
            text = str(self.tokenizer.decode(list(ids), skip_special_tokens=False, clean_up_tokenization_spaces=False))
        elif self.facts.tokenizes:
            text = str(_part(await self.fleet.post("detokenize", {"model": self.facts.model, "tokens": list(ids)}, root=True), "prompt"))
        else:
            raise MissingCapability("decode", [Capability.TOKEN_IDS], self.info.name, [])
        return _remember(self._decoded, ids, text)

    # ---- writing and judging ------------------------------------------------------------------------------------------------

    async def generate(self, requests: Sequence[Request]) -> list[Completion]:
        tasks = [asyncio.create_task(self._write(request)) for request in requests]
        try:
            return list(await asyncio.gather(*tasks))
        except BaseException:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            raise

    async def peek(self, prefixes: Sequence[Sequence[int]], top: int = 20) -> list[dict[int, float]]:
        self._require(Capability.PEEK, "peek")
        return list(await asyncio.gather(*(self._peek(prefix, top) for prefix in prefixes)))

    async def score(self, sequences: Sequence[Sequence[int]]) -> list[list[float]]:
        self._require(Capability.SCORE, "score")
        return list(await asyncio.gather(*(self._score(sequence) for sequence in sequences)))

    def release(self, lineages: Sequence[str]) -> None:
        """The server manages its own cache."""

    async def aclose(self) -> None:
        await self.fleet.aclose()

    # ---- inside -------------------------------------------------------------------------------------------------------------

    async def _write(self, request: Request) -> Completion:
        if request.hook is not None and not (isinstance(request.hook, TokenBias) and Capability.TOKEN_BIAS in self.capabilities):
            missing = Capability.TOKEN_BIAS if isinstance(request.hook, TokenBias) else Capability.LOGITS
            raise MissingCapability("a logits hook", [missing], self.info.name, [])
        path = "chat/completions" if self.facts.mode == "chat" else "completions"
        stream = request.on_tokens is not None or request.deadline is not None
        try:
            reply = await self._ask(path, request, stream)
        except ServerError as error:
            if "max_completion_tokens" not in str(error) or self._limit_name == "max_completion_tokens":
                raise
            self._limit_name = "max_completion_tokens"  # newer chat models took the old name away
            reply = await self._ask(path, request, stream)
        return await self._completion(request, reply)

    async def _ask(self, path: str, request: Request, stream: bool) -> Reply:
        body = body_of(request, self.facts, stream=stream, limit_name=self._limit_name)
        if not self.seeds:
            body.pop("seed", None)
        if not stream:
            reply = Reply()
            reply.add(await self.fleet.post(path, body))
            return reply
        listener = _Listener(request, self._decoded)
        try:
            async with asyncio.timeout(request.deadline if request.deadline is not None and math.isfinite(request.deadline) else None):
                await self.fleet.stream(path, body, listener.hear, listener.again)
        except TimeoutError:
            listener.reply.finish, listener.reply.late = "length", True  # what is there is kept
        return listener.reply

    async def _completion(self, request: Request, reply: Reply) -> Completion:
        finish, matched = reply.ending(request)
        text, tokens = reply.whole, reply.tokens if self.facts.ids else []
        if tokens and finish is Finish.EOS and (end := await self.decode(tokens[-1:])) and text.endswith(end):
            text = text[: -len(end)]
        if tokens and finish is Finish.STOP and matched is None and tokens[-1] in request.stop_tokens:
            end = await self.decode(tokens[-1:])
            text = text if text.endswith(end) else text + end
        if matched is not None and not self.facts.extras and request.include_stop:
            text += matched
        written = len(tokens) if tokens else reply.counted if reply.counted is not None else reply.pieces
        extra = max(0, (reply.counted or 0) - written)
        if extra or (reply.counted is not None and reply.counted < written):
            self.info.details["usage"] = "the server's count differs from the ids it returned; the larger is charged"
        if finish is Finish.LENGTH and not reply.late and written < request.max_tokens:
            finish = Finish.CONTEXT  # the server's own limit: asking again would give nothing
        kept = written
        if (
            request.stop_context
            and request.stop
            and (early := find_stop([text], request.stop, include=False, context=request.stop_context))
        ):
            place = len(early.text) if not request.include_stop else _end_of(early.matched, request.stop_context, text)
            if place < len(text) or finish is not Finish.STOP:
                finish, matched, text, kept = Finish.STOP, early.matched, text[:place], await self._tokens_for(tokens, written, text, place)
        elif matched is not None and not request.include_stop and tokens:
            kept = await self._tokens_for(tokens, written, text, len(text))
        if tokens and matched is not None and request.include_stop and not text.endswith(await self.decode(tokens[kept - 1 : kept])):
            text = await self.decode(tokens[:kept])  # the server cut inside the token that completes the stop string
        logprobs = tuple(reply.logprobs[:kept]) if request.logprobs and len(reply.logprobs) >= kept else None
        return Completion(
            text=text,
            tokens=tuple(tokens[:kept]),
            finish=finish,
            n_tokens=kept,
            dropped=written - kept + extra,
            logprobs=logprobs,
            stop_matched=matched,
            prefill_computed=max(0, reply.prompt - reply.cached),
            prefill_reused=reply.cached,
            steps=written,
        )

    async def _tokens_for(self, tokens: Sequence[int], written: int, text: str, place: int) -> int:
        """How many tokens it takes to write the first `place` characters."""
        if not tokens:
            return min(written, -(-written * place // max(1, len(text))))
        count = len(tokens)
        while count > 0 and len(await self.decode(tokens[: count - 1])) >= place:
            count -= 1
        return count

    async def _peek(self, prefix: Sequence[int], top: int) -> dict[int, float]:
        body = {"model": self.facts.model, "prompt": list(prefix), "max_tokens": 1, "temperature": 0}
        body |= {"logprobs": top or -1, "return_tokens_as_token_ids": True, "add_special_tokens": False}
        answer = await self.fleet.post("completions", body)
        try:
            row = {
                int(name.removeprefix("token_id:")): float(value)
                for name, value in answer["choices"][0]["logprobs"]["top_logprobs"][0].items()
            }
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise ServerError(
                f"the server gave no log-probs ({error!r}); expected the likeliest tokens. Check that it is the server that was probed."
            ) from error
        ranked = sorted(row.items(), key=lambda item: (-item[1], item[0]))
        return dict(ranked[: top or None])

    async def _score(self, sequence: Sequence[int]) -> list[float]:
        if len(sequence) < 2:
            return [0.0] * len(sequence)
        body = {
            "model": self.facts.model,
            "prompt": list(sequence),
            "max_tokens": 1,
            "temperature": 0,
            "prompt_logprobs": 0,
            "add_special_tokens": False,
        }
        answer = await self.fleet.post("completions", body)
        try:
            rows = answer["choices"][0]["prompt_logprobs"]
            return [0.0, *(float(row[str(token)]["logprob"]) for token, row in zip(sequence[1:], rows[1:], strict=True))]
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise ServerError(
                f"the server gave no prompt log-probs ({error!r}); expected one a token. Check that it is the server that was probed."
            ) from error

    def _require(self, capability: Capability, what: str) -> None:
        if capability not in self.capabilities:
            raise MissingCapability(what, [capability], self.info.name, [])


class _Listener:
    """Takes a stream in and hands on what is new; after a broken stream, only what was not handed on before."""

    def __init__(self, request: Request, pieces: dict[tuple[int, ...], str]) -> None:
        self.request, self.pieces = request, pieces
        self.reply = Reply()
        self.ids_sent = self.text_sent = self.ids_heard = self.text_heard = 0

    def again(self) -> None:
        self.reply = Reply()
        self.ids_heard = self.text_heard = 0

    def hear(self, event: dict[str, Any]) -> None:
        ids, text = self.reply.add(event)
        if ids and self.reply.finish == "stop" and self.reply.stop_reason is None:
            text = text.removesuffix(self.pieces.get((ids[-1],), "\0"))  # the end-of-text mark is no text
        self.ids_heard += len(ids)
        self.text_heard += len(text)
        ids = ids[max(0, len(ids) - max(0, self.ids_heard - self.ids_sent)) :]
        fresh = max(0, self.text_heard - self.text_sent)
        text = text[len(text) - min(fresh, len(text)) :]
        self.ids_sent, self.text_sent = max(self.ids_sent, self.ids_heard), max(self.text_sent, self.text_heard)
        if self.request.on_tokens and (ids or text):
            self.request.on_tokens(tuple(ids), text)


def _end_of(stop: str, context: str, text: str) -> int:
    """Characters of `text` until `stop`, which may begin in `context`, is complete."""
    start = (context + text).find(stop, max(0, len(context) - len(stop) + 1))
    return start + len(stop) - len(context)


def _part(body: dict[str, Any], name: str) -> Any:
    if name not in body:
        raise ServerError(f"the server's answer has no {name!r}; expected one. Check that it is the server that was probed.")
    return body[name]


def _remember(memory: dict[Any, Any], key: Any, value: Any) -> Any:
    if len(key) <= 64:
        if len(memory) >= REMEMBERED:
            memory.clear()
        memory[key] = value
    return value


def _tokenizer(folder: str | Path) -> Any:
    try:
        from transformers import AutoTokenizer
    except ImportError:
        raise MissingExtra("transformers (for a local tokenizer)", "local") from None
    try:
        return AutoTokenizer.from_pretrained(str(folder))
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{folder} holds no tokenizer ({' '.join(str(error).split())[:200]}); expected a folder with tokenizer files. Check the path."
        ) from error
