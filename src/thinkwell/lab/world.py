"""The lab's world: multi-step arithmetic word problems in plain English, with every intermediate value known.

`generate(seed, level, split)` is a pure function. A problem is a chain of moves on one running value (0..999); some moves need a
side calculation (boxes, wages). Two kinds of traps make readers err in the same way again and again: a *tricky phrase* ("all but 7")
has a wrong reading next to the right one, and a *tempting distractor* ("Ben has 9 pears.") is a number that does not belong in.
Train and test are disjoint by construction: a hash of the problem's canonical form (its numbers and operations) decides the split.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from . import templates as T

Op = Literal["=", "+", "-", "*", "/"]
Split = Literal["train", "test"]

LEVELS = range(1, 11)
LARGEST = 999
"""No gold value is above this."""
TEST_BYTES = 26
"""A problem is in the test split when the first byte of its canonical form's hash is below this: about one in ten."""
DEFAULT_MIX: dict[int, float] = {3: 0.15, 4: 0.20, 5: 0.25, 6: 0.20, 7: 0.15, 8: 0.05}
"""Weights of the levels in the default test mix."""

_LIMIT = (99, 99, 99, 149, 199, 249, 299, 399, 599, LARGEST)
"""Largest value in a problem, by level."""


@dataclass(frozen=True)
class Ref:
    """The value of an earlier step of the plan."""

    step: int


Operand = int | Ref


@dataclass(frozen=True)
class Claim:
    """What one step states: `left op right`; for op "=" only `right` counts (a value read off the text)."""

    op: Op
    left: Operand
    right: Operand
    value: int
    say: str
    """Sentence of a trace, with `{x}` where the claim goes."""


@dataclass(frozen=True)
class Step(Claim):
    """One step of the plan with its gold value. `main` steps move the running value, the others are side calculations."""

    main: bool
    trap: str | None = None
    """Name of the tricky phrase behind this step."""
    misread: Claim | None = None
    """The claim of a reader who falls into the trap; its value is the wrong one."""


@dataclass(frozen=True)
class Distractor:
    """A number in the text that plays no part. A tempting one may be added in by a careless reader after plan step `after`."""

    after: int
    number: int
    tempting: bool
    say: str = ""
    """Trace sentence of a reader who adds it in."""
    deny: str = ""
    """Trace sentence of a reader who notices."""


@dataclass(frozen=True)
class LabProblem:
    """A word problem with its plan (the exact solution, step by step) and its gold answer."""

    id: str
    level: int
    split: Split
    question: str
    plan: tuple[Step, ...]
    distractors: tuple[Distractor, ...]
    answer: int
    name: str
    items: str

    @property
    def traps(self) -> tuple[str, ...]:
        """Kinds of traps in this problem ("distractor" for a tempting distractor)."""
        return tuple(s.trap for s in self.plan if s.trap) + tuple("distractor" for d in self.distractors if d.tempting)

    @cached_property
    def running(self) -> tuple[int, ...]:
        """For each plan step, the index of the last main step up to and including it."""
        out, last = [], 0
        for i, step in enumerate(self.plan):
            last = i if step.main else last
            out.append(last)
        return tuple(out)


def apply(op: Op, left: int, right: int) -> int:
    """The value of `left op right`; never negative, division rounds down (traces with mistakes meet both)."""
    if op == "+":
        return left + right
    if op == "-":
        return max(0, left - right)
    if op == "*":
        return left * right
    if op == "/":
        return left // right if right else 0
    return right


def generate(seed: int, level: int, split: Split = "test") -> LabProblem:
    """The problem of this seed, level (1..10) and split."""
    if level not in LEVELS:
        raise ValueError(f"level {level} does not exist; expected 1 to 10")
    if split not in ("train", "test"):
        raise ValueError(f"split {split!r} does not exist; expected 'train' or 'test'")
    rng = random.Random(f"{seed}/{level}/{split}")
    while True:
        story = _Story(rng, level)
        story.write()
        if split_of(story.canonical()) == split:
            return story.problem(f"{split}-{level}-{seed}", split)


