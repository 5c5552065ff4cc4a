"""Solutions to judge, with exact truth: what a verifier and a step critic are trained and measured on, and what they are asked and answer in each wording.

The wordings themselves are those of the methods `solve_detect_verify` and `critic_guided`; they are reached from here because training learns them as the lab does.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from thinkwell.core.prompt import Message
from thinkwell.lab.prm import WRITTEN
from thinkwell.lab.skills.conversation import AT_ONCE, Solution
from thinkwell.lab.skills.critic_guided import critic_step
from thinkwell.lab.skills.solve_detect_verify import parts_of
from thinkwell.lab.trace import GOLD, NATURAL, write
from thinkwell.lab.world import Split, generate
from thinkwell.methods.wording import critic_guided, solve_detect_verify

STYLES = (NATURAL, WRITTEN, GOLD)
"""Solvers of different habits: the policy's, one who notices more of its mistakes, one who makes none."""


def solution(rng: random.Random, levels: Sequence[int], split: Split = "train", *, wrong: bool | None = None) -> tuple[Solution, list[str]]:
    """A solution of a problem of one of these levels and its paragraphs, one for every label. wrong: whether some step of it is; None: as it comes."""
    while True:
        style = rng.choice(STYLES[:2] if wrong else STYLES)
        problem = generate(rng.getrandbits(48), rng.choice(list(levels)), split)
        made = Solution(problem, write(problem, rng, style).text)
        parts = parts_of(made)
        if parts is not None and (wrong is None or (made.first_wrong is not None) is wrong):
            return made, parts


def verification(kind: str, question: str, parts: Sequence[str], *, slow: bool = False) -> list[Message]:
    """The turn that asks for the first wrong paragraph, in the wording of a kind of model ("lab", "reasoning", "instruct")."""
    return solve_detect_verify.WORDINGS[kind].verification(question, parts, slow=slow)


def finished(kind: str) -> str:
    """What is written into the thinking before it is closed for the model."""
    return solve_detect_verify.WORDINGS[kind].finished


def read_error(kind: str, reply: str, n_parts: int, think_close: str) -> int | None:
    """The index of the first wrong paragraph that a verification names, -1 for none; None where it cannot be read."""
    verdict = solve_detect_verify.read_verdict(reply, n_parts, lab=kind == "lab", think_close=think_close)
    return None if verdict is None else -1 if verdict.error is None else verdict.error


def criticism(kind: str, question: str, parts: Sequence[str]) -> list[Message]:
    """The turn that asks whether the last of these steps is right."""
    return critic_guided.WORDINGS[kind].messages(question, parts)


def read_label(kind: str, reply: str, think_close: str) -> bool | None:
    """Whether a critique calls the step right; None where it cannot be read."""
    critique = critic_guided.read_critique(reply, lab=kind == "lab", think_close=think_close)
    return None if critique is None else critique.label is critic_guided.Label.CORRECT


@dataclass(frozen=True)
class Critique:
    """A step to criticise, `reply` after the thinking, and the truth."""

    messages: list[Message]
    reply: str
    right: bool


def natural_critique(rng: random.Random, levels: Sequence[int], split: Split = "train") -> Critique | None:
    """A step of a written solution with the mistakes that its writer makes by nature, every second time a wrong one; None where the solution has no step to judge."""
    made, _ = solution(rng, levels, split)
    taught = critic_step(rng, made)
    if taught is None:
        return None
    reply = taught.text.removeprefix(AT_ONCE)
    return Critique([{"role": "user", "content": taught.turns[0]}], reply, reply.endswith(" correct"))
