"""Symbolic equality in processes of their own, killed at their deadline.

SymPy can hang or eat memory on what a model writes, and math-verify's own time limits use a signal that works in the main thread only and cannot stop
everything. So a pool of worker processes runs this file as a script; each answers one question a line. A worker that misses its deadline is killed and a fresh one is
started. The deadline is in seconds of the worker's own computing, enforced by the kernel, so that a verdict does not depend on how busy the machine is; `PATIENCE` times as
many seconds by the clock are the ceiling. Workers start on first use, stay warm, are limited in memory, and end with their parent. The text is parsed by grammar, never
evaluated as code.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import queue
import select
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from typing import Any, Literal

START_SECONDS = 120.0  # importing SymPy on a busy machine
MEMORY_BYTES = 4 << 30  # address space of one worker
DEADLINE = 5.0  # seconds of computing for one question
PATIENCE = 4.0  # by the clock, a question may take this many times its deadline

Op = Literal["verify", "equation", "sleep", "spin"]


@dataclass(frozen=True, slots=True)
class Reply:
    """`equal` is None when there is no judgement: `status` then is "timeout" or "error" and `detail` says more. seconds: of computing."""

    equal: bool | None
    status: Literal["ok", "timeout", "error"] = "ok"
    detail: str = ""
    seconds: float = 0.0


class Worker:
    """One process. Not for two threads at once (see `Pool`)."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._buffer = b""
        self._ready = False
        self._ended = False

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def ask(self, op: Op, gold: str, pred: str, deadline: float = DEADLINE, tolerance: float = 0.0) -> Reply:
        """Put one question; kill the process if it misses the deadline (starting it is not counted)."""
        question = {"op": op, "gold": gold, "pred": pred, "tolerance": tolerance, "limit": deadline}
        reply = self._put(question)
        if reply.status == "error" and not reply.seconds:  # the process was lost, perhaps before it read the question
            reply = self._put(question)
        return reply

    def _put(self, question: dict[str, Any]) -> Reply:
        deadline = question["limit"]
        late = Reply(None, "timeout", f"no verdict within {deadline:.3g} s", deadline)
        try:
            self._start()
            assert self._process is not None
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(question).encode() + b"\n")
            self._process.stdin.flush()
            line = self._line(deadline * PATIENCE)
        except TimeoutError:
            self.kill()
            self._spawn()  # it gets ready while the caller goes on
            return late
        except (BrokenPipeError, EOFError) as error:
            if self.kill() == -signal.SIGPROF:
                self._spawn()
                return late
            return Reply(None, "error", f"the grading process ended: {error}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            return Reply(None, "error", str(answer["error"])[:300], answer["seconds"])
        return Reply(bool(answer["equal"]), "ok", str(answer.get("detail", "")), answer["seconds"])

    def kill(self) -> int | None:
        """End the process now; its exit code if it had ended by itself, None if there was no process."""
        process, self._process, self._buffer, self._ready = self._process, None, b"", False
        if process is None:
            return None
        with contextlib.suppress(subprocess.TimeoutExpired):  # if its output is closed it is ending: let it, to learn why
            process.wait(0.2 if self._ended else 0)
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                if pipe:
                    pipe.close()
        return process.returncode

    def _start(self) -> None:
        if self._process is not None and self._process.poll() is not None:
            self.kill()
        if self._process is None:
            self._spawn()
        if not self._ready:
            try:
                self._line(START_SECONDS)
            except (EOFError, TimeoutError):
                raise EOFError("it could not start; is math-verify installed?") from None
            self._ready = True

    def _spawn(self) -> None:
        if self._process is None:
            self._ended = False
            # -P: the folder of this file must not shadow other modules
            self._process = subprocess.Popen(
                [sys.executable, "-P", __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
            )

    def _line(self, seconds: float) -> bytes:
        assert self._process is not None
        assert self._process.stdout is not None
        end = time.monotonic() + seconds
        while b"\n" not in self._buffer:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self._process.stdout], [], [], left)[0]:
                raise TimeoutError
            chunk = os.read(self._process.stdout.fileno(), 65536)
            if not chunk:
                self._ended = True
                raise EOFError("it closed its output")
            self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line


class Pool:
    """Some workers, safe to use from any thread; a question waits for a free one."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._owner = os.getpid()
        self._workers = [Worker() for _ in range(size)]
        self._free: queue.LifoQueue[Worker] = queue.LifoQueue()  # last used first: idle workers are never started
        for worker in self._workers:
            self._free.put(worker)

    def ask(self, op: Op, gold: str, pred: str, deadline: float = DEADLINE, tolerance: float = 0.0) -> Reply:
        worker = self._free.get()
        try:
            return worker.ask(op, gold, pred, deadline, tolerance)
        finally:
            self._free.put(worker)

    def close(self) -> None:
        """End all workers. A copy of the pool in a forked child leaves the parent's workers alone."""
        if os.getpid() == self._owner:
            for worker in self._workers:
                worker.kill()


_pool: Pool | None = None
_lock = threading.Lock()


