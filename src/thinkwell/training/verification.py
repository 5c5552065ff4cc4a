"""Problems that are a solution to judge: where is its first wrong paragraph? Sources of them, the rollout that asks a verifier, and how its verdicts are scored.

A problem's question is the whole turn in the wording of the model's kind; its reference is the index of the first wrong paragraph as a number, -1 where none is.
The lab's truth is exact: every step of a written solution has a label.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from thinkwell.core.answer import AnswerKind, Stage, Verdict, VerdictValue
from thinkwell.core.errors import ConfigError, DataError
from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Preset
from thinkwell.core.sampling import Sampling
from thinkwell.engines.protocol import Engine
from thinkwell.training.rewards.flexive import UNPARSED
from thinkwell.training.sample import Sample
from thinkwell.training.stage import Draw, Writer
from thinkwell.training.turns import Turn, at_once, prompt_opens, reply


@dataclass(frozen=True)
class Solutions:
    """Written solutions of the lab's problems, without end. wrong_share: how many have a wrong step, 0 to 1. split: "train", or "test" to measure on."""

    levels: tuple[int, ...]
    kind: str = "lab"
    seed: int = 0
    wrong_share: float = 0.5
    test: bool = False

    def __post_init__(self) -> None:
        if not self.levels or any(not 1 <= level <= 10 for level in self.levels) or not 0 <= self.wrong_share <= 1:
            raise ConfigError(
                f"levels={self.levels}, wrong_share={self.wrong_share}; expected levels of the lab's world, 1 to 10, and a share from 0 to 1. Change them."
            )

    def at(self, position: int) -> Problem:
        from thinkwell.lab.judged import solution

        rng = random.Random(f"solutions/{self.seed}/{self.test}/{position}")
        wrong = rng.random() < self.wrong_share
        made, parts = solution(rng, self.levels, "test" if self.test else "train", wrong=wrong)
        return to_judge(f"solution/{position}", made.problem.question, parts, made.first_wrong, self.kind)

    def held_out(self, n: int) -> list[Problem]:
        """None: an evaluation asks for an answer to a problem, which this is not. `measure_verifier` on solutions of the test split measures a verifier."""
        return []


def to_judge(name: str, question: str, parts: Sequence[str], first_wrong: int | None, kind: str) -> Problem:
    """The problem of judging these paragraphs; `kind` of model: "lab", "reasoning" or "instruct"."""
    from thinkwell.lab.judged import verification

    (turn,) = verification(kind, question, parts)
    target = -1 if first_wrong is None else first_wrong
    return Problem(name, turn["content"], str(target), AnswerKind.INTEGER, meta={"parts": len(parts), "first_wrong": target})


@dataclass(frozen=True)
class GivenSolutions:
    """Given problems of judging, in a new order every epoch."""

    problems: tuple[Problem, ...]
    seed: int = 0

    def at(self, position: int) -> Problem:
        epoch, place = divmod(position, len(self.problems))
        order = list(range(len(self.problems)))
        random.Random(f"solutions/{self.seed}/{epoch}").shuffle(order)
        return self.problems[order[place]]

    def held_out(self, n: int) -> list[Problem]:
        """None, as in `Solutions`."""
        return []


def read_solutions(file: Path, kind: str, seed: int) -> GivenSolutions:
    """Solutions of a file, one JSON object a line: {"question", "steps": [...], "error": index from 0, or null}. Raises `DataError` with the line, or for an empty file."""
    problems = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            question, steps, error = row["question"], list(row["steps"]), row["error"]
        except (ValueError, KeyError, TypeError) as reason:
            raise DataError(
                f'line {number} of {file} is no solution ({reason!r}); expected {{"question": ..., "steps": [...], "error": index or null}}. Mend the line.'
            ) from None
        if not steps or not (error is None or (isinstance(error, int) and -1 <= error < len(steps))):
            raise DataError(
                f"line {number} of {file} has {len(steps)} steps and error {error!r}; expected the index of one of them, or null. Mend it."
            )
        problems.append(to_judge(f"{file.name}:{number}", question, steps, None if error in (None, -1) else error, kind))
    if not problems:
        raise DataError(f"{file} holds no solution; expected at least one. Look at the file.")
    return GivenSolutions(tuple(problems), seed)