def default_mix(n: int, seed: int = 0) -> list[LabProblem]:
    """`n` test problems with levels drawn by `DEFAULT_MIX`."""
    rng = random.Random(f"mix/{seed}")
    levels = rng.choices(list(DEFAULT_MIX), weights=list(DEFAULT_MIX.values()), k=n)
    return [generate(seed * 1_000_003 + i, level, "test") for i, level in enumerate(levels)]


def split_of(canonical: str) -> Split:
    """The split a canonical form belongs to."""
    first = hashlib.blake2b(canonical.encode(), digest_size=8).digest()[0]
    return "test" if first < TEST_BYTES else "train"


def canonical(plan: tuple[Step, ...], distractors: tuple[Distractor, ...]) -> str:
    """Numbers, operations and traps of a problem; names and wordings do not count."""

    def show(x: Operand) -> str:
        return f"#{x.step}" if isinstance(x, Ref) else str(x)

    steps = [f"{show(s.left)}{s.op}{show(s.right)}{'!' + s.trap if s.trap else ''}" for s in plan]
    extra = [f"{'!' if d.tempting else '?'}{d.number}@{d.after}" for d in distractors]
    return "|".join(steps + extra)


# One move of a story: its numbers, then its steps as (op, left, right, misread), where "v" is the running value and "s" the step before.
_Symbol = int | str
_Misread = tuple[Op, _Symbol, _Symbol] | None
_Move = tuple[int, int, list[tuple[Op, _Symbol, _Symbol, _Misread]]]


@dataclass(frozen=True)
class _Sizes:
    rng: random.Random
    level: int

    def addend(self) -> int:
        return self.rng.randint(2, 9 + 4 * self.level)

    def factor(self) -> int:
        return self.rng.randint(2, min(9, 4 + self.level))


def _gain(v: int, z: _Sizes) -> _Move | None:
    b = z.addend()
    return 0, b, [("+", "v", b, None)]


def _lose(v: int, z: _Sizes) -> _Move | None:
    b = min(z.addend(), v)
    return (0, b, [("-", "v", b, None)]) if b > 1 else None


def _times(k: int) -> Callable[[int, _Sizes], _Move | None]:
    return lambda v, z: (0, k, [("*", "v", k, None)]) if v else None


def _halve(v: int, z: _Sizes) -> _Move | None:
    return (0, 2, [("/", "v", 2, None)]) if v > 2 and v % 2 == 0 else None


def _share(v: int, z: _Sizes) -> _Move | None:
    k = z.rng.choice((3, 4, 5))
    return (0, k, [("/", "v", k, None)]) if v > k and v % k == 0 else None


def _boxes(op: Op) -> Callable[[int, _Sizes], _Move | None]:
    def move(v: int, z: _Sizes) -> _Move | None:
        a, b = z.factor(), z.factor()
        return (a, b, [("*", a, b, None), (op, "v", "s", None)]) if op == "+" or a * b <= v else None

    return move


def _every_second(v: int, z: _Sizes) -> _Move | None:
    a, b = z.factor(), 2 * z.rng.randint(2, 8)
    return a, b, [("/", b, 2, ("=", 0, b)), ("*", "s", a, None), ("+", "v", "s", None)]


def _reverse(gold: Op, wrong: Op) -> Callable[[int, _Sizes], _Move | None]:
    def move(v: int, z: _Sizes) -> _Move | None:
        b = min(z.addend(), v - 1)
        return (0, b, [(gold, "v", b, (wrong, "v", b))]) if b > 1 else None

    return move


def _reverse_twice(gold: Op, wrong: Op) -> Callable[[int, _Sizes], _Move | None]:
    return lambda v, z: (0, 2, [(gold, "v", 2, (wrong, "v", 2))]) if v > 2 and v % 2 == 0 else None


def _all_but(v: int, z: _Sizes) -> _Move | None:
    b = z.rng.randint(2, max(2, min(v - 1, 30)))
    return (0, b, [("=", 0, b, ("-", "v", b))]) if b < v != 2 * b else None


def _half_again(v: int, z: _Sizes) -> _Move | None:
    return (0, 2, [("/", "v", 2, None), ("+", "v", "s", ("=", 0, "s"))]) if v > 2 and v % 2 == 0 else None


