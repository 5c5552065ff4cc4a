"""M1: supervised learning on what teams of agents said to each other, every role in one model, so that the method `multi_agent` works with it.

MAS-TTS (arXiv 2504.09772): 500 traces of recruiter, solver, critics and evaluator (M500), kept where the team agreed, the form is kept and the answer is right; five epochs,
batch 16, rate 1e-5 with a cosine, warm-up 5 %, weight decay 1e-4, loss on the assistant's turns. The CEO is prompted, not trained, as M500 has no turns of it (`ceo=true` adds
them). How the questions were chosen is not known to us.

Chosen differently: the lab's oracle plays the team and knows what is right: a solver who errs as the policy does, critics who judge rightly, a solver who mends what they named.
Each turn is a row, as each role is asked alone. The control (`data=plain`) has the solver's right traces of such problems and nothing else.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from thinkwell.training.recipe import RECIPES, Recipe, Setting, TrainKnobs
from thinkwell.training.recipes.leap_t import plain
from thinkwell.training.sft import Drawn, Row, row_of_pieces
from thinkwell.training.stage import Optimiser, Sft, Stage
from thinkwell.training.traces import drawn

if TYPE_CHECKING:
    from thinkwell.lab.skills.conversation import Conversation
    from thinkwell.lab.world import LabProblem


class Config(TrainKnobs):
    data: Literal["team", "plain"] = "team"
    """What a team says, or the control: right traces of a solver alone."""
    levels: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7, 8)
    """Levels of the lab's problems."""
    rounds: int = Field(3, ge=1)
    """Most times that the solver tries again after its critics; a team that then still disagrees is left out. The paper's inner turns."""
    ceo: bool = False
    """Whether the CEO's turns are learnt too; the paper's data has none."""
    sft_steps: int = Field(300, ge=1)
    """Steps of supervised learning: all there is to this recipe (`steps` is not used)."""
    sft_rows: int = Field(32, ge=1)
    """Turns a step; the paper has 16 traces."""
    sft_rate: float = Field(1e-3, gt=0)
    """Peak rate, falling as a cosine after a warm-up of 5 %; the paper: 1e-5 for 32 billion parameters."""


def stages(knobs: Config, setting: Setting) -> Sequence[Stage]:
    draw = turn_of_a_team(knobs, setting) if knobs.data == "team" else plain(knobs.levels, setting)
    optimiser = Optimiser(rate=knobs.sft_rate, warmup=round(0.05 * knobs.sft_steps), decay="cosine", weight_decay=1e-4, clip=knobs.clip)
    return [Sft(rows=Drawn(draw, knobs.sft_rows, f"m1/{knobs.data}/{setting.seed}"), steps=knobs.sft_steps, optimiser=optimiser)]


def turn_of_a_team(knobs: Config, setting: Setting) -> Callable[[random.Random], Row | None]:
    """One turn of a team's work, each of its turns as likely."""

    def draw(rng: random.Random) -> Row | None:
        said = team(drawn(rng, knobs.levels), rng, knobs.rounds, ceo=knobs.ceo)
        if said is None:
            return None
        turn = rng.choice(said)
        messages = [{"role": ("user", "assistant")[i % 2], "content": text} for i, text in enumerate(turn.turns)]
        return row_of_pieces(setting.tokenizer, messages, [(piece.text, piece.learn) for piece in turn.reply])

    return draw


def team(problem: LabProblem, rng: random.Random, rounds: int = 3, *, ceo: bool = False) -> list[Conversation] | None:
    """What a team says until its critics agree and its evaluator accepts, in order; None where it does not come to the right answer (the paper's filter)."""
    from thinkwell.lab.skills import multi_agent
    from thinkwell.lab.skills.conversation import Conversation, Piece, Solution
    from thinkwell.lab.trace import write

    solution = Solution(problem, write(problem, rng).text)
    said: list[Conversation | None] = [multi_agent.ceo(rng, solution)] if ceo else []
    said += [multi_agent.recruiter(rng, solution), Conversation((problem.question,), (Piece(solution.text, True),))]
    for tried in range(rounds + 1):
        said.append(multi_agent.critic(rng, solution))
        if solution.right:
            break
        if tried == rounds:
            return None
        said.append(multi_agent.solver(rng, solution))
        again = said[-1]
        if again is None:
            return None  # the labels do not know what is to be mended
        solution = Solution(problem, again.text)
    said.append(multi_agent.evaluator(rng, solution))
    return [turn for turn in said if turn is not None]


RECIPES.add("m1")(
    Recipe(
        "m1", "M1 (MAS-TTS), arXiv 2504.09772", "learns every role of a team of agents", Config, stages, needs_answers=False, group=False
    )
)