def pool() -> Pool:
    """The pool of this process, made on first use (a forked child gets its own)."""
    global _pool
    with _lock:
        if _pool is None or _pool._owner != os.getpid():
            _pool = Pool(max(1, min(4, (os.cpu_count() or 2) // 2)))
            atexit.register(_pool.close)
        return _pool


# ---- below runs in the worker ---------------------------------------------------------------------------------------------


def main() -> None:
    """Answer questions, one JSON object a line, until the input ends."""
    import resource

    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # nothing a library prints may reach the protocol
    soft = min(MEMORY_BYTES, resource.getrlimit(resource.RLIMIT_AS)[1]) if resource.getrlimit(resource.RLIMIT_AS)[1] > 0 else MEMORY_BYTES
    with contextlib.suppress(ValueError, OSError):  # not every system can limit it
        resource.setrlimit(resource.RLIMIT_AS, (soft, resource.getrlimit(resource.RLIMIT_AS)[1]))
    sys.set_int_max_str_digits(100_000)
    import logging

    logging.disable(logging.CRITICAL)
    import math_verify  # noqa: F401  the slow import, before the parent is told that we are ready

    print("ready", file=out, flush=True)
    for line in sys.stdin:
        question = json.loads(line)
        started = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, question["limit"])  # default action: die
        signal.setitimer(signal.ITIMER_REAL, question["limit"] * PATIENCE + 5)  # the same, should the parent be gone
        try:
            answer: dict[str, Any] = _answer(question)
        except BaseException as error:  # noqa: BLE001  whatever a library raises is the verdict "error" of this question, not the end of the worker
            answer = {"error": f"{type(error).__name__}: {str(error)[:200]}"}
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        answer["seconds"] = time.process_time() - started
        print(json.dumps(answer), file=out, flush=True)


def _answer(question: dict[str, Any]) -> dict[str, Any]:
    op, gold_text, pred_text = question["op"], question["gold"], question["pred"]
    if op == "sleep":  # for tests of the deadline
        time.sleep(float(gold_text))
        return {"equal": True}
    if op == "spin":
        end = time.process_time() + float(gold_text)
        while time.process_time() < end:
            pass
        return {"equal": True}
    if op == "equation":
        return _equation(gold_text, pred_text)
    from math_verify import verify
    from sympy import Basic, MatrixBase

    gold, pred = _parse(gold_text), _parse(pred_text)
    for name, parsed in (("reference", gold), ("answer", pred)):
        if not any(isinstance(item, (Basic, MatrixBase)) for item in parsed):
            return {"equal": False, "detail": f"the {name} does not parse as mathematics"}
    tolerance = float(question["tolerance"])
    if tolerance and (near := _near(gold[0], pred[0], tolerance)) is not None:
        return {"equal": near}
    equal = verify(gold, pred, timeout_seconds=None, allow_set_relation_comp=True, raise_on_error=True)
    if equal and _near(gold[0], pred[0], 1e-12) is False:
        return {"equal": False, "detail": "equal only within a coarse numeric tolerance"}
    return {"equal": equal}


def _parse(text: str) -> list[Any]:
    """math-verify's parse of `$text$` by its LaTeX grammar only: its plain-expression fallback would go through Python's eval.

    Its removal of units is off (it drops the variable of "37/4 m"); ours has been done.
    """
    from latex2sympy2_extended.latex2sympy2 import NormalizationConfig
    from math_verify import LatexExtractionConfig, parse

    spelling = NormalizationConfig(basic_latex=True, units=False, malformed_operators=True, nits=True, boxed="none")
    parsed: list[Any] = parse(f"${text}$", extraction_config=[LatexExtractionConfig(normalization_config=spelling)], parsing_timeout=None)
    return parsed


def _near(gold: Any, pred: Any, tolerance: float) -> bool | None:
    """Relative closeness of two constants at 30 digits; None if either is not a constant. math-verify alone takes 2^-99 for 2^-98."""
    from sympy import Expr, N

    if not (isinstance(gold, Expr) and isinstance(pred, Expr)) or gold.free_symbols or pred.free_symbols:
        return None
    gold, pred = gold.doit(), pred.doit()
    if not (gold.is_number and pred.is_number) or gold.is_finite is False or pred.is_finite is False:
        return None
    scale = max(abs(N(gold, 30)), abs(N(pred, 30)))
    return bool(abs(N(gold - pred, 30)) <= tolerance * scale)


def _equation(gold_text: str, pred_text: str) -> dict[str, Any]:
    """l = r and m = s are the same equation if l - r is a constant, not 0, times m - s."""
    from sympy import Expr, simplify

    sides = []
    for text in (gold_text, pred_text):
        left, _, right = text.partition("=")
        parsed = _parse(f"({left})-({right})")
        if not parsed or not isinstance(parsed[0], Expr):
            return {"equal": False, "detail": "an equation does not parse"}
        sides.append(parsed[0].doit())
    gold, pred = sides
    if gold.free_symbols != pred.free_symbols or not gold.free_symbols:
        return {"equal": False}
    ratio = simplify(gold / pred)
    return {"equal": bool(not ratio.free_symbols and ratio.is_finite and ratio != 0)}


if __name__ == "__main__":
    main()
