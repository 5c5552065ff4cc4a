"""The short replies of a team: leader, recruiter, critics, evaluator, and the solver's next try. The texts are those of `thinkwell.methods.wording.multi_agent`."""

from __future__ import annotations

import random

from thinkwell.lab.skills.conversation import Conversation, Solution, at_once, right_step, solve_again, solved
from thinkwell.lab.world import LabProblem
from thinkwell.methods._sums import wrong_sums
from thinkwell.methods.wording.multi_agent import WORDINGS, quoted

LAB = WORDINGS["lab"]
CRITICS = LAB.default_roles[1:]
NO_SOLUTION = 0.25


def _ask(template: str, made: Solution, **fields: str) -> str:
    shown = LAB.solution.replace("{solution}", quoted(made.text))
    (turn,) = LAB.turn(template, **{"question": made.problem.question, "solution": shown, **fields})
    return turn["content"]


def mend(solution: Solution) -> str | None:
    """What is to be mended; None where nothing is, or the labels do not know it."""
    better = None if solution.right else right_step(solution)
    return f"The right step: {better}" if better else None


def ceo(rng: random.Random, solution: Solution) -> Conversation | None:
    level, said = solution.problem.level, mend(solution)
    team, length = (2 if level <= 4 else 3 if level <= 7 else 4), ("short" if level <= 4 else "long")
    go_on = f"So continue: team {team}, {length}."
    if rng.random() < NO_SOLUTION:
        return at_once(_ask(LAB.ceo, solution, solution=LAB.no_solution, advice=LAB.no_advice), go_on)
    advice = said if said and rng.random() < 0.5 else LAB.no_advice
    return at_once(_ask(LAB.ceo, solution, advice=advice), "So stop." if solution.right else go_on, solution.judged())


def roles(problem: LabProblem) -> list[str]:
    steps, facts, conditions = CRITICS
    wanted = [facts] if any(trap != "distractor" for trap in problem.traps) else []
    wanted += [conditions] if "distractor" in problem.traps else []
    wanted += [steps]
    return ["solver", *wanted, *(role for role in (facts, conditions) if role not in wanted)]


def recruiter(rng: random.Random, solution: Solution) -> Conversation | None:
    n = rng.randint(2, 4)
    listed = "\n".join(f"{i}. {role}" for i, role in enumerate(roles(solution.problem)[:n], 1))
    return at_once(_ask(LAB.recruiter, solution, n=str(n), advice=LAB.no_advice), listed)


def critic(rng: random.Random, solution: Solution) -> Conversation | None:
    said = mend(solution)
    if not solution.right and said is None:
        return None
    turn = _ask(LAB.critic, solution, role=rng.choice(CRITICS), messages="")
    return at_once(turn, "Yes, agree." if solution.right else f"No, disagree. {said}", solution.judged())


def evaluator(rng: random.Random, solution: Solution) -> Conversation | None:
    said = mend(solution)
    if not solution.right and said is None:
        return None
    result = LAB.no_result
    if rng.random() < 0.4 and (wrong := wrong_sums(solution.text)) is not None:
        result = LAB.result.replace("{result}", LAB.wrong_sums.replace("{sums}", ", ".join(wrong)) if wrong else LAB.right_sums)
    turn = _ask(LAB.evaluator, solution, result=result, roles="")
    return at_once(turn, "Yes, correct." if solution.right else f"No. {said}", solution.judged())


def solver(rng: random.Random, solution: Solution) -> Conversation | None:
    """The solver's next try, with what one to three critics said."""
    said = mend(solution)
    if said is None:
        return None
    messages = "\n".join(LAB.say(i, rng.choice(CRITICS), said) for i in range(1, rng.randint(1, 3) + 1))
    return solved(_ask(LAB.again, solution, messages=messages, role="solver", advice=""), solve_again(solution, rng), solution.judged())
