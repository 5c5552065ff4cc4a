"""Judging the last step of a begun solution. The texts are those of `thinkwell.methods.wording.critic_guided`."""

from __future__ import annotations

import random

from thinkwell.lab.skills.conversation import Conversation, Solution, at_once
from thinkwell.lab.skills.solve_detect_verify import parts_of
from thinkwell.methods.wording.critic_guided import WORDINGS, lab_critique

LAB = WORDINGS["lab"]
AT_ONCE_LENGTH = len("</think>\n\n")


def critic_step(rng: random.Random, solution: Solution) -> Conversation | None:
    """One step whose prefix can still be solved; every second time a wrong one, if there is one."""
    parts = parts_of(solution)
    if parts is None:
        return None
    steps = solution.steps
    open_before = [i for i in range(len(steps)) if i == 0 or steps[i - 1].solvable]
    wanted = rng.random() < 0.5
    chosen = [i for i in open_before if (steps[i].right is False) is wanted] or open_before
    at = rng.choice(chosen)
    (turn,) = LAB.messages(solution.problem.question, parts[: at + 1])
    reply = lab_critique(steps[at].right is not False, solution.claim(at))
    return at_once(turn["content"], reply[AT_ONCE_LENGTH:], solution.judged(at + 1))
