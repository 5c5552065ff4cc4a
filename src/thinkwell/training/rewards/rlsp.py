"""RLSP: pay for effort besides correctness, so that a model searches (Ye et al. 2025, arXiv 2502.06773).

    base = missing                 without an answer (-0.5)
           1 or 0                  right or wrong
    base = base - scale / L        exploration by length, L = tokens of reasoning before the answer, at least `min_length`
    r    = base                                                              without a judge
           outcome_weight * base + exploration_weight * g, g in [0, 1]       with a judge's grade of effort, or with counted steps

Despite its name in the released code (`length_penalty`, GuanghaoYe/Emergence-of-Thinking) the length term pays for long reasoning with diminishing
returns: it is -4 at 250 tokens, -0.25 at 4000 (scale 1000), and never positive. It dominates at short lengths: choose the scale so that scale / L is
about 1 at the first mean length.

Only the abstract of the paper could be read: preset "paper" has the constants of the released servers; "repo" also the clip to +-10 that its trainer
applies to a sequence's reward. TRL and verl have no such reward; their presets are "paper". A hole closed here: in the released code no reasoning at
all divides by zero, and the exception is worth 0, more than the -4 of a short chain. `min_length` makes it the worst. Counting steps is the simplest
exploration reward the paper names; its form here, min(1, steps / full_steps), is a guess.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from thinkwell.core.errors import ConfigError
from thinkwell.training._conventions import expect, finite, one_of, pick
from thinkwell.training.rewards._batch import expect_batch, flags, float_dtype

OWNER = "rlsp"
Apply = Literal["all", "correct"]
_BRACES = re.compile(r"\\boxed\s*(\{)|\\.|[{}]", re.DOTALL)


@dataclass(frozen=True)
class Knobs:
    scale: float = 1000.0
    missing: float = -0.5
    outcome_weight: float = 0.8
    exploration_weight: float = 0.2
    apply_to: Apply = "all"
    judge_fallback: float = 0.5
    full_steps: float = 10.0
    min_length: float = 1.0
    clip: float = math.inf

    def __post_init__(self) -> None:
        finite("scale", self.scale)
        finite("outcome_weight", self.outcome_weight)
        finite("exploration_weight", self.exploration_weight)
        one_of("apply_to", self.apply_to, ("all", "correct"))
        finite("judge_fallback", self.judge_fallback, 0, 1)
        finite("full_steps", self.full_steps, above=True)
        finite("min_length", self.min_length, above=True)
        expect("clip", self.clip, self.clip > 0, "a positive bound (infinite for none)")


PRESETS = {"paper": Knobs(), "trl": Knobs(), "verl": Knobs(), "repo": Knobs(clip=10.0)}


def rlsp(
    correct: Tensor,
    lengths: Tensor,
    group_ids: Tensor | None = None,
    *,
    answered: Tensor | None = None,
    judge: Tensor | None = None,
    steps: Tensor | None = None,
    preset: str = "paper",
    scale: float | None = None,
    missing: float | None = None,
    outcome_weight: float | None = None,
    exploration_weight: float | None = None,
    apply_to: Apply | None = None,
    judge_fallback: float | None = None,
    full_steps: float | None = None,
    min_length: float | None = None,
    clip: float | None = None,
) -> Tensor:
    """Reward of each response.

    correct: (B,) bool (or 0/1). lengths: (B,) tokens of reasoning before the answer (`reasoning_lengths` estimates them from the text), >= 0.
    group_ids is not looked at.
    answered: (B,) bool, there is an answer; None if all have one. judge: (B,) grades of effort; one that is NaN or outside [0, 1] is a failure and
    becomes `judge_fallback`.
    steps: (B,) intermediate steps, instead of a judge. scale: tokens; 0 is the arm with the outcome only. apply_to: the length term for all
    responses, or for right ones only.
    clip: bound of the reward on both sides.
    Returns (B,) in the floating dtype of the inputs, else torch's default. Raises ConfigError for knobs out of range, shapes that differ, negative
    lengths, or judge and steps together.
    """
    expect_batch(OWNER, correct=correct, lengths=lengths, group_ids=group_ids, answered=answered, judge=judge, steps=steps)
    if judge is not None and steps is not None:
        raise ConfigError(
            f"{OWNER}: both judge and steps are given; expected at most one measure of exploration; combine them before and pass the result as judge."
        )
    knobs = pick(
        OWNER,
        PRESETS,
        preset,
        scale=scale,
        missing=missing,
        outcome_weight=outcome_weight,
        exploration_weight=exploration_weight,
        apply_to=apply_to,
        judge_fallback=judge_fallback,
        full_steps=full_steps,
        min_length=min_length,
        clip=clip,
    )
    expect("lengths", lengths.tolist(), bool((lengths >= 0).all()), "tokens, at least 0 for each response")
    right = flags(OWNER, "correct", correct)
    dtype = float_dtype(correct, lengths, judge)
    given = flags(OWNER, "answered", answered) if answered is not None else torch.ones_like(right)
    reward = torch.where(given, right.to(dtype), torch.full_like(right, knobs.missing, dtype=dtype))
    short = knobs.scale / lengths.to(dtype).clamp(min=knobs.min_length)
    paid = right & given if knobs.apply_to == "correct" else torch.ones_like(right)
    reward = reward - torch.where(paid, short, torch.zeros_like(short))
    if judge is not None:
        grade = judge.to(dtype)
        grade = torch.where((grade >= 0) & (grade <= 1), grade, torch.full_like(grade, knobs.judge_fallback))
        reward = knobs.outcome_weight * reward + knobs.exploration_weight * grade
    elif steps is not None:
        expect("steps", steps.tolist(), bool((steps >= 0).all()), "at least 0 for each response")
        reward = knobs.outcome_weight * reward + knobs.exploration_weight * (steps.to(dtype) / knobs.full_steps).clamp(max=1)
    return reward.clamp(-knobs.clip, knobs.clip)


def reasoning_lengths(
    completions: Sequence[str], *, box: Literal["first", "last"] = "first", characters_per_token: float = 4.0
) -> tuple[Tensor, Tensor]:
    """(lengths, answered) of texts for `rlsp`: characters before the box / 4, all characters / 4 without a box; (B,) float32 and (B,) bool.

    box: the released code grades the first complete `\\boxed{...}` of a text; "last" does not stop at an intermediate result. A box that is never
    closed, or holds nothing, is none.
    One linear pass. Raises ConfigError for an unknown box or characters_per_token <= 0.
    """
    one_of("box", box, ("first", "last"))
    finite("characters_per_token", characters_per_token, above=True)
    starts = [_box(text, first=box == "first") for text in completions]
    lengths = [(len(text) if at is None else at) / characters_per_token for text, at in zip(completions, starts, strict=True)]
    return torch.tensor(lengths, dtype=torch.float32), torch.tensor([at is not None for at in starts], dtype=torch.bool)


def _box(text: str, *, first: bool) -> int | None:
    """Where the first, or last, complete box that is in no other one begins."""
    stack: list[tuple[int, int]] = []  # (start, start of content or -1 for a plain brace)
    outer: list[int] = []  # starts of complete boxes that no later complete box encloses, ascending
    for token in _BRACES.finditer(text):
        if token[1]:
            stack.append((token.start(), token.end()))
        elif token[0] == "{":
            stack.append((token.start(), -1))
        elif token[0] == "}" and stack:
            start, content = stack.pop()
            if content >= 0 and not text[content : content + 64].lstrip().startswith("}"):
                while outer and outer[-1] > start:
                    outer.pop()
                outer.append(start)
    return (outer[0] if first else outer[-1]) if outer else None
