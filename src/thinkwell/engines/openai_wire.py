"""The words of the protocol: a `Request` as the body of a call, the parts of an answer as one `Reply`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from thinkwell.core.errors import ServerError
from thinkwell.core.path import Finish
from thinkwell.decoding.token_bias import TokenBias, wire
from thinkwell.engines.openai_probe import Facts
from thinkwell.engines.protocol import Request


@dataclass(slots=True)
class Reply:
    """What came back so far: whole at once, or piece by piece from a stream. `counted`: the server's own number of new tokens. `late`: cut at the
    request's deadline."""

    text: str = ""
    thought: str = ""
    tokens: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    finish: str | None = None
    stop_reason: int | str | None = None
    tells_stop: bool = False
    counted: int | None = None
    prompt: int = 0
    cached: int = 0
    pieces: int = 0
    late: bool = False

    def add(self, body: Mapping[str, Any]) -> tuple[list[int], str]:
        """Take in one body or event; returns its new ids and text. Raises `ServerError` for one without the expected parts."""
        try:
            usage = body.get("usage") or {}
            if usage:
                self.counted = int(usage.get("completion_tokens") or 0)
                self.prompt = int(usage.get("prompt_tokens") or 0)
                self.cached = int((usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0)
            if not body["choices"]:
                return [], ""
            choice = body["choices"][0]
            message = choice.get("message") or choice.get("delta") or choice
            text, thought = (
                message.get("content") or choice.get("text") or "",
                message.get("reasoning_content") or message.get("reasoning") or "",
            )
            ids = [int(token) for token in choice.get("token_ids") or ()]
            self.logprobs += [float(value) for value in (choice.get("logprobs") or {}).get("token_logprobs") or () if value is not None]
            self.finish = choice.get("finish_reason") or self.finish
            self.tells_stop = self.tells_stop or "stop_reason" in choice or "matched_stop" in choice
            reason = choice.get("stop_reason", choice.get("matched_stop"))
            self.stop_reason = reason if reason is not None else self.stop_reason
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ServerError(
                f"an answer of the server lacks what it should hold ({error!r}); expected an OpenAI completion. Check that the server is one."
            ) from error
        self.text += text
        self.thought += thought
        self.tokens += ids
        self.pieces += bool(text or thought or ids)
        return ids, thought + text

    @property
    def whole(self) -> str:
        """Thoughts that the server told apart are put back where the model wrote them."""
        return f"<think>{self.thought}</think>{self.text}" if self.thought else self.text

    def ending(self, request: Request) -> tuple[Finish, str | None]:
        """Why it ended, and the stop string if that was it. Servers that do not tell end of text from a stop string: a stop if anything was written at all."""
        if self.finish in ("length", "max_tokens"):
            return Finish.LENGTH, None
        if self.stop_reason is not None:
            return (Finish.STOP, self.stop_reason) if isinstance(self.stop_reason, str) else self._stop_token(request)
        if request.stop and not self.tells_stop and self.whole:
            return Finish.STOP, request.stop[0] if len(request.stop) == 1 else None
        return Finish.EOS, None

    def _stop_token(self, request: Request) -> tuple[Finish, str | None]:
        """A number is a stop token of ours, else one of the model's own end tokens."""
        return (Finish.STOP if self.stop_reason in request.stop_tokens else Finish.EOS), None


def body_of(request: Request, facts: Facts, *, stream: bool, limit_name: str = "max_tokens") -> dict[str, Any]:
    """The body of a generation call. Parameters that only some servers know are sent only where they change something, so a server that lacks them says so."""
    sampling = request.sampling
    body: dict[str, Any] = {"model": facts.model, limit_name: request.max_tokens, "temperature": sampling.temperature}
    if facts.mode == "chat":
        body["messages"] = list(request.messages)
    else:
        body["prompt"] = list(request.prefix) if facts.ids else request.text
    if not sampling.greedy:
        body["seed"] = seed_of(request)
    filters = {"top_p": (sampling.top_p, 1.0), "top_k": (sampling.top_k, 0), "min_p": (sampling.min_p, 0.0)}
    body |= {
        name: value for name, (value, off) in filters.items() if facts.extras or value != off
    }  # left out, vLLM would take the model's own
    if request.stop:
        body["stop"] = list(request.stop)
    if request.stop_tokens:
        body["stop_token_ids"] = list(request.stop_tokens)
    if request.min_tokens:
        body["min_tokens"] = min(request.min_tokens, request.max_tokens)
    if request.ignore_eos:
        body["ignore_eos"] = True
    if isinstance(request.hook, TokenBias):
        body["vllm_xargs"] = wire(request.hook, len(request.prefix))
    if request.logprobs and facts.mode == "completions":
        body["logprobs"] = 1
    if facts.extras:
        body |= {"return_token_ids": True, "skip_special_tokens": False, "spaces_between_special_tokens": False}
        body |= {
            "include_stop_str_in_output": bool(request.stop) and request.include_stop,
            "add_special_tokens": False,
            "repetition_penalty": 1.0,
        }
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True, **({"continuous_usage_stats": True} if facts.extras else {})}}
    return body


def seed_of(request: Request) -> int:
    """A seed for this stretch of this path: equal requests get equal noise, on whichever server, in whatever order."""
    key = request.key
    place = len(request.prefix) or len(request.text)
    digest = hashlib.blake2b(f"{key.seed}\x1f{key.problem}\x1f{key.path}\x1f{place}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 32  # 32 bits: every server takes them
