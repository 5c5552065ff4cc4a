"""Tag format: 1 for a text of the shape `<a>...</a> <b>...</b>`, else 0.

    each tag opens exactly once and closes exactly once, tags do not nest or overlap, and they come in the order given

Prior Prompt Engineering (Taveekitworachai et al. 2025) names the first tag after the style of its prompt (think, plan, code, knowledge, examples) and
uses r = 0.5 * accuracy + 0.5 * format (`hybrid` with preset "prior_prompt"). Presets:

    paper, verl   tags think and answer, nothing but white space outside them; verl has no such reward of its own
    trl           `think_format_reward`: the text starts with <think>, which occurs once; a </think> follows; anything after it

What the presets do not ask and hostile texts use: `filled=True` refuses empty tags, with which a weak model earns the reward without the behaviour.
Under "exactly once" a model that mentions its own tag in the text is refused too. A prompt that has already written the first opening mark needs
`opened=True`. The texts are a model's output: one linear pass, no backtracking, nothing is executed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from thinkwell.training._conventions import expect, one_of, pick

OWNER = "tag_format"
Outside = Literal["nothing", "space", "text"]


@dataclass(frozen=True)
class Knobs:
    tags: tuple[str, ...] = ("think", "answer")
    before: Outside = "space"
    after: Outside = "space"
    repeated_close: bool = False
    filled: bool = False

    def __post_init__(self) -> None:
        names = (
            bool(self.tags) and len(set(self.tags)) == len(self.tags) and all(re.fullmatch(r"[A-Za-z_][\w-]*", tag) for tag in self.tags)
        )
        expect("tags", self.tags, names, "at least one name, each once, of letters, digits, _ and -")
        for name, value in (("before", self.before), ("after", self.after)):
            one_of(name, value, ("nothing", "space", "text"))


PRESETS = {
    "paper": Knobs(),
    "trl": Knobs(tags=("think",), before="nothing", after="text", repeated_close=True),
    "verl": Knobs(),
}


def tag_format(
    completions: Sequence[str],
    *,
    preset: str = "paper",
    tags: tuple[str, ...] | None = None,
    before: Outside | None = None,
    after: Outside | None = None,
    repeated_close: bool | None = None,
    filled: bool | None = None,
    opened: bool = False,
    dtype: torch.dtype | None = None,
) -> Tensor:
    """1 for each completion that keeps the format, 0 for the others: (B,) in `dtype` (torch's default if None).

    tags: names in their order. before: what may stand before the first tag: "nothing", "space" or "text". after: the same between tags and after the
    last.
    repeated_close: a closing mark may occur more than once (the first one counts). filled: each tag must hold more than white space.
    opened: the prompt ends in the first opening mark, which the completion then must not repeat.
    Raises ConfigError for an unknown preset or names that are none.
    """
    knobs = pick(OWNER, PRESETS, preset, tags=tags, before=before, after=after, repeated_close=repeated_close, filled=filled)
    marks = re.compile("<(/?)(" + "|".join(map(re.escape, knobs.tags)) + ")>")
    first = f"<{knobs.tags[0]}>" if opened else ""
    return torch.tensor([_kept(first + text, knobs, marks) for text in completions], dtype=dtype or torch.get_default_dtype())


def _kept(text: str, knobs: Knobs, marks: re.Pattern[str]) -> bool:
    expected = [(closing, tag) for tag in knobs.tags for closing in ("", "/")]
    step, end, allowed = 0, 0, knobs.before
    for mark in marks.finditer(text):
        kind = (mark[1], mark[2])
        if step == len(expected) or kind != expected[step]:
            if knobs.repeated_close and mark[1] and kind in expected[:step]:
                continue
            return False
        between = text[end : mark.start()]
        if mark[1]:
            if knobs.filled and not between.strip():
                return False
        elif not _may_stand(between, allowed):
            return False
        step, end, allowed = step + 1, mark.end(), knobs.after
    return step == len(expected) and _may_stand(text[end:], allowed)


def _may_stand(text: str, allowed: Outside) -> bool:
    return allowed == "text" or not (text.strip() if allowed == "space" else text)
