"""Posting to one or several servers until an answer comes: least loaded first, backoff, patience while a server restarts.

A request counts once: what a failed attempt wrote is never handed on. Three kinds of trouble are told apart. *Refused* (nobody listens): wait, up to `patience`
seconds, since servers restart. *Transient* (429, 5xx, a timeout, a lost connection, a body that is no JSON): up to `retries` more attempts. *Wrong* (any
other 4xx): the server's own words, at once.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx

from thinkwell.core.errors import ServerError, ServerUnreachable

T = TypeVar("T")
REFUSED = (httpx.ConnectError, httpx.ConnectTimeout)
LOST = (httpx.TransportError, httpx.RemoteProtocolError, ConnectionError)
TRANSIENT = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
LONGEST_WAIT = 30.0  # seconds between two attempts, unless the server asks for more


@dataclass(frozen=True, slots=True)
class Policy:
    """timeout: seconds without a byte. retries: further attempts after a transient failure. patience: seconds to wait for a server that refuses connections.
    backoff: first wait in seconds, doubled every time. concurrency: requests in flight."""

    concurrency: int = 64
    timeout: float = 600.0
    retries: int = 6
    patience: float = 120.0
    backoff: float = 0.5


@dataclass(slots=True)
class Server:
    """One base URL. `load`: requests in flight. `aside`: not to be tried before this time (monotonic)."""

    url: str
    load: int = 0
    aside: float = 0.0
    strikes: int = 0


class Transient(Exception):
    """Worth another attempt. `wait`: seconds the server asked for."""

    def __init__(self, why: str, wait: float | None = None, refused: bool = False) -> None:
        super().__init__(why)
        self.wait, self.refused = wait, refused


@dataclass(slots=True)
class Fleet:
    """The servers that answer for one model. Works in any event loop, one at a time."""

    urls: Sequence[str]
    key: str | None
    policy: Policy
    servers: list[Server] = field(init=False)
    _client: httpx.AsyncClient | None = field(init=False, default=None)
    _gate: asyncio.Semaphore | None = field(init=False, default=None)
    _loop: asyncio.AbstractEventLoop | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.servers = [Server(url) for url in self.urls]

    async def post(self, path: str, body: Mapping[str, Any], *, root: bool = False) -> dict[str, Any]:
        """The JSON object that comes back. `root`: the path is beside `/v1`, not under it. Raises `ServerError`, `ServerUnreachable`."""

        async def attempt(server: Server, client: httpx.AsyncClient) -> dict[str, Any]:
            response = await client.post(address(server.url, path, root), json=body)
            raise_for(response.status_code, response.headers, response.text, server.url)
            return as_object(response.text, server.url)

        return await self._until_answered(attempt)

    async def stream(self, path: str, body: Mapping[str, Any], each: Callable[[dict[str, Any]], None], again: Callable[[], None]) -> None:
        """Give every server-sent event to `each`; `again` is called before an attempt that begins anew."""
        begun = False

        async def attempt(server: Server, client: httpx.AsyncClient) -> None:
            nonlocal begun
            if begun:
                again()
            begun = True
            async with client.stream("POST", address(server.url, path, False), json=body) as response:
                if response.status_code != 200:
                    raise_for(response.status_code, response.headers, (await response.aread()).decode("utf-8", "replace"), server.url)
                async for data in _events(response):
                    each(data)

        await self._until_answered(attempt)

    async def aclose(self) -> None:
        client, self._client = self._client, None
        if client is not None and self._loop is asyncio.get_running_loop():
            await client.aclose()

    # ---- inside -------------------------------------------------------------------------------------------------------------

    async def _until_answered(self, attempt: Callable[[Server, httpx.AsyncClient], Awaitable[T]]) -> T:
        client, gate = self._here()
        failures, refused_since = 0, None
        async with gate:
            while True:
                server = await self._pick()
                try:
                    async with self._loaded(server):
                        result = await attempt(server, client)
                    server.strikes, server.aside = 0, 0.0
                    return result
                except Transient as trouble:
                    reason = trouble
                except REFUSED as error:
                    reason = Transient(f"cannot connect ({error})", refused=True)
                except LOST as error:
                    reason = Transient(f"lost the connection ({type(error).__name__}{f': {error}' if str(error) else ''})")
                if reason.refused:
                    now = time.monotonic()
                    refused_since = refused_since or now
                    self._put_aside(server, None)
                    if now - refused_since >= self.policy.patience and all(other.aside > now for other in self.servers):
                        raise unreachable(server.url, f"{reason}, for {self.policy.patience:g} s") from reason
                    continue
                failures, refused_since = failures + 1, None
                if failures > self.policy.retries:
                    raise ServerError(
                        f"{server.url} failed {failures} times; the last time: {reason}. Look at the server's log, or raise retries or timeout."
                    ) from reason
                if reason.wait is not None or len(self.servers) > 1:
                    self._put_aside(server, reason.wait)
                else:
                    await asyncio.sleep(self._wait(failures, reason.wait))

    def _here(self) -> tuple[httpx.AsyncClient, asyncio.Semaphore]:
        loop = asyncio.get_running_loop()
        if self._client is None or self._gate is None or self._loop is not loop:
            limits = httpx.Limits(max_connections=self.policy.concurrency, max_keepalive_connections=self.policy.concurrency)
            timeout = httpx.Timeout(self.policy.timeout, connect=min(10.0, self.policy.timeout), pool=None)
            self._client = httpx.AsyncClient(limits=limits, timeout=timeout, **settings(self.urls, self.key))
            self._gate, self._loop = asyncio.Semaphore(self.policy.concurrency), loop
        return self._client, self._gate

    async def _pick(self) -> Server:
        """The least loaded server that is not aside; waits for the first to come back when all are."""
        while True:
            now = time.monotonic()
            ready = [server for server in self.servers if server.aside <= now]
            if ready:
                return min(ready, key=lambda server: server.load)
            await asyncio.sleep(max(0.0, min(server.aside for server in self.servers) - now))

    @asynccontextmanager
    async def _loaded(self, server: Server) -> AsyncIterator[None]:
        server.load += 1
        try:
            yield
        finally:
            server.load -= 1

    def _put_aside(self, server: Server, wait: float | None) -> None:
        server.strikes += server.aside <= time.monotonic()  # many requests failing together are one strike
        server.aside = max(server.aside, time.monotonic() + self._wait(server.strikes, wait))

    def _wait(self, times: int, asked: float | None) -> float:
        """Exponential backoff with jitter between half and all of it; what the server asked for if that is longer."""
        wait = min(LONGEST_WAIT, self.policy.backoff * 2 ** min(times - 1, 10))
        return max(asked or 0.0, wait * random.uniform(0.5, 1.0))


def settings(urls: Sequence[str], key: str | None) -> dict[str, Any]:
    """Keywords of a client: the key; no proxy for this machine; no certificates (slow to load) where none are shown."""
    local = all(urlsplit(url).hostname in ("localhost", "127.0.0.1", "::1") for url in urls)
    secret = any(url.startswith("https") for url in urls)
    return {"headers": {"Authorization": f"Bearer {key}"} if key else {}, "trust_env": not local, "verify": secret}


def base(url: str) -> str:
    """`http://host:8000`, `.../` and `.../v1` are the same address. Raises `ServerUnreachable` for what is no web address."""
    plain = url.strip().rstrip("/")
    parts = urlsplit(plain)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ServerUnreachable(
            f"{url!r} is not the address of a server; expected something like http://localhost:8000/v1. Correct the base URL."
        )
    last = parts.path.rpartition("/")[2]
    return plain if last.startswith("v") and last[1:2].isdigit() else f"{plain}/v1"


def address(url: str, path: str, root: bool) -> str:
    return f"{url.rpartition('/')[0] if root else url}/{path}"


def unreachable(url: str, why: str) -> ServerUnreachable:
    return ServerUnreachable(f"no server answers at {url}: {why}; expected an OpenAI-compatible server. Start it, or correct the base URL.")


def raise_for(status: int, given: Mapping[str, str], text: str, url: str) -> None:
    """Nothing for 2xx, `Transient` for what may pass, `ServerError` with the server's words for what will not."""
    if 200 <= status < 300:
        return
    message = said(text)
    if status in TRANSIENT or status >= 500:
        raise Transient(f"status {status}: {message}", retry_after(given.get("retry-after")))
    hint = "Set OPENAI_API_KEY or pass api_key." if status in (401, 403) else "Change the request or the server's settings."
    raise ServerError(f"{url} refused the request with status {status}: {message} {hint}")