@dataclass(frozen=True)
class Verify:
    """The rollout: `size` verifications without thinking of each of `prompts` solutions. A sample's meta has `predicted` (UNPARSED where nothing could be read) and `target`;
    its verdict is right where they agree."""

    kind: str
    size: int = 8
    prompts: int = 16

    async def collect(self, writer: Writer, draw: Draw) -> list[Sample]:
        return await verifications(writer, draw(self.prompts), self.size, self.kind)

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        pass


async def verifications(writer: Writer, problems: Sequence[Problem], size: int, kind: str, *, slow: bool = False) -> list[Sample]:
    """`size` verifications of each problem, graded. slow: the verifier thinks first (a model that marks its thinking)."""
    from thinkwell.lab.judged import finished

    opens = await prompt_opens(writer.engine, writer.preset)
    opening = "" if slow else at_once(writer.preset, opens, finished(kind))
    turns = [Turn(problem, ({"role": "user", "content": problem.question},), opening) for problem in problems]
    samples = await reply(writer, turns, size)
    return [judged(sample, kind, writer.preset.think_close if opening or opens else "") for sample in samples]


def judged(sample: Sample, kind: str, think_close: str) -> Sample:
    """The sample with what it says and the truth in its meta, and its verdict."""
    from thinkwell.lab.judged import read_error

    target = int(sample.problem.meta["first_wrong"])
    found = read_error(kind, sample.path.text, int(sample.problem.meta["parts"]), think_close)
    value = VerdictValue.NO_ANSWER if found is None else VerdictValue.CORRECT if found == target else VerdictValue.WRONG
    said = None if found is None else str(found)
    verdict = Verdict(value, said, Stage.EXTRACT, float(value is VerdictValue.CORRECT))
    return replace(sample, verdict=verdict).with_meta(predicted=UNPARSED if found is None else found, target=target)


@dataclass(frozen=True, slots=True)
class Located:
    """How well first wrong paragraphs are found. right: accuracy on solutions without one; wrong: share of the others whose first wrong paragraph is named exactly;
    f1: harmonic mean of both (ProcessBench's); flagged: share of the wrong ones in which some paragraph is named; tokens: mean of a verification."""

    right: float
    wrong: float
    f1: float
    flagged: float
    unread: float
    tokens: float
    n: int


def located(predicted: Tensor, target: Tensor, lengths: Tensor) -> Located:
    """Scores of verifications: predicted and target (N,) indices, -1 for none, UNPARSED (-2) for unread; lengths (N,) tokens.

    Raises `ConfigError` without both kinds of solution.
    """
    clean = target == -1
    if not bool(clean.any()) or bool(clean.all()):
        raise ConfigError("all solutions are of one kind; expected some with a wrong paragraph and some without. Judge more of them.")
    exact = (predicted == target).to(torch.float64)
    right, wrong = float(exact[clean].mean()), float(exact[~clean].mean())
    return Located(
        right,
        wrong,
        2 * right * wrong / (right + wrong) if right + wrong else 0.0,
        float((predicted[~clean] >= 0).to(torch.float64).mean()),
        float((predicted == UNPARSED).to(torch.float64).mean()),
        float(lengths.to(torch.float64).mean()),
        len(target),
    )


async def measure_verifier(
    engine: Engine,
    preset: Preset,
    problems: Sequence[Problem],
    *,
    n: int = 1,
    slow: bool = False,
    temperature: float = 0.6,
    max_tokens: int | None = None,
    seed: int = 0,
) -> Located:
    """`located` for n verifications of each problem by this engine, without thinking or with it."""
    writer = Writer(engine, preset, Sampling(temperature), max_tokens or preset.max_tokens, seed, "measure", 0)
    samples = await verifications(writer, problems, n, preset.kind, slow=slow)
    predicted, target = (torch.tensor([int(sample.meta[name]) for sample in samples]) for name in ("predicted", "target"))
    return located(predicted, target, torch.tensor([sample.length for sample in samples]))
