"""The symbolic stage runs in a process that is killed at its deadline, comes back, and cannot be talked into running code."""

import os
import threading
import time
from pathlib import Path

import pytest

from thinkwell.answers.compare import compare
from thinkwell.answers.grade import grade
from thinkwell.answers.worker import Pool, Worker, pool
from thinkwell.core.answer import Stage, VerdictValue


@pytest.fixture(scope="module")
def worker():  # type: ignore[no-untyped-def]
    one = Worker()
    yield one
    one.kill()


def test_a_worker_starts_on_first_use_and_stays_warm(worker: Worker) -> None:
    assert worker.ask("verify", "x+1", "1+x").equal is True
    first = worker.pid
    assert worker.ask("verify", "x+1", "x").equal is False
    assert worker.pid == first


def test_a_worker_that_hangs_is_killed_at_its_deadline_and_replaced(worker: Worker) -> None:
    worker.ask("verify", "x", "x")
    hung = worker.pid
    assert hung is not None
    start = time.monotonic()
    reply = worker.ask("sleep", "60", "", deadline=0.3)
    assert time.monotonic() - start < 20  # 1.2 s on a machine that is not busy
    assert (reply.equal, reply.status) == (None, "timeout")
    with pytest.raises(ProcessLookupError):
        os.kill(hung, 0)
    assert worker.ask("verify", "x+1", "1+x").equal is True


def test_a_worker_that_computes_too_long_is_ended_by_the_kernel(worker: Worker) -> None:
    worker.ask("verify", "x", "x")
    reply = worker.ask("spin", "60", "", deadline=0.5)
    assert (reply.equal, reply.status, reply.seconds) == (None, "timeout", 0.5)
    assert worker.ask("verify", "x+1", "1+x").equal is True


def test_a_worker_that_died_is_replaced(worker: Worker) -> None:
    worker.ask("verify", "x", "x")
    assert worker.pid is not None
    os.kill(worker.pid, 9)
    assert worker.ask("verify", "x+1", "1+x").equal is True


def test_a_library_exception_is_a_reply_not_the_end(worker: Worker) -> None:
    reply = worker.ask("sleep", "not a number", "")
    assert (reply.equal, reply.status) == (None, "error")
    assert "ValueError" in reply.detail
    assert worker.ask("verify", "x", "x").equal is True


def test_a_tower_of_powers_is_a_timeout_not_a_wrong_answer() -> None:
    verdict = grade(r"\boxed{10^{10^{10^{10}}}}", "x+2", deadline=1.0)
    assert (verdict.value, verdict.stage) == (VerdictValue.TIMEOUT, Stage.MATH_VERIFY)


def test_grading_works_in_threads_at_once() -> None:
    results: list[bool] = []

    def one(i: int) -> None:
        results.append(compare(f"x + {i} + y", f"y + {i} + x").correct)

    threads = [threading.Thread(target=one, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert results == [True] * 8


def test_a_forked_child_does_not_share_the_workers() -> None:
    mine = pool()
    mine.ask("verify", "x", "x")
    child = os.fork()
    if child == 0:
        os._exit(0 if pool() is not mine else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert mine.ask("verify", "x+1", "1+x").equal is True


def test_a_closed_pool_starts_again_when_asked() -> None:
    small = Pool(1)
    assert small.ask("verify", "x", "x").equal is True
    small.close()
    assert small.ask("verify", "x", "x").equal is True
    small.close()


@pytest.mark.parametrize(
    "attack",
    [
        "__import__('os').system('touch {path}')",
        "exec(\"open('{path}','w')\")",
        "().__class__.__base__.__subclasses__()",
        "\\text{__import__('os').system('touch {path}')}",
        "eval(open('{path}','w'))",
    ],
)
def test_model_output_is_never_run(attack: str, tmp_path: Path) -> None:
    path = tmp_path / "written"
    for reference in ("5", "x+1", "\\frac{1}{2}", "(1,2)", "x=5"):
        assert not compare(reference, attack.replace("{path}", str(path)), deadline=2.0).correct
    assert not path.exists()
