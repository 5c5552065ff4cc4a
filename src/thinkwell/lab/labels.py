"""Exact labels for any trace text: what each step claims, whether it is right, and whether the problem can still be solved.

The text is cut at blank lines; claims are read with regular expressions (no evaluation; length and digits are bounded, so hostile text
is only text). A reader walks along the plan: a claim is matched to the plan step it states, a trap's wrong reading, a tempting
distractor, or nothing. The values *stated* so far, right or wrong, decide what goes on: `solvable` means that doing the rest of
the plan correctly from those values ends in the gold answer. A correction goes back to the step it corrects.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import cast

from . import templates as T
from .world import LabProblem, Op, Operand, Ref, Step, apply

STEP_END = "\n\n"
MAX_CHARS = 20_000
"""Text beyond this is not read."""
MAX_CLAIMS = 64
"""Claims of one step beyond this are not read."""

_EXPRESSION = re.compile(r"(?<![\d.])(\d{1,6}) ?([-+*/]) ?(\d{1,6}) ?= ?(\d{1,6})(?!\d)", re.ASCII)
_NUMBER = re.compile(r"(?<!\d)\d{1,6}(?!\d)", re.ASCII)
_BOXED = re.compile(r"\\boxed\{ ?(\d{1,6}) ?\}", re.ASCII)
_REFLECTION = re.compile(r"\s*(?:" + "|".join(T.REFLECTION_OPENERS) + r")\b")


@dataclass(frozen=True)
class Statement:
    """A claim read from text: `left op right = value`; for op "=" only the value was stated."""

    op: Op
    left: int
    right: int
    value: int

    @property
    def exact(self) -> bool | None:
        """Is the result what `left op right` gives, whatever the problem says? None where nothing was calculated."""
        return None if self.op == "=" else self.value == apply(self.op, self.left, self.right)


@dataclass(frozen=True)
class StepLabel:
    """What is known of one step of a trace."""

    text: str
    """The step with the blank line that ends it, if it is there; all labels' texts joined are the trace."""
    statement: Statement | None
    """The last claim of the step, if it has one."""
    plan: int | None
    """Index of the plan step it states (rightly or wrongly); None for text, for a distractor added in, and for anything unknown."""
    right: bool | None
    """Is every claim right given the problem? None where there is no claim."""
    reflection: bool
    """Does it look back on earlier steps (starts with "Wait", "Hmm", ...)?"""
    changes: bool
    """Does it change the values stated so far? True for a step that states something new, for a reflection only if it corrects."""
    solvable: bool
    """After this step: does doing the rest correctly reach the gold answer? After `</think>`: is the answer stated the gold one?"""


def label(problem: LabProblem, trace: str) -> list[StepLabel]:
    """A label for each step of `trace` (text after `<think>`, whole or cut anywhere)."""
    reader = _Reader(problem)
    return [reader.read(step) for step in split_steps(trace[:MAX_CHARS])]


def split_steps(trace: str) -> list[str]:
    """The steps of a trace, each with its closing blank line; joined again they are the trace."""
    parts = trace.split(STEP_END)
    steps = [part + STEP_END for part in parts[:-1]] + [parts[-1]]
    return [step for step in steps if step]


def first_wrong_step(problem: LabProblem, trace: str) -> int | None:
    """Index of the first step with a wrong claim, or None. Corrected ones count: the step itself was wrong."""
    return next((i for i, step in enumerate(label(problem, trace)) if step.right is False), None)


def solvable(problem: LabProblem, prefix: str) -> bool:
    """Does doing the rest of the plan correctly, from the values that the prefix states, reach the gold answer?"""
    labels = label(problem, prefix)
    return labels[-1].solvable if labels else True


def optimal_length(problem: LabProblem, prefix: str = "") -> int:
    """Number of steps that the shortest right continuation of `prefix` still needs (before `</think>`)."""
    reader = _Reader(problem)
    for step in split_steps(prefix[:MAX_CHARS]):
        reader.read(step)
    return len(problem.plan) - reader.next


def boxed(text: str) -> int | None:
    """The last boxed integer after the thinking, or None."""
    found = _BOXED.findall(text.rpartition("</think>")[2]) if "</think>" in text else []
    return int(found[-1]) if found else None


def is_reflection(step: str) -> bool:
    """Does this step look back?"""
    return _REFLECTION.match(step) is not None


def statements(step: str) -> list[Statement]:
    """All claims of a step, in order; a bare number counts only where there is no expression."""
    found = [Statement(cast(Op, op), int(a), int(b), int(c)) for a, op, b, c in _EXPRESSION.findall(step)[:MAX_CLAIMS]]
    if found:
        return found
    numbers = _NUMBER.findall(step)
    return [Statement("=", 0, int(numbers[-1]), int(numbers[-1]))] if numbers else []