def said(text: str) -> str:
    """The message in an error body, or the beginning of the body."""
    try:
        body = json.loads(text)
        inner = body.get("error", body) if isinstance(body, dict) else body
        message = inner.get("message") or inner.get("detail") or inner if isinstance(inner, dict) else inner
    except ValueError:
        message = " ".join(text.split())
    line = str(message)[:500].strip() or "(no message)"
    return line if line.endswith((".", "!", "?")) else f"{line}."


def as_object(text: str, url: str) -> dict[str, Any]:
    try:
        body = json.loads(text)
    except ValueError:
        raise Transient(f"the answer is not JSON but {text[:60]!r}") from None
    if not isinstance(body, dict):
        raise Transient(f"the answer is a {type(body).__name__}, expected an object")
    if isinstance(body.get("error"), dict | str) and "choices" not in body:
        raise Transient(f"an error in the body: {said(text)}")
    return body


def retry_after(value: str | None) -> float | None:
    """Seconds, from a number or a date."""
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        try:
            return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
        except ValueError:
            return None


async def _events(response: httpx.Response) -> AsyncIterator[dict[str, Any]]:
    """The JSON of each `data:` line until `[DONE]`. A stream that ends without it was cut."""
    async for line in response.aiter_lines():
        if not line.startswith("data:"):
            continue
        data = line[5:].strip()
        if data == "[DONE]":
            return
        yield as_object(data, str(response.url))
    raise Transient("the stream broke off")
