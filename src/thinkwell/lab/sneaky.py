"""The positions of SPC's game with exact truth: a right step of a begun solution, how it can be rewritten into a wrong one, and whether a rewritten step is an attack.

The sneaky generator's turn shows the steps so far, numbered as for the critic, and asks for the last one with a mistake:

    <question>\\n\\nStep 1: Ann starts with 5 apples.\\n\\nStep 2: Ann gets 3 more: 5 + 3 = 8.\\n\\nNow make step 2 wrong.

It answers at once: the kind of mistake, then the step: "Step: wrong result. Ann gets 3 more: 5 + 3 = 9.". SPC's five kinds of error were not readable; these four are the lab's:
an off *result*, another *number*, another *sum* (operation), another *condition* (a tricky phrase read wrongly). All words are in the lab's vocabulary.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from thinkwell.core.prompt import Message
from thinkwell.lab.judged import solution
from thinkwell.lab.labels import label
from thinkwell.lab.skills.conversation import Solution, gold
from thinkwell.lab.trace import STEP_END, slip
from thinkwell.lab.world import Claim, LabProblem, Op, Ref, Split, apply
from thinkwell.methods.wording.solve_detect_verify import numbered

KINDS = ("result", "number", "sum", "condition")
_REWRITE = re.compile(r"Step: wrong ([a-z]{1,20})\. (\S[^\n]{0,300})")


@dataclass(frozen=True)
class Position:
    """A begun solution whose last step is right and can still be solved. parts: its paragraphs, the last one the step; before: the trace up to that step."""

    problem: LabProblem
    parts: tuple[str, ...]
    before: str

    @property
    def step(self) -> str:
        return self.parts[-1]


def position(rng: random.Random, levels: Sequence[int], split: Split = "train") -> Position:
    """A position of a solution of a training problem, written by one of several solvers."""
    while True:
        made, parts = solution(rng, levels, split)
        fit = [i for i in range(len(made.thinking)) if _fits(made, i)]
        if fit:
            at = rng.choice(fit)
            return Position(made.problem, tuple(parts[: at + 1]), "".join(step.text for step in made.steps[:at]))


def _fits(made: Solution, at: int) -> bool:
    step = made.steps[at]
    return (
        step.right is True and step.plan is not None and not step.reflection and step.solvable and (at == 0 or made.steps[at - 1].solvable)
    )


def rewriting(place: Position) -> list[Message]:
    """The generator's turn."""
    text = f"{place.problem.question}\n\n{numbered(place.parts)}\n\nNow make step {len(place.parts)} wrong."
    return [{"role": "user", "content": text}]


def read_rewrite(reply: str) -> tuple[str, str] | None:
    """(kind of mistake, the step) of a generator's reply after its thinking; None where it cannot be read or has more than one line."""
    found = _REWRITE.fullmatch(reply.strip())
    return (found[1], found[2].strip()) if found else None


def is_attack(place: Position, step: str) -> bool:
    """Is the rewritten step wrong, and the problem lost by it? The exact counterpart of "a solver never succeeds from there"; from the right step it can, by construction."""
    last = label(place.problem, place.before + step + STEP_END)[-1]
    return last.right is False and not last.solvable


def sneak(rng: random.Random, place: Position) -> tuple[str, str] | None:
    """(kind, step): the step with a mistake of a random kind, as the generator's lessons have it; None where this kind makes no attack here."""
    problem, last = place.problem, label(place.problem, place.before + place.step + STEP_END)[-1]
    if last.plan is None:
        return None
    kind, claim = rng.choice(KINDS), problem.plan[last.plan]
    step = _wrong(rng, problem, kind, claim)
    return (kind, step) if step is not None and step != place.step and is_attack(place, step) else None


def _wrong(rng: random.Random, problem: LabProblem, kind: str, claim: Claim) -> str | None:
    said = gold(problem, next(i for i, step in enumerate(problem.plan) if step is claim))
    if kind == "condition":
        misread = getattr(claim, "misread", None)
        return None if misread is None else misread.say.format(x=_expression(problem, misread))
    if said.op == "=":
        return claim.say.format(x=slip(said.value, rng)) if kind == "number" else None
    op: Op = said.op
    right, value = said.right, said.value
    if kind == "result":
        value = slip(value, rng)
    elif kind == "number":
        right = max(1, slip(right, rng))
        value = apply(op, said.left, right)
    else:
        others: dict[Op, Op] = {"+": "-", "-": "+", "*": "+", "/": "*"}
        op = others[op]
        value = apply(op, said.left, right)
    return claim.say.format(x=f"{said.left} {op} {right} = {value}")


def _expression(problem: LabProblem, claim: Claim) -> str:
    """A claim with the plan's own values."""
    left, right = (problem.plan[x.step].value if isinstance(x, Ref) else x for x in (claim.left, claim.right))
    value = apply(claim.op, left, right)
    return str(value) if claim.op == "=" else f"{left} {claim.op} {right} = {value}"
