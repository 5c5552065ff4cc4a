"""Feedback on a solution, and a better solution by it. The texts are those of `thinkwell.methods.wording.self_refine`."""

from __future__ import annotations

import random

from thinkwell.lab.skills.conversation import AT_ONCE, Conversation, Solution, at_once, right_step, solve_again, solved
from thinkwell.methods.wording.self_refine import WORDINGS, plain_solution

LAB = WORDINGS["lab"]
FALSE_ALARM = 0.1
"""Share of right solutions whose feedback is taken for the refining turn: it names a step that was right."""


def said_of(solution: Solution) -> str | None:
    """The ideal feedback; None where the labels do not say which step it is."""
    if solution.right:
        return "Yes, all correct."
    better, at = right_step(solution), solution.wrong_for_good
    if better is None or at is None:
        return None
    return f"No. That step is wrong: {solution.thinking[at].text.strip()} The right step: {better}"


def feedback(rng: random.Random, solution: Solution) -> Conversation | None:
    said = said_of(solution)
    if said is None:
        return None
    (turn,) = LAB.ask_feedback(solution.problem.question, plain_solution(solution.text))
    return at_once(turn["content"], said, solution.judged())


def refine(rng: random.Random, solution: Solution) -> Conversation | None:
    said = said_of(solution)
    if solution.right and rng.random() < FALSE_ALARM and solution.thinking:
        step = rng.choice(solution.thinking).text.strip()
        said = f"No. That step is wrong: {step} The right step: {step}"
    if said is None or said.startswith("Yes"):
        return None
    shown = plain_solution(solution.text)
    (turn,) = LAB.ask_refined(solution.problem.question, [(shown, LAB.read_feedback(AT_ONCE + said, "</think>"))])
    return solved(turn["content"], solve_again(solution, rng), solution.judged())