def _in_all(v: int, z: _Sizes) -> _Move | None:
    a, b = z.factor(), z.factor()
    return a, a * b, [("=", 0, a * b, ("*", a, a * b)), ("+", "v", "s", None)]


_PLAIN: dict[str, tuple[float, Callable[[int, _Sizes], _Move | None]]] = {
    "gain": (3, _gain),
    "lose": (3, _lose),
    "double": (0.8, _times(2)),
    "triple": (0.5, _times(3)),
    "halve": (1.2, _halve),
    "share": (0.8, _share),
    "boxes_gain": (1, _boxes("+")),
    "boxes_lose": (1, _boxes("-")),
    "rate_gain": (1, _boxes("+")),
    "more": (0.8, _gain),
    "fewer": (0.8, _lose),
    "times": (0.4, _times(2)),
}
_TRICKY: dict[str, Callable[[int, _Sizes], _Move | None]] = {
    "every_second": _every_second,
    "per_pair": _every_second,
    "reverse_more": _reverse("-", "+"),
    "reverse_fewer": _reverse("+", "-"),
    "reverse_twice": _reverse_twice("/", "*"),
    "reverse_half": _reverse_twice("*", "/"),
    "all_but": _all_but,
    "half_again": _half_again,
    "in_all": _in_all,
}
_SWITCHES = {"more", "fewer", "times", "reverse_more", "reverse_fewer", "reverse_twice", "reverse_half"}
"""Moves after which the story goes on with the other person."""
TRAPS = (*_TRICKY, "distractor")


