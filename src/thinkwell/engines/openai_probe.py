"""What a server can do, found out by asking: its models, whether it takes and gives token ids, log-probs, prompt log-probs, tokenizing.

Three or four tiny requests of one token each at connection. Nothing is assumed from a server's name.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from thinkwell.core.capability import Capability
from thinkwell.core.errors import ConfigError, ServerError, ServerUnreachable, UnknownName
from thinkwell.decoding.token_bias import Bias, Schedule, TokenBias, wire
from thinkwell.engines.openai_http import Transient, address, as_object, raise_for, said, settings, unreachable

MODES = ("auto", "completions", "chat")
TEXT = "Hello"
FORCE = 1e4  # logits: no token stands against it
CHAT = frozenset({Capability.CHAT_ONLY, Capability.FRESH_SAMPLES})
PREFIX = frozenset({Capability.CONTINUE_PREFIX, Capability.RESUME_OWN, Capability.FRESH_SAMPLES})
FULL = PREFIX | {Capability.TOKEN_IDS, Capability.LOGPROBS, Capability.PEEK, Capability.SCORE}


@dataclass(frozen=True, slots=True)
class Facts:
    """What was found. `extras`: the server takes vLLM's further parameters. `templates`: it renders conversations to ids."""

    model: str
    mode: str
    capabilities: frozenset[Capability]
    context: int | None
    extras: bool
    tokenizes: bool
    templates: bool
    fingerprint: str
    details: dict[str, str] = field(default_factory=dict)

    @property
    def ids(self) -> bool:
        return Capability.TOKEN_IDS in self.capabilities


def probe(urls: Sequence[str], key: str | None, model: str | None, mode: str, timeout: float = 60.0, hello: Sequence[int] = ()) -> Facts:
    """Ask the first server that answers; every other one that answers must serve the same model.

    hello: the ids of `TEXT` where a local tokenizer stands by, so the server need not tokenize.
    Raises `ServerUnreachable`, `ServerError`, `ConfigError`, `UnknownName` (no such model).
    """
    if mode not in MODES:
        raise UnknownName("mode of the openai engine", mode, MODES)
    facts: Facts | None = None
    failures: list[ServerUnreachable] = []
    dead: list[str] = []
    for url in urls:
        with httpx.Client(timeout=timeout, **settings([url], key)) as client:
            try:
                cards = _models(client, url)
            except ServerUnreachable as error:
                failures.append(error)
                dead.append(url)
                continue
            chosen = _choose(cards, model if facts is None else facts.model, url)
            if facts is None:
                facts = _ask(client, url, chosen, mode, list(hello))
    if facts is None:
        raise failures[0] if len(failures) == 1 else ServerUnreachable(" ".join(map(str, failures)))
    if failures:
        facts.details["put aside at first"] = ", ".join(dead)
    return facts


def _models(client: httpx.Client, url: str) -> list[dict[str, Any]]:
    try:
        response = client.get(f"{url}/models")
    except (httpx.TransportError, httpx.InvalidURL) as error:
        raise unreachable(url, str(error) or type(error).__name__) from error
    if response.status_code in (401, 403):
        raise ServerError(
            f"{url} refused the key with status {response.status_code}: {said(response.text)} Set OPENAI_API_KEY or pass api_key."
        )
    try:
        cards = response.json()["data"] if response.status_code == 200 else None
        known = [card for card in cards or () if isinstance(card.get("id"), str)]
    except (ValueError, KeyError, TypeError, AttributeError):
        known = []
    if not known:
        kind = response.headers.get("content-type", "no type").partition(";")[0]
        raise ServerUnreachable(
            f"{url} speaks something else: GET /models gave status {response.status_code}, {kind}, {response.text[:60]!r}; "
            "expected a JSON list of models from an OpenAI-compatible server. Correct the base URL."
        )
    return known


def _choose(cards: Sequence[dict[str, Any]], model: str | None, url: str) -> dict[str, Any]:
    names = [card["id"] for card in cards]
    if model is None:
        if len(names) > 1:
            raise ConfigError(f"{url} serves {len(names)} models; expected one. Choose with model=...: {', '.join(names[:20])}.")
        return cards[0]
    if model not in names:
        raise UnknownName(f"model at {url}", model, names)
    return cards[names.index(model)]


