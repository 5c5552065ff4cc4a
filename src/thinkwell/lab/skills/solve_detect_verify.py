"""Judging a solution step by step, fast and with thinking, saying whether a begun one is complete, and solving again with feedback.

The texts are those of `thinkwell.methods.wording.solve_detect_verify`. A fast verdict comes after a "</think>" that the method puts in, so that mark carries no loss: left
free, the model thinks.
"""

from __future__ import annotations

import random

from thinkwell.lab import templates as T
from thinkwell.lab.labels import optimal_length
from thinkwell.lab.skills.conversation import AT_ONCE, Conversation, Piece, Solution, solve_again, solved
from thinkwell.methods.wording.solve_detect_verify import WORDINGS, lab_thinking, lab_verdict, paragraphs

LAB = WORDINGS["lab"]
FALSE_ALARM = 0.15
"""Share of the feedback that is the verifier's mistake: a right solution called wrong, or a wrong step missed."""


def parts_of(solution: Solution) -> list[str] | None:
    """The paragraphs that the method would show; None where they are not the steps that have labels."""
    parts = paragraphs(solution.text)
    return parts if len(parts) == len(solution.steps) and parts else None


def verify_fast(rng: random.Random, solution: Solution) -> Conversation | None:
    return _verify(solution, slow=False)


def verify_slow(rng: random.Random, solution: Solution) -> Conversation | None:
    return _verify(solution, slow=True)


def _verify(solution: Solution, *, slow: bool) -> Conversation | None:
    parts, error = parts_of(solution), solution.first_wrong
    if parts is None:
        return None
    (turn,) = LAB.verification(solution.problem.question, parts, slow=slow)
    if slow:
        return solved(turn["content"], lab_thinking([solution.claim(i) for i in range(len(parts))], error), solution.judged())
    verdict = lab_verdict(error, "" if error is None else solution.claim(error))
    reply = (Piece(AT_ONCE, False), Piece(verdict.removeprefix(AT_ONCE), True))
    return Conversation((turn["content"],), reply, solution.judged())


def complete(rng: random.Random, solution: Solution) -> Conversation | None:
    """Is the begun trace complete? Cut after a word of hesitation, its own or one put there; every second time where it is complete, if it ever is."""
    problem = solution.problem
    cuts: list[tuple[str, bool]] = []
    text = ""
    for step in solution.thinking:
        words = [w for w in T.REFLECTION_OPENERS if step.text.startswith(w)] or [rng.choice(T.REFLECTION_OPENERS)]
        if text:
            cuts.append((text + words[0], optimal_length(problem, text) == 0))
        text += step.text
    if text.endswith("\n\n"):
        cuts.append((text + rng.choice(T.REFLECTION_OPENERS), optimal_length(problem, text) == 0))
    wanted = rng.random() < 0.5
    cuts = [cut for cut in cuts if cut[1] is wanted] or cuts
    if not cuts:
        return None
    begun, whole = rng.choice(cuts)
    turns = LAB.probe([{"role": "user", "content": problem.question}], begun)
    return Conversation(tuple(turn["content"] for turn in turns), (Piece(AT_ONCE, False), Piece("Yes" if whole else "No", True)))


def solve_with_verdict(rng: random.Random, solution: Solution) -> Conversation | None:
    """The feedback is a verdict; now and then it is mistaken or missing, and then only the solution itself can be of use."""
    parts, error = parts_of(solution), solution.first_wrong
    if parts is None:
        return None
    if error is None and rng.random() > FALSE_ALARM:
        return None
    if error is None or rng.random() < FALSE_ALARM:
        false = rng.randrange(len(parts))
        said = rng.choice([LAB.no_feedback, lab_verdict(false, solution.claim(false)).removeprefix(AT_ONCE)])
        trace = solve_again(solution, rng, told=False)
    else:
        said = lab_verdict(error, solution.claim(error)).removeprefix(AT_ONCE)
        trace = solve_again(solution, rng, told=error == solution.wrong_for_good)
    (turn,) = LAB.refinement(solution.problem.question, parts, said)
    return solved(turn["content"], trace, solution.judged())
