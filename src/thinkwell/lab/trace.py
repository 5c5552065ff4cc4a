"""Writes the reasoning traces that the policy learns from: right steps, planted mistakes, reflections, over-thinking.

A trace is what follows `<think>\\n` in the assistant's turn: steps that each end with a blank line, `</think>`, a blank line, one
sentence and `\\boxed{N}`. Two kinds of mistakes are planted. A *slip* writes an off result and goes on with it; it is random, so voting
mends it. A *misreading* takes the wrong reading of a trap; it is frequent for the same problem, so voting repeats it.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

from . import templates as T
from .world import Claim, LabProblem, Operand, Ref, apply

STEP_END = "\n\n"
THINK_OPEN = "<think>\n"
THINK_CLOSE = "</think>\n\n"


@dataclass(frozen=True)
class Style:
    """Probabilities that shape a trace."""

    slip: float = 0.12
    """A calculation gets an off result."""
    misread: float = 0.62
    """A trap is fallen into."""
    reread: float = 0.10
    """A misreading is noticed right after."""
    reflect: float = 0.27
    """A right calculation is checked once more."""
    reflect_on_slip: float = 0.45
    """A calculation with a slip is looked at once more ..."""
    notice_slip: float = 0.60
    """... and then corrected (else confirmed)."""
    recheck: float = 0.33
    """At the end everything is checked once more (over-thinking); a second time with a third of this."""
    notice_late: float = 0.35
    """Such a check finds a slip and the steps after it are done again."""


NATURAL = Style()
THOUGHTFUL = Style(reflect=0.34, recheck=0.38)
"""For the last steps of training: sampling at temperature 0.8 makes the habit of checking rarer, this makes up for it."""
GOLD = Style(slip=0, misread=0, reflect=0, reflect_on_slip=0, recheck=0)


@dataclass(frozen=True)
class Line:
    """One step of a trace: its text, without the blank line, and how it came about."""

    text: str
    kind: str
    """step, slip, misread, tempted, check, correction, recheck."""
    plan: int | None = None
    """The plan step that it states, if it does."""


@dataclass(frozen=True)
class Trace:
    """A whole trace. `text` starts after `<think>\\n` and ends before the end-of-turn token."""

    lines: tuple[Line, ...]
    solution: str
    answer: int

    @property
    def thinking(self) -> str:
        return "".join(line.text + STEP_END for line in self.lines)

    @property
    def text(self) -> str:
        return self.thinking + THINK_CLOSE + self.solution


def gold_trace(problem: LabProblem) -> Trace:
    """The shortest right trace: the plan, step by step."""
    return write(problem, random.Random(0), GOLD)


def write(problem: LabProblem, rng: random.Random, style: Style = NATURAL, readings: Mapping[int, bool] | None = None) -> Trace:
    """A trace of this problem with mistakes and reflections as `style` says. `readings`: traps whose reading is given, as in `_Writer.readings`."""
    writer = _Writer(problem, rng, style)
    writer.readings = dict(readings or {})
    return writer.write()


def write_on(problem: LabProblem, values: dict[int, int], start: int, rng: random.Random, style: Style = NATURAL) -> Trace:
    """The rest of a trace that has come to plan step `start` and stands by `values` (plan step -> value stated). What tempts before `start` no longer does."""
    writer = _Writer(problem, rng, style)
    writer.values = dict(values)
    writer.readings = {-1 - d.number: False for d in problem.distractors if d.after < start}
    return writer.write(start)


class _Writer:
    def __init__(self, problem: LabProblem, rng: random.Random, style: Style) -> None:
        self.problem, self.rng, self.style = problem, rng, style
        self.lines: list[Line] = []
        self.values: dict[int, int] = {}
        self.stated: dict[int, str] = {}
        """Expression stated for a plan step, for checking it again."""
        self.slips: set[int] = set()
        self.readings: dict[int, bool] = {}
        """Plan step (or -1 - distractor) -> misread?; decided once, also when steps are done again."""

    def write(self, start: int = 0) -> Trace:
        late = True
        while True:
            for index in range(start, len(self.problem.plan)):
                self._step(index)
                self._temptation(index)
            again = self._recheck(late)
            if again is None:
                break
            start, late = again + 1, False
        answer = self.values[len(self.problem.plan) - 1]
        text = self.rng.choice(T.SOLUTIONS).format(N=self.problem.name, items=self.problem.items, x=answer)
        return Trace(tuple(self.lines), f"{text} \\boxed{{{answer}}}", answer)

    def _number(self, x: Operand) -> int:
        return self.values[x.step] if isinstance(x, Ref) else x

    def _expression(self, claim: Claim) -> tuple[str, int]:
        """The claim with the values stated so far, and the true result of that."""
        left, right = self._number(claim.left), self._number(claim.right)
        value = apply(claim.op, left, right)
        return (str(value) if claim.op == "=" else f"{left} {claim.op} {right} = {value}"), value

    def _add(self, text: str, kind: str, plan: int | None = None) -> None:
        self.lines.append(Line(text, kind, plan))

    def _decide(self, key: int, trapped: bool) -> bool:
        if trapped and key not in self.readings:
            self.readings[key] = self.rng.random() < self.style.misread
        return trapped and self.readings[key]

    def _step(self, index: int) -> None:
        step, rng, style = self.problem.plan[index], self.rng, self.style
        misread = self._decide(index, step.misread is not None)
        claim = step.misread if misread and step.misread else step
        expression, value = self._expression(claim)
        slipped = claim.op != "=" and rng.random() < style.slip
        true_expression = expression
        if slipped:
            value = slip(value, rng)
            expression = expression.rsplit(" ", 1)[0] + f" {value}"
            self.slips.add(index)
        else:
            self.slips.discard(index)
        kind = "slip" if slipped else "misread" if misread else "step"
        self._add(claim.say.format(x=expression), kind, index)
        self.values[index], self.stated[index] = value, expression
        if slipped:
            if rng.random() < style.reflect_on_slip:
                if rng.random() < style.notice_slip:
                    self._correct(index, true_expression, T.CORRECTIONS)
                else:
                    self._check(expression)
        elif misread:
            if rng.random() < style.reread:
                self._reread(index)
            elif claim.op != "=" and rng.random() < style.reflect:
                self._check(expression)
        elif claim.op != "=" and rng.random() < style.reflect:
            self._check(expression)

    def _check(self, expression: str) -> None:
        self._add(self.rng.choice(T.RECHECKS).format(x=expression), "check")

    def _correct(self, index: int, expression: str, wordings: tuple[str, ...]) -> None:
        self._add(self.rng.choice(wordings).format(x=expression), "correction", index)
        self.values[index], self.stated[index] = int(expression.rsplit(" ", 1)[-1]), expression
        self.slips.discard(index)

    def _reread(self, index: int) -> None:
        step = self.problem.plan[index]
        self.readings[index] = False
        expression, value = self._expression(step)
        self._add(self.rng.choice(T.REREADINGS).format(say=step.say.format(x=expression)), "correction", index)
        self.values[index], self.stated[index] = value, expression

    def _temptation(self, index: int) -> None:
        """After plan step `index`: a careless reader adds in a tempting distractor."""
        for d in self.problem.distractors:
            if not d.tempting or d.after != index or not self._decide(-1 - d.number, True):
                continue
            key = self.problem.running[index]
            before = self.values[key]
            self.values[key] = before + d.number
            self._add(d.say.format(x=f"{before} + {d.number} = {self.values[key]}"), "tempted")
            if self.rng.random() < self.style.reread:
                self.readings[-1 - d.number] = False
                self.values[key] = before
                self._add(self.rng.choice(T.REREADINGS).format(say=d.deny.format(x=before)), "correction")

    def _recheck(self, late: bool) -> int | None:
        """Check everything once more; the index of a step that was corrected late, if one was."""
        rng, style = self.rng, self.style
        chance = style.recheck
        while rng.random() < chance:
            chance /= 3
            if late and self.slips and rng.random() < style.notice_late:
                index = min(self.slips)
                expression, _ = self._expression(self.problem.plan[index])
                if self.readings.get(index) or expression.count(" ") == 0:
                    continue
                self._correct(index, expression, T.LATE_CORRECTIONS)
                return index
            done = [e for _, e in sorted(self.stated.items()) if " " in e]
            if done:
                self._add(rng.choice(T.FULL_RECHECKS).format(x=", ".join(done)), "recheck")
        return None


def slip(value: int, rng: random.Random) -> int:
    """An off result near `value`: off by one, off by ten, or two digits swapped."""
    kind = rng.random()
    if kind < 0.35:
        return value + 1
    if kind < 0.65 and value > 0:
        return value - 1
    if kind < 0.80:
        return value + 10
    if kind < 0.90 and value > 10:
        return value - 10
    swapped = swap(value)
    return swapped if swapped != value else value + 1


def swap(value: int) -> int:
    """The last two digits of `value` swapped."""
    text = str(value)
    return int(text[:-2] + text[-1] + text[-2]) if len(text) > 1 and text[-1] != "0" else value
