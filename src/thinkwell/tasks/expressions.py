"""Arithmetic expressions as a model writes them, evaluated exactly over fractions: for puzzles whose answer is an expression of given numbers.

Whole numbers, + - * / and brackets; no unary minus, no powers, no joining of digits. Two stacks instead of recursion, so depth costs no stack; limits on length, depth and
count make the time bounded for any text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from thinkwell.tasks.reading import Refused, shown

LONGEST = 2_000  # characters
DEEPEST = 100  # brackets
MOST_NUMBERS = 100
_SPELLINGS = {  # a blank for what is layout, lest the digits on both sides of it be joined
    "\\times": "*",
    "\\cdot": "*",
    "\\div": "/",
    "\\left": " ",
    "\\right": " ",
    "×": "*",
    "·": "*",
    "÷": "/",
    "−": "-",
    "–": "-",
    "$": " ",
}
_TOKEN = re.compile(r"[0-9]+|[-+*/()]|\s+|.", re.ASCII | re.DOTALL)
_BINDS = {"+": 1, "-": 1, "*": 2, "/": 2}


Step = tuple[Fraction, str, Fraction, Fraction]  # left, operator, right, result


@dataclass(frozen=True, slots=True)
class Evaluated:
    """numbers: as written, in order. steps: the operations, in the order they are worked out."""

    value: Fraction
    numbers: tuple[int, ...]
    steps: tuple[Step, ...]


def evaluate(text: str) -> Evaluated:
    """The value of an expression, with what led to it. "= number" at the end is allowed if it is true. Raises `Refused`, saying what is wrong."""
    if len(text) > LONGEST:
        raise Refused(f"the expression has {len(text)} characters; at most {LONGEST} are read")
    for spelling, plain in _SPELLINGS.items():
        text = text.replace(spelling, plain)
    expression, equals, stated = text.partition("=")
    found = _Stacks().run(expression)
    if equals:
        claim = stated.strip()
        if not re.fullmatch(r"[0-9]{1,18}", claim, re.ASCII):
            raise Refused(f"{shown(claim)} after the equals sign is no whole number")
        if int(claim) != found.value:
            raise Refused(f"the answer says that the expression is {claim}, but it is {found.value}")
    return found


def check_numbers(found: Evaluated, given: Sequence[int]) -> None:
    """Raises `Refused` unless the expression uses just the given numbers, each as often as it is given."""
    used, wanted = Counter(found.numbers), Counter(given)
    if extra := used - wanted:
        raise Refused(f"{next(iter(extra))} is used more often than it is given")
    if missing := wanted - used:
        raise Refused(f"{next(iter(missing))} is not used as often as it is given")


def check_value(found: Evaluated, target: int) -> None:
    """Raises `Refused` unless the expression is the target, exactly."""
    if found.value != target:
        raise Refused(f"the expression is {found.value}, the target is {target}")


def check_as_published(answer: str, given: Sequence[int], target: int) -> None:
    """The rule of the original's verifiers of such puzzles: the given numbers, a value less than 0.0001 off, no equals sign. Raises `Refused`.

    They are an `eval` of the model's text, which takes more operators than their prompts name; those are refused here.
    """
    if "=" in answer:
        raise Refused("an equals sign cannot be evaluated")
    found = evaluate(answer)
    check_numbers(found, given)
    if abs(found.value - target) >= Fraction(1, 10_000):
        raise Refused(f"the expression is {found.value}, the target is {target}")


def worked_out(answer: str) -> str:
    """The form by which votes are grouped: the steps in order, so brackets that change nothing, and blanks, do not split them."""
    found = evaluate(answer)
    return " ".join(f"{left}{operator}{right}={result}" for left, operator, right, result in found.steps) or str(found.value)


class _Stacks:
    """Shunting-yard: values wait on one stack, operators and open brackets on the other."""

    def __init__(self) -> None:
        self.values: list[Fraction] = []
        self.operators: list[str] = []
        self.numbers: list[int] = []
        self.steps: list[Step] = []

    def run(self, text: str) -> Evaluated:
        wants_value, depth = True, 0
        for token in _tokens(text):
            if token.isdigit():
                if not wants_value:
                    raise Refused(f"there is no operator before {token}")
                self._push(token)
                wants_value = False
            elif token == "(":
                depth += 1
                if not wants_value:
                    raise Refused("there is no operator before an opening bracket")
                if depth > DEEPEST:
                    raise Refused(f"brackets are nested more than {DEEPEST} deep")
                self.operators.append(token)
            elif token == ")":
                depth -= 1
                if depth < 0:
                    raise Refused("a bracket is closed that was never opened")
                if wants_value:
                    raise Refused("a bracket closes where a number is expected")
                while self.operators[-1] != "(":
                    self._apply()
                self.operators.pop()
            else:
                if wants_value:
                    raise Refused(f"{token!r} stands where a number is expected")
                while self.operators and self.operators[-1] != "(" and _BINDS[self.operators[-1]] >= _BINDS[token]:
                    self._apply()
                self.operators.append(token)
                wants_value = True
        if depth:
            raise Refused("a bracket is not closed")
        if wants_value:
            raise Refused("the expression ends where a number is expected" if self.numbers else "there is no expression")
        while self.operators:
            self._apply()
        return Evaluated(self.values[0], tuple(self.numbers), tuple(self.steps))

    def _push(self, token: str) -> None:
        if len(token) > 12:
            raise Refused(f"the number {shown(token)} has more than 12 digits")
        if token[0] == "0" and len(token) > 1:
            raise Refused(f"the number {token} starts with 0")
        if len(self.numbers) == MOST_NUMBERS:
            raise Refused(f"more than {MOST_NUMBERS} numbers are used")
        self.numbers.append(int(token))
        self.values.append(Fraction(int(token)))

    def _apply(self) -> None:
        right, left, operator = self.values.pop(), self.values.pop(), self.operators.pop()
        if operator == "/" and not right:
            raise Refused(f"{left} is divided by 0")
        result = left + right if operator == "+" else left - right if operator == "-" else left * right if operator == "*" else left / right
        self.steps.append((left, operator, right, result))
        self.values.append(result)


def _tokens(text: str) -> Iterator[str]:
    for match in _TOKEN.finditer(text):
        token = match[0]
        if token.isspace():
            continue
        if not token.isascii() or not (token.isdigit() or token in _BINDS or token in "()"):
            raise Refused(f"{token!r} is not allowed in an expression; only whole numbers, + - * / and brackets are")
        yield token
