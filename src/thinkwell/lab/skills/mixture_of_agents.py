"""Solving with the answers of others. The texts are those of `thinkwell.methods.wording.mixture_of_agents`.

The traps are read rightly where one of the answers shown is right: whoever tries the answers finds it. Else they are read as ever, so that being shown
answers alone makes nobody read better than the model reads when it solves.
"""

from __future__ import annotations

import random
from dataclasses import replace

from thinkwell.lab.skills.conversation import Conversation, Solution, solved
from thinkwell.lab.trace import NATURAL, write
from thinkwell.methods.wording.mixture_of_agents import WORDINGS, quoted

LAB = WORDINGS["lab"]
CUT = 0.05
"""Share of the answers that were cut short."""


def answers(rng: random.Random, solution: Solution) -> Conversation | None:
    problem = solution.problem
    others = [write(problem, rng) for _ in range(rng.randint(0, 2))]
    said = [solution.text.rpartition("</think>")[2], *(trace.solution for trace in others)]
    right = solution.right or any(trace.answer == problem.answer for trace in others)
    said = ["" if rng.random() < CUT else text for text in said]
    rng.shuffle(said)
    (turn,) = LAB.synthesize(problem.question, [quoted(text) for text in said])
    readings = read_rightly(solution) if right else None
    return solved(turn["content"], write(problem, rng, replace(NATURAL, slip=0.04) if right else NATURAL, readings).text)


def read_rightly(solution: Solution) -> dict[int, bool]:
    problem = solution.problem
    return dict.fromkeys(range(len(problem.plan)), False) | {-1 - d.number: False for d in problem.distractors}