def _ask(client: httpx.Client, url: str, card: Mapping[str, Any], mode: str, hello: list[int]) -> Facts:
    name = card["id"]
    version = _quiet(client, "GET", address(url, "version", True), None).get("version")
    context = card.get("max_model_len") or card.get("context_length")
    facts: dict[str, str] = {
        "server": f"vllm {version}" if version and card.get("owned_by") == "vllm" else str(card.get("owned_by", "unknown"))
    }
    digest = hashlib.blake2b(repr((name, card.get("root"), context, facts["server"])).encode(), digest_size=12).hexdigest()
    if mode == "chat":
        return Facts(name, "chat", CHAT, context, False, False, False, digest, facts)
    ids = _quiet(client, "POST", address(url, "tokenize", True), {"model": name, "prompt": TEXT, "add_special_tokens": False}).get("tokens")
    tokenizes = _are_ids(ids)
    message = {"model": name, "messages": [{"role": "user", "content": TEXT}]}
    templates = tokenizes and _are_ids(_quiet(client, "POST", address(url, "tokenize", True), message).get("tokens"))
    extras = False
    found: dict[str, Any] = {}
    body = {"model": name, "prompt": TEXT, "max_tokens": 1, "temperature": 0, "logprobs": 1}
    ids = ids if tokenizes else hello
    if ids:
        found, why = _try(client, url, {**body, "prompt": ids, "return_token_ids": True, "return_tokens_as_token_ids": True})
        extras = _are_ids(found.get("token_ids"))
    if not found:
        found, why = _try(client, url, body)
    if not found:
        found, why = _try(client, url, {key: value for key, value in body.items() if key != "logprobs"})
    if not found:
        if mode == "completions":
            raise ServerError(
                f"{url} has no usable completions endpoint: {why} Expected POST /completions to continue a text. Use mode='chat'."
            )
        facts["completions"] = f"not offered: {why}"
        return Facts(name, "chat", CHAT, context, False, False, False, digest, facts)
    capabilities = set(PREFIX)
    logprobs = found.get("logprobs") or {}
    if logprobs.get("token_logprobs"):
        capabilities.add(Capability.LOGPROBS)
    if extras:
        capabilities.add(Capability.TOKEN_IDS)
        if any(str(token).startswith("token_id:") for token in (logprobs.get("top_logprobs") or [{}])[0] or {}):
            capabilities.add(Capability.PEEK)
        token, asked = _biased(list(ids or ()), found["token_ids"])
        scored, why = _try(client, url, {**body, "prompt": ids, "prompt_logprobs": 0, **asked})
        if why:
            scored, _ = _try(client, url, {**body, "prompt": ids, "prompt_logprobs": 0})
        if isinstance(scored.get("prompt_logprobs"), list):
            capabilities.add(Capability.SCORE)
        if scored.get("token_ids") == [token, token]:
            capabilities.add(Capability.TOKEN_BIAS)
    else:
        facts["prefixes"] = "text: the server tokenizes them anew"
    return Facts(name, "completions", frozenset(capabilities), context, extras, tokenizes, templates, digest, facts)


def _biased(ids: Sequence[int], first: Sequence[int]) -> tuple[int, dict[str, Any]]:
    """What asks for a bias that no token stands against: the token it should give twice, where `first` was written by itself, and the request's parameters. It may
    end with the path's own tokens, so a processor that does not see them will not do."""
    token = next((token for token in ids if token not in first), first[0] + 1)
    bias = TokenBias([token], Bias(Schedule.CONSTANT, FORCE, windows=((0, 2),)), len(ids), [[token] * 3])
    return token, {"max_tokens": 2, "ignore_eos": True, "return_token_ids": True, "vllm_xargs": wire(bias, len(ids))}


def _try(client: httpx.Client, url: str, body: Mapping[str, Any], attempts: int = 3) -> tuple[dict[str, Any], str]:
    """The first choice of a completion, or {} and why not."""
    why = ""
    lost: httpx.TransportError | None = None
    for attempt in range(attempts):
        if attempt:
            time.sleep(0.2 * attempt)
        try:
            response = client.post(f"{url}/completions", json=body)
            raise_for(response.status_code, response.headers, response.text, url)
            choice = as_object(response.text, url)["choices"][0]
            return (choice, "") if isinstance(choice.get("text"), str) else ({}, "its answer has no text.")
        except (ServerError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            return {}, str(error)
        except Transient as error:
            why = str(error)
        except httpx.TransportError as error:
            lost = error
    if lost is not None:  # not knowing is not the same as not having
        raise unreachable(url, f"it could not be asked what it can do ({type(lost).__name__})") from lost
    return {}, why


def _quiet(client: httpx.Client, method: str, url: str, body: Mapping[str, Any] | None) -> dict[str, Any]:
    """The object at an address that may not exist; {} if it does not."""
    try:
        response = client.request(method, url, json=body)
        found = response.json() if response.status_code == 200 else {}
    except httpx.TransportError as error:
        raise unreachable(url, f"it could not be asked what it can do ({type(error).__name__})") from error
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _are_ids(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, int) for item in value)