class _Reader:
    """Walks a trace along the plan and keeps the values stated."""

    def __init__(self, problem: LabProblem) -> None:
        self.problem = problem
        self.values: dict[int, int] = {}
        """Plan step -> value the trace states for it."""
        self.intrusions: dict[int, int] = {}
        """Main step -> running value after a claim that the plan does not have (a distractor added in, say)."""
        self.next = 0
        """First plan step that the trace has not come to."""
        self.closed = False
        self.answer: int | None = None

    def read(self, step: str) -> StepLabel:
        before = (dict(self.values), dict(self.intrusions))
        reflection = is_reflection(step) and not self.closed
        corrects = any(word in step for word in T.CORRECTION_WORDS)
        statement, plan, right = None, None, None
        if self.closed or "</think>" in step:
            self.closed = True
            if (found := _BOXED.findall(step)) and (number := int(found[-1])) is not None:
                self.answer = number
                statement, right = Statement("=", 0, number, number), number == self.problem.answer
        elif reflection and not _EXPRESSION.search(step) and not corrects:
            pass  # musing: a bare number in it claims nothing
        else:
            for statement in statements(step):
                plan, ok = self._reflect(statement, corrects) if reflection else self._go_on(statement)
                if ok is not None:
                    right = ok if right is None else right and ok
        return StepLabel(step, statement, plan, right, reflection, (self.values, self.intrusions) != before, self._solvable())

    def _resolve(self, operand: Operand) -> int:
        """Value of an operand from what was stated, doing correctly what was left out."""
        if not isinstance(operand, Ref):
            return operand
        index = operand.step
        if index in self.intrusions:
            return self.intrusions[index]
        return self.values[index] if index in self.values else self._result(self.problem.plan[index])

    def _result(self, step: Step) -> int:
        return apply(step.op, self._resolve(step.left), self._resolve(step.right))

    def _running(self) -> int | None:
        """The running value as stated, None before the first one."""
        stated = [i for i in self.values if self.problem.plan[i].main]
        last = max(stated, default=None)
        return None if last is None else self.intrusions.get(last, self.values[last])

    def _solvable(self) -> bool:
        if self.answer is not None:
            return self.answer == self.problem.answer
        last = len(self.problem.plan) - 1
        if self.closed:
            return last in self.values and self._running() == self.problem.answer
        return self._resolve(Ref(last)) == self.problem.answer

    def _states(self, said: Statement, op: Op, left: Operand, right: Operand) -> bool:
        """Is this the operation with these operands (in either order where order does not matter)?"""
        if said.op != op:
            return False
        if op == "=":
            return said.right == self._resolve(right)
        pair = (self._resolve(left), self._resolve(right))
        return (said.left, said.right) == pair or (op in "+*" and (said.right, said.left) == pair)

    def _set(self, index: int, value: int) -> None:
        """State plan step `index`; what was stated after it no longer stands."""
        self.values = {i: v for i, v in self.values.items() if i < index}
        self.intrusions = {i: v for i, v in self.intrusions.items() if i < index}
        self.values[index] = value
        self.next = index + 1

    def _right(self, index: int, said: Statement) -> bool:
        return said.value == self.problem.plan[index].value == apply(said.op, said.left, said.right)

    def _go_on(self, said: Statement) -> tuple[int | None, bool | None]:
        """A claim of an ordinary step: (plan step, right?)."""
        plan, here = self.problem.plan, self.next
        if here < len(plan):
            step = plan[here]
            if self._states(said, step.op, step.left, step.right):
                self._set(here, said.value)
                return here, self._right(here, said)
            wrong = step.misread
            if wrong and self._states(said, wrong.op, wrong.left, wrong.right):
                self._set(here, said.value)
                return here, False
        if said.op == "=" and said.value == self._running():
            return None, None  # says again what was said
        if said.op == "+" and any(said.right == d.number for d in self.problem.distractors) and said.left == self._running():
            return self._intrude(said)
        for index in [*range(here + 1, len(plan)), *reversed(range(min(here, len(plan))))]:
            if plan[index].op != "=" and self._states(said, plan[index].op, plan[index].left, plan[index].right):
                if index >= here or said.value != self.values.get(index):
                    self._set_skipping(index, said.value)
                return index, self._right(index, said)
        if here < len(plan) and (said.op == plan[here].op or said.op == "="):
            self._set(here, said.value)  # the step that was due, with wrong numbers
            return here, said.op == "=" and said.value == plan[here].value
        return self._intrude(said)

    def _set_skipping(self, index: int, value: int) -> None:
        """State plan step `index` though steps before it may have been left out; these are taken as done correctly."""
        for i in range(self.next, index):
            self.values[i] = self._result(self.problem.plan[i])
        self._set(index, value)

    def _intrude(self, said: Statement) -> tuple[int | None, bool]:
        """A claim the plan does not have: the running value becomes what it says."""
        if self.next:
            self.intrusions[self.problem.running[self.next - 1]] = said.value
        return None, False

    def _reflect(self, said: Statement, corrects: bool) -> tuple[int | None, bool | None]:
        """A claim of a reflection: the same again, or a correction of the latest step that it can belong to."""
        plan = self.problem.plan
        for index in reversed(range(min(self.next, len(plan)))):
            step, wrong = plan[index], plan[index].misread
            states = self._states(said, step.op, step.left, step.right)
            repeats = wrong is not None and self._states(said, wrong.op, wrong.left, wrong.right)
            if not states and not repeats:
                continue
            if said.value != self.values.get(index) or (corrects and index in self.intrusions):
                self._set(index, said.value)
            return index, states and self._right(index, said)
        if said.op == "=":
            return self._take_back(said)
        if self.next < len(plan) and self._states(said, plan[self.next].op, plan[self.next].left, plan[self.next].right):
            index = self.next
            self._set(index, said.value)
            return index, self._right(index, said)
        if any(said.op == "+" and said.right == d.number for d in self.problem.distractors):
            return None, False  # checks a distractor that was added in
        return None, None if said.value == apply(said.op, said.left, said.right) else False

    def _take_back(self, said: Statement) -> tuple[int | None, bool | None]:
        """A correction that names a bare value for the running value."""
        if not self.next:
            return None, None
        index = self.problem.running[self.next - 1]
        self.intrusions.pop(index, None)
        self.values[index] = said.value
        return index, said.value == self.problem.plan[index].value