class _Story:
    """Builds one problem move by move."""

    def __init__(self, rng: random.Random, level: int) -> None:
        self.rng, self.level, self.sizes = rng, level, _Sizes(rng, level)
        self.names = rng.sample(T.GIRLS + T.BOYS, 12)
        self.name = self.names.pop()
        self.items = rng.choice(T.ITEMS)
        self.text: list[str] = []
        self.plan: list[Step] = []
        self.distractors: list[Distractor] = []
        self.last_main = 0

    def write(self) -> None:
        rng, level = self.rng, self.level
        traps = int(rng.random() < 0.215 + 0.025 * level) + int(level > 5 and rng.random() < 0.08)
        kinds = [("distractor" if rng.random() < 0.25 else "tricky") for _ in range(traps)]
        harmless = int(level > 2 and rng.random() < 0.3) + int(level > 5 and rng.random() < 0.3)
        tricky = kinds.count("tricky")
        extras = ["tempting"] * kinds.count("distractor") + ["harmless"] * harmless
        if tricky and rng.random() < 0.12:
            self.items = "coins"
        start = rng.randint(3, 12 + 4 * level)
        self._append(("=", 0, start, None), T.START_TRACE[0], None, self._fill(b=start), main=True)
        self.text.append(rng.choice(T.START).format(N=self.name, b=start, items=self.items))
        steps = level + 1
        while (left := steps + 1 - len(self.plan)) > 0:
            if extras and rng.random() < 0.4:
                self._distract(extras.pop())
            due = tricky > 0 and (left <= 3 or rng.random() < 2.5 * tricky / left)
            if due and self._move(list(_TRICKY), [1.0] * len(_TRICKY), left):
                tricky -= 1
            else:
                self._move(list(_PLAIN), [w for w, _ in _PLAIN.values()], left)
        for kind in extras:
            self._distract(kind)
        self.text.append(rng.choice(T.ASK).format(N=self.name, items=self.items))

    def canonical(self) -> str:
        return canonical(tuple(self.plan), tuple(self.distractors))

    def problem(self, id: str, split: Split) -> LabProblem:
        return LabProblem(
            id=id,
            level=self.level,
            split=split,
            question=" ".join(self.text),
            plan=tuple(self.plan),
            distractors=tuple(self.distractors),
            answer=self.plan[-1].value,
            name=self.name,
            items=self.items,
        )

    def _fill(self, **more: object) -> dict[str, object]:
        return {"N": self.name, "P": "She" if self.name in T.GIRLS else "He", "items": self.items, "x": "{x}", **more}

    def _move(self, names: list[str], weights: list[float], room: int) -> bool:
        """Append one feasible move of at most `room` steps; False when none was found."""
        rng = self.rng
        for _ in range(12):
            (name,) = rng.choices(names, weights)
            if name == "per_pair" and self.items != "coins":
                continue
            maker = _TRICKY[name] if name in _TRICKY else _PLAIN[name][1]
            move = maker(self.plan[self.last_main].value, self.sizes)
            if move and len(move[2]) <= room and self._fits(move[2]):
                self._tell(name, move)
                return True
        return False

    def _fits(self, steps: list[tuple[Op, _Symbol, _Symbol, _Misread]]) -> bool:
        """Do all values stay in range, right and misread ones?"""
        v, s, limit = self.plan[self.last_main].value, 0, _LIMIT[self.level - 1]
        at: dict[_Symbol, int] = {"v": v}
        for op, left, right, misread in steps:
            at["s"] = s
            s = apply(op, at.get(left, 0) if isinstance(left, str) else left, at[right] if isinstance(right, str) else right)
            if misread:
                wrong = apply(
                    misread[0], v if misread[1] == "v" else int(misread[1]), at[misread[2]] if isinstance(misread[2], str) else misread[2]
                )
                if wrong == s or wrong > LARGEST:
                    return False
            if s > limit:
                return False
        return s > 0

    def _tell(self, name: str, move: _Move) -> None:
        """Write the move into the question and the plan."""
        rng, (a, b, steps) = self.rng, move
        other = rng.choice(self.names)
        fill = self._fill(M=other, a=a, b=b)
        sentence = rng.choice(T.QUESTION[name])
        lead = rng.choice(T.CONNECTIVES) if sentence.startswith(("{N}", "{M}")) else ""
        subject = fill["P"] if rng.random() < 0.4 and sentence.startswith("{N}") and name not in _SWITCHES else self.name
        if lead and subject == fill["P"]:
            subject = str(subject).lower()
        self.text.append(lead + sentence.format(**{**fill, "N": subject}))
        if rng.random() < 0.5:
            fill["N"] = fill["P"]
        for i, step in enumerate(steps):
            self._append(step, T.TRACE[name][i], name if step[3] else None, fill, main=i == len(steps) - 1)
        if name in _SWITCHES:
            self.names.remove(other)
            self.name = other

    def _append(
        self, step: tuple[Op, _Symbol, _Symbol, _Misread], says: tuple[str, ...], trap: str | None, fill: dict[str, object], *, main: bool
    ) -> None:
        op, left, right, misread = step
        claim = self._claim(op, left, right, self.rng.choice(says), fill)
        wrong = self._claim(*misread, self.rng.choice(T.MISREAD[trap]), fill) if misread and trap else None
        self.plan.append(Step(claim.op, claim.left, claim.right, claim.value, claim.say, main, trap, wrong))
        if main:
            self.last_main = len(self.plan) - 1

    def _claim(self, op: Op, left: _Symbol, right: _Symbol, say: str, fill: dict[str, object]) -> Claim:
        def operand(x: _Symbol) -> Operand:
            if isinstance(x, int):
                return x
            return Ref(self.last_main if x == "v" else len(self.plan) - 1)

        def number(x: Operand) -> int:
            return self.plan[x.step].value if isinstance(x, Ref) else x

        lo, ro = operand(left), operand(right)
        sentence = say.format(**fill)
        if sentence.startswith(("she ", "he ")):
            sentence = sentence.capitalize()
        elif not say.startswith("{N}"):
            sentence = sentence.replace(" She ", " she ").replace(" He ", " he ")
        return Claim(op, lo, ro, apply(op, number(lo), number(ro)), sentence)

    def _distract(self, kind: str) -> None:
        rng, other = self.rng, self.names.pop()
        number = rng.randint(3, 9 + 4 * self.level)
        fill = self._fill(M=other, b=number)
        if kind == "tempting":
            self.text.append(rng.choice(T.TEMPTING).format(**fill))
            say, deny = rng.choice(T.TEMPTED_TRACE).format(**fill), rng.choice(T.NOT_TEMPTED_TRACE).format(**fill)
            self.distractors.append(Distractor(len(self.plan) - 1, number, True, say, deny))
        else:
            self.text.append(rng.choice(T.HARMLESS).format(**fill))
            self.distractors.append(Distractor(len(self.plan) - 1, number, False))
