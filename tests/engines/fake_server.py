"""A small OpenAI-compatible server for tests: raw asyncio in a thread, with faults on request.

Its model writes a fixed text whatever the prompt, cut into the toy tokenizer's words. Flavours: "vllm" (ids in and out, log-probs, tokenizing), "text" (completions of
text only), "chat" (conversations only), "html" (a web site), "wrong" (JSON that is no list of models).
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections import deque
from typing import Any

from thinkwell.decoding.token_bias import TokenBias, unwire
from thinkwell.engines.scripted import EOS, ToyTokenizer

REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Unavailable",
}


class FakeServer:
    """`faults`: taken one a generation request: "429", "429 after 0", "500", "disconnect", "garbage", "half" (a stream that breaks off), "hang" (one
    that says nothing after three tokens), "slow", "400". `bodies`: what was asked.
    `answers`: how many completions were sent whole."""

    def __init__(
        self, flavour: str = "vllm", text: str = "one two\n\nthree four", model: str = "toy", port: int = 0, key: str | None = None
    ) -> None:
        self.flavour, self.text, self.model, self.port, self.key = flavour, text, model, port, key
        self.faults: deque[str] = deque()
        self.bodies: list[dict[str, Any]] = []
        self.answers = self.live = self.most_live = 0
        self.tokenizer = ToyTokenizer()
        self.limit_name = "max_tokens"
        self.usage_offset = 0
        self.ceiling = 1 << 20  # tokens the server writes at most
        self.models = [model]
        self.probing = True
        self.biases = False  # whether it has a processor for token biases, whose logits lead by 4.5
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread: threading.Thread | None = None

    # ---- running --------------------------------------------------------------------------------------------------------------

    def __enter__(self) -> FakeServer:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def start(self) -> None:
        ready = threading.Event()

        async def main() -> None:
            server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, backlog=1024)
            self.port = server.sockets[0].getsockname()[1]
            self._stop = asyncio.Event()
            ready.set()
            await self._stop.wait()
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(main()), daemon=True)
        self._thread.start()
        ready.wait()

    def stop(self) -> None:
        """Like kill -9: open connections are cut."""
        if self._thread is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()
            self._loop.close()
            self._thread = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    # ---- HTTP -----------------------------------------------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while line := await reader.readline():
                method, path, _ = line.decode().split()
                fields = {}
                while (header := (await reader.readline()).decode().strip()) != "":
                    name, _, value = header.partition(":")
                    fields[name.lower()] = value.strip()
                body = json.loads(await reader.readexactly(int(fields.get("content-length", 0))) or b"{}")
                await self._route(method, path, fields, body, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _route(self, method: str, path: str, fields: dict[str, str], body: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        if self.flavour == "html":
            return await self._send(writer, 200, "<html>Welcome</html>", "text/html")
        if self.flavour == "wrong":
            return await self._json(writer, 200, {"hello": "world"})
        if self.key is not None and fields.get("authorization") != f"Bearer {self.key}":
            return await self._json(writer, 401, {"error": {"message": "bad key"}})
        vllm = self.flavour == "vllm"
        match path:
            case "/v1/models":
                cards = [
                    {"id": name, "object": "model", "owned_by": "vllm" if vllm else "someone", **({"max_model_len": 512} if vllm else {})}
                    for name in self.models
                ]
                await self._json(writer, 200, {"object": "list", "data": cards})
            case "/version" if vllm:
                await self._json(writer, 200, {"version": "9.9"})
            case "/tokenize" if vllm:
                text = body["prompt"] if "prompt" in body else "".join(m["content"] for m in body["messages"]) + " <think>"
                await self._json(writer, 200, {"tokens": list(self.tokenizer.encode(text)), "count": 1, "max_model_len": 512})
            case "/detokenize" if vllm:
                await self._json(writer, 200, {"prompt": self._decode(body["tokens"])})
            case "/v1/completions" if self.flavour != "chat":
                await self._generate(body, writer, False)
            case "/v1/chat/completions":
                await self._generate(body, writer, True)
            case _:
                await self._json(writer, 404, {"detail": "Not Found"})

    async def _send(self, writer: asyncio.StreamWriter, status: int, text: str, kind: str = "application/json", extra: str = "") -> None:
        data = text.encode()
        writer.write(
            f"HTTP/1.1 {status} {REASONS[status]}\r\ncontent-type: {kind}\r\ncontent-length: {len(data)}\r\n{extra}\r\n".encode() + data
        )
        await writer.drain()

    async def _json(self, writer: asyncio.StreamWriter, status: int, body: Any, extra: str = "") -> None:
        await self._send(writer, status, json.dumps(body), extra=extra)

    # ---- the model --------------------------------------------------------------------------------------------------------------

    def _decode(self, tokens: list[int]) -> str:
        return "".join("<eos>" if token == EOS else self.tokenizer.piece(token) for token in tokens)

    async def _generate(self, body: dict[str, Any], writer: asyncio.StreamWriter, chat: bool) -> None:
        if self.probing and (body.get("max_tokens") == 1 or "prompt_logprobs" in body):
            fault = ""
        else:
            self.bodies.append(body)
            fault = self.faults.popleft() if self.faults else ""
        self.live += 1
        self.most_live = max(self.most_live, self.live)
        try:
            await asyncio.sleep(0)
            await self._answer(body, writer, chat, fault)
        finally:
            self.live -= 1

    async def _answer(self, body: dict[str, Any], writer: asyncio.StreamWriter, chat: bool, fault: str) -> None:
        match fault:
            case "429":
                return await self._json(writer, 429, {"error": {"message": "slow down"}})
            case "429 after 0":
                return await self._json(writer, 429, {"error": {"message": "slow down"}}, "retry-after: 0\r\n")
            case "500":
                return await self._json(writer, 500, {"error": {"message": "engine dead"}})
            case "400":
                return await self._json(writer, 400, {"error": {"message": "the prompt is too long"}})
            case "garbage":
                return await self._send(writer, 200, "<html>oops", "text/html")
            case "disconnect":
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{")
                writer.transport.abort()
                raise ConnectionResetError
            case "slow":
                await asyncio.sleep(30)
        if chat and self.limit_name not in body:
            return await self._json(writer, 400, {"error": {"message": f"Unsupported parameter: use '{self.limit_name}' instead."}})
        if self.flavour == "text" and not isinstance(body["prompt"], str):
            return await self._json(writer, 400, {"error": {"message": "prompt must be a string"}})
        tokens, text, finish, reason = self._write(body, body.get(self.limit_name, 16))
        if body.get("stream"):
            return await self._stream(body, writer, tokens, finish, reason, chat, fault)
        self.answers += 1
        await self._json(
            writer, 200, {"choices": [self._choice(body, tokens, text, finish, reason, chat)], "usage": self._usage(body, tokens)}
        )

    def _write(self, body: dict[str, Any], limit: int) -> tuple[list[int], str, str, int | str | None]:
        """Token by token, with the server's own rules for stop strings (text cut at the string, ids whole)."""
        script = [*self.tokenizer.encode(self.text), EOS]
        bias = unwire(body.get("vllm_xargs"), len(body.get("prompt") or ())) if self.biases else None
        if bias is not None:
            bias.read(body["prompt"])
            script = [self._biased(bias, token) for token in script]
        tokens: list[int] = []
        for token in script[: min(limit, self.ceiling)]:
            tokens.append(token)
            text = self._decode(tokens)
            if token == EOS:
                return tokens, text if body.get("include_stop_str_in_output") else text.removesuffix("<eos>"), "stop", None
            for stop in body.get("stop", ()):
                if stop in text:
                    end = text.index(stop) + (len(stop) if body.get("include_stop_str_in_output") else 0)
                    return tokens, text[:end], "stop", stop
            if token in body.get("stop_token_ids", ()):
                return tokens, text, "stop", token
        return tokens, self._decode(tokens), "length", None

    @staticmethod
    def _biased(bias: TokenBias, token: int) -> int:
        written = bias.ids[0] if bias.delta > 4.5 else token
        bias.push(written)
        return written

    def _usage(self, body: dict[str, Any], tokens: list[int]) -> dict[str, Any]:
        prompt = len(body.get("prompt") or body.get("messages") or ())
        count = len(tokens) + self.usage_offset
        return {"prompt_tokens": prompt, "completion_tokens": count, "prompt_tokens_details": {"cached_tokens": prompt // 2}}

    def _choice(
        self, body: dict[str, Any], tokens: list[int], text: str, finish: str | None, reason: int | str | None, chat: bool
    ) -> dict[str, Any]:
        choice: dict[str, Any] = {"index": 0, "finish_reason": finish}
        if chat:
            return {**choice, "message": {"role": "assistant", "content": text}}
        choice["text"] = text
        if self.flavour != "vllm":
            return choice
        choice |= {"stop_reason": reason, "token_ids": tokens if body.get("return_token_ids") else None}
        if body.get("logprobs") is not None:
            likely = [{f"token_id:{token}": -0.25, f"token_id:{token + 1}": -1.5} for token in tokens]
            choice["logprobs"] = {"token_logprobs": [-0.25] * len(tokens), "tokens": ["x"] * len(tokens), "top_logprobs": likely}
        if body.get("prompt_logprobs") is not None:
            rows = [{str(token): {"logprob": -i / 10, "rank": 1}} for i, token in enumerate(body["prompt"])]
            choice["prompt_logprobs"] = [None, *rows[1:]]
        return choice

    async def _stream(
        self,
        body: dict[str, Any],
        writer: asyncio.StreamWriter,
        tokens: list[int],
        finish: str,
        reason: int | str | None,
        chat: bool,
        fault: str,
    ) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")
        for place, token in enumerate(tokens):
            last = place == len(tokens) - 1
            piece = self._decode([token])
            if token == EOS and not body.get("include_stop_str_in_output"):
                piece = ""
            event = self._choice(body, [token], piece, finish if last else None, reason if last else None, False)
            if chat:
                event = {"index": 0, "delta": {"content": piece}, "finish_reason": event["finish_reason"]}
            writer.write(f"data: {json.dumps({'choices': [event]})}\n\n".encode())
            await writer.drain()
            if fault == "hang" and place == 2:
                await asyncio.sleep(600)
            if fault == "half" and place == 1:
                writer.transport.abort()
                raise ConnectionResetError
            if self.text.startswith("slow"):
                await asyncio.sleep(0.05)
        writer.write(f"data: {json.dumps({'choices': [], 'usage': self._usage(body, tokens)})}\n\ndata: [DONE]\n\n".encode())
        await writer.drain()
        self.answers += 1
        writer.transport.close()
        raise ConnectionResetError
