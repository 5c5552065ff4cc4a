"""Checking one's own solution: four checks with Yes or No. The texts are those of `thinkwell.methods.wording.latent_seek`."""

from __future__ import annotations

import random

from thinkwell.lab.labels import boxed, statements
from thinkwell.lab.skills.conversation import Conversation, Solution, at_once
from thinkwell.lab.skills.leap import standing
from thinkwell.methods.wording.latent_seek import WORDINGS, Check

LAB = WORDINGS["lab"]
UNENDED = 0.5
"""Share of the solutions shown for the check of the end that are cut before it or lose their box, so that both verdicts occur."""


def self_check(rng: random.Random, solution: Solution) -> Conversation | None:
    check = rng.choices(list(Check), weights=(0.3, 0.4, 0.1, 0.2))[0]
    text = solution.text
    if check is Check.COMPLETE and rng.random() < UNENDED:
        cut = rng.choice(
            [
                text.rpartition(" \\boxed")[0],
                text.partition("</think>")[0],
                "".join(s.text for s in solution.steps[: len(solution.steps) // 2 + 1]),
            ]
        )
        solution = Solution(solution.problem, cut or text)
    (turn,) = LAB.messages(check, solution.problem.question, solution.text)
    return at_once(turn["content"], "Yes" if verdict(check, solution) else "No", solution.judged())


def verdict(check: Check, solution: Solution) -> bool:
    """The truth that the wording's docstring defines."""
    if check is Check.CALCULATION:
        return not any(said.exact is False for step in solution.steps for said in statements(step.text))
    if check is Check.ANSWER:
        return solution.right
    if check is Check.COMPLETE:
        return boxed(solution.text) is not None
    return solution.right or not misread(solution)


def misread(solution: Solution) -> bool:
    """Does the solution stand by a trap read wrongly, or by a distractor added in? What was corrected later does not count."""
    plan = solution.problem.plan
    for at, said in standing(solution.problem, "".join(step.text for step in solution.thinking)).items():
        wrong = plan[int(at)].misread
        if at != int(at) or (wrong is not None and said.op == wrong.op != plan[int(at)].op):
            return True
    return False
