"""The offline pass-rate pool: how often does the starting model solve each problem, and which problems are worth training on?

    for each problem    n samples, graded; one line of JSON when they are done: id, samples, right, judged, mean tokens
    in_band             problems whose pass rate is strictly between two bounds; 0 and 1 drop what is hopeless and what is known

R1V2 (arXiv 2504.16656, sec. 3.3) starts from such a pool and reports more than 10 % better efficiency in the first phase. A file belongs to one model, prompt and sampling;
a kill loses the problems in flight, and the same call goes on with what is missing and gives the same rates.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from thinkwell.core.errors import DataError, RunFolderError
from thinkwell.core.problem import Problem
from thinkwell.training._conventions import expect, within
from thinkwell.training.experience import judge
from thinkwell.training.rollouts.group import write
from thinkwell.training.sample import Sample
from thinkwell.training.stage import Writer


@dataclass(frozen=True)
class Rate:
    """What n samples of a problem came to. judged: samples with a judgement; right: of these; tokens: mean the model wrote; cut: samples that ended at a limit."""

    id: str
    samples: int
    right: int
    judged: int
    tokens: float
    cut: int

    @property
    def value(self) -> float | None:
        """The pass rate; None if no sample could be judged, which is no rate of 0."""
        return self.right / self.judged if self.judged else None


async def measure(writer: Writer, problems: Sequence[Problem], n: int, file: Path, *, at_once: int = 32) -> dict[str, Rate]:
    """Pass rates of all problems by id, from `file` where it has them; the others are sampled, n times each, `at_once` problems at a time, and added to it.

    The noise of a sample depends on seed, problem and number alone, so that a resumed file is the same. Raises `ConfigError`, `DataError` for two problems of one id, and
    `RunFolderError` for a file of another model, prompt, sampling or n, or one that cannot be read.
    """
    expect("n", n, n >= 1, "at least one sample a problem")
    expect("at_once", at_once, at_once >= 1, "at least one problem at a time")
    twice = len(problems) - len({problem.id for problem in problems})
    if twice:
        raise DataError(f"{twice} problems have an id that another one has; expected a name each, under which rates are kept. Rename them.")
    rates = _opened(file, _head(writer, n))
    missing = [problem for problem in problems if problem.id not in rates]
    for start in range(0, len(missing), at_once):
        wave = missing[start : start + at_once]
        found = await asyncio.gather(*(_rate(writer, problem, n) for problem in wave))
        with file.open("a", encoding="utf-8") as lines:
            lines.writelines(json.dumps(asdict(rate)) + "\n" for rate in found)
            lines.flush()
            os.fsync(lines.fileno())
        rates |= {rate.id: rate for rate in found}
    return {problem.id: rates[problem.id] for problem in problems}


def read(file: Path) -> dict[str, Rate]:
    """The rates in a file, by id; a last line that a kill left unfinished is passed over. Raises `RunFolderError`."""
    return _parsed(file)[1]


def in_band(problems: Sequence[Problem], rates: Mapping[str, Rate], *, low: float = 0.0, high: float = 1.0) -> list[Problem]:
    """The problems whose pass rate is strictly between low and high, in their order, each with its rate in `meta["pass_rate"]`.

    A problem without a rate (no sample could be judged) is left out: nothing is known of it. Raises `ConfigError` for bounds out of order, `DataError` for a problem that was not
    measured and where nothing is left.
    """
    within("low", low, 0.0, 1.0)
    within("high", high, low, 1.0, above=True)
    kept = []
    for problem in problems:
        if problem.id not in rates:
            raise DataError(
                f"problem {problem.id} has no line in the pool; expected one for each. Measure the pool on these problems first."
            )
        value = rates[problem.id].value
        if value is not None and low < value < high:
            kept.append(replace(problem, meta={**problem.meta, "pass_rate": value}))
    if not kept:
        raise DataError(
            f"none of {len(problems)} problems has a pass rate between {low:g} and {high:g}; expected one at least. Widen the band, or sample more."
        )
    return kept


async def _rate(writer: Writer, problem: Problem, n: int) -> Rate:
    """A call of its own, so that the noise does not depend on which problems are sampled together."""
    own = replace(writer, tag=f"{writer.tag}/{problem.id}")
    samples: list[Sample] = judge(await write(own, [problem], n), writer.preset)
    judged = [sample for sample in samples if sample.judged]
    right = sum(sample.correct for sample in judged)
    tokens = sum(sample.length for sample in samples) / n
    return Rate(problem.id, n, right, len(judged), tokens, sum(sample.cut for sample in samples))


def _head(writer: Writer, n: int) -> dict[str, Any]:
    """What all rates of a file have in common."""
    return {
        "pool": 1,
        "model": writer.engine.info.fingerprint,
        "preset": writer.preset.full_name,
        "sampling": asdict(writer.sampling),
        "max_tokens": writer.max_tokens,
        "seed": writer.seed,
        "samples": n,
    }


def _opened(file: Path, head: dict[str, Any]) -> dict[str, Rate]:
    """The rates of a file that fits, made if it is not there; what a kill left unfinished at its end is cut off."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(head) + "\n", encoding="utf-8")
        return {}
    there, rates, whole = _parsed(file)
    if there is None:
        file.write_text(json.dumps(head) + "\n", encoding="utf-8")
        return {}
    other = sorted(name for name in head if there.get(name) != head[name])
    if other:
        raise RunFolderError(
            f"{file} was measured with another {', '.join(other)} ({', '.join(str(there.get(name)) for name in other)}); "
            f"expected {', '.join(str(head[name]) for name in other)}. Give another file, or the settings of this one."
        )
    with file.open("r+b") as lines:
        lines.truncate(whole)
    return rates


def _parsed(file: Path) -> tuple[dict[str, Any] | None, dict[str, Rate], int]:
    """Head, rates, and the bytes up to the last whole line. The head is None where not even that was written."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise RunFolderError(
            f"{file} cannot be read: {error.strerror}; expected a pool that `measure` wrote. Give another file."
        ) from error
    whole = content.rfind(b"\n") + 1
    rows = content[:whole].decode("utf-8", errors="replace").splitlines()
    if not rows:
        return None, {}, 0
    number = 1
    try:
        head = json.loads(rows[0])
        if not isinstance(head, dict) or head.get("pool") != 1:
            raise ValueError("the first line is no head of a pool")
        rates = {}
        for row in rows[1:]:
            number += 1
            rate = Rate(**json.loads(row))
            rates[rate.id] = rate
    except (ValueError, TypeError) as error:
        raise RunFolderError(
            f"{file}, line {number}: {error}; expected a pool that `measure` wrote. Give another file, or delete that line."
        ) from error
    return head, rates, whole
