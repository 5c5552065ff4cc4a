"""Stickers: written, fixed, found for a prediction, and solved from. The texts are those of `thinkwell.methods.wording.sift`.

No stage may read a problem better than the model reads it when it solves, or stickers would help by what they were taught and not by what they are. So a sticker is that
of a reader who falls into traps as often as `trace.NATURAL` does; fixing one is a second reading of the same reader, who sees a trap as often as the first time; solving with a
sticker that misreads is a reading of its own. Faults that are no readings (a line left out, a number off) are always mended.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import replace

from thinkwell.lab.skills.conversation import Conversation, Solution, at_once, solved
from thinkwell.lab.trace import NATURAL, slip, write
from thinkwell.lab.world import Claim, LabProblem, Operand, Ref
from thinkwell.methods.wording.sift import WORDINGS, Sticker, condition, lab_sticker

LAB = WORDINGS["lab"]
MISREAD = NATURAL.misread * (1 - NATURAL.reread)
"""How often a trap is read wrongly in the end."""
FAULT, EMPTY = 0.45, 0.03
"""Shares of candidates to be fixed with a line left out or a number off, and of empty ones."""

Readings = Mapping[int, bool]
"""Plan step, or -1 - distractor -> misread? As in `trace.write`."""


def read(problem: LabProblem, rng: random.Random, misread: float = MISREAD) -> dict[int, bool]:
    """One reading of a problem's traps."""
    traps = [i for i, step in enumerate(problem.plan) if step.misread] + [-1 - d.number for d in problem.distractors if d.tempting]
    return {trap: rng.random() < misread for trap in traps}


def conditions(problem: LabProblem, readings: Readings) -> list[str]:
    """The lines of a sticker for this reading."""

    def operand(x: Operand) -> int | str:
        return x if not isinstance(x, Ref) else "it" if problem.plan[x.step].main else "that"

    lines = []
    for i, step in enumerate(problem.plan):
        claim: Claim = step.misread if readings.get(i) and step.misread else step
        lines.append(condition(claim.say, claim.op, operand(claim.left), operand(claim.right)))
        for d in problem.distractors:
            if d.tempting and d.after == i and readings.get(-1 - d.number):
                lines.append(d.say.replace("{x}", f"it + {d.number}"))
    return lines


def asked(problem: LabProblem) -> str:
    """The question itself."""
    return problem.question.rpartition(". ")[2]


def sticker(problem: LabProblem, readings: Readings) -> str:
    return lab_sticker(conditions(problem, readings), asked(problem))


def write_sticker(rng: random.Random, solution: Solution) -> Conversation | None:
    (turn,) = LAB.ask_sticker(solution.problem.question)
    return at_once(turn["content"], sticker(solution.problem, read(solution.problem, rng)))


def fix_sticker(rng: random.Random, solution: Solution) -> Conversation | None:
    problem = solution.problem
    first, second = read(problem, rng), read(problem, rng)
    lines = conditions(problem, first)
    kind = rng.random()
    if kind < FAULT:
        at = rng.randrange(len(lines))
        if rng.random() < 0.5 and len(lines) > 1:
            del lines[at]
        else:
            lines[at] = re.sub(r"\d+(?!.*\d)", lambda found: str(slip(int(found[0]), rng)), lines[at])
    shown = "" if kind > 1 - EMPTY else lab_sticker(lines, asked(problem))
    better = {trap: wrong and second[trap] for trap, wrong in first.items()} if shown else second
    (turn,) = LAB.ask_forward(problem.question, Sticker(shown))
    return at_once(turn["content"], sticker(problem, better))


def find_sticker(rng: random.Random, solution: Solution) -> Conversation | None:
    """From a written trace, whose wordings are those of the plan."""
    problem = solution.problem
    readings = read(problem, rng)
    trace = write(problem, rng, replace(NATURAL, reread=0), readings)
    (turn,) = LAB.ask_inverse(trace.text, "</think>")
    question = f"How many {problem.items} does {problem.name} have now?"
    return at_once(turn["content"], lab_sticker(conditions(problem, readings), question))


def solve_sticker(rng: random.Random, solution: Solution) -> Conversation | None:
    """The trace does what the sticker says."""
    problem = solution.problem
    readings = read(problem, rng)
    return solved(sticker(problem, readings), write(problem, rng, replace(NATURAL, reread=0), readings).text)


def solve_both(rng: random.Random, solution: Solution) -> Conversation | None:
    problem = solution.problem
    first, second = read(problem, rng), read(problem, rng)
    readings = {trap: wrong and second[trap] for trap, wrong in first.items()}
    trace = write(problem, rng, replace(NATURAL, reread=0), readings)
    return solved(f"{problem.question}\n\n{sticker(problem, first)}", trace.text)
