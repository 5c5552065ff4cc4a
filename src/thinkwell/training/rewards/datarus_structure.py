"""The structural score of Datarus-R1: does a text keep the tags of an agent's episode (see `datarus`; tags from the released agent, arXiv
2508.13382)?

    <step> <thought> <action> <action_input> [<observation>] </step> ...  <stop_analysis> <thought> <answer> </stop_analysis>

R_struct = mean of five checks, a guess (only "tag-based" is in the abstract):
    nested    every mark opens or closes what it should, parts only inside a step or the end
    parts     each step has exactly one thought, action and action_input, none of them empty
    steps     there is a step
    ending    exactly one end, the last block, with one thought and one answer, none of them empty
    outside   nothing but white space outside the parts
A text without any block scores 0: an empty text must not be well formed for want of anything wrong. A leading `<think>...</think>`, which the model
tends to write, is passed over. Structure alone is hacked with dummy content: weigh it down over time, and take observations from the run-time (tokens
of origin `tool`), never from what the model claims to have seen. One linear pass; the code in `action_input` is not looked at, let alone run.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

STEP_PARTS = ("thought", "action", "action_input")
END_PARTS = ("thought", "answer")
BLOCKS = {"step": (*STEP_PARTS, "observation"), "stop_analysis": END_PARTS}
_MARK = re.compile(r"<(/?)(step|stop_analysis|thought|action_input|action|observation|answer)>")
_THINK = "<think>", "</think>"


@dataclass
class Block:
    """A step or an end: how often each part occurs with content, and how often it is empty."""

    kind: str
    filled: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)

    def complete(self, parts: Sequence[str], observed: bool = False) -> bool:
        wanted = (*parts, "observation") if observed else parts
        return not self.empty and all(self.filled.count(part) == 1 for part in wanted)


def structure(completions: Sequence[str], *, observed: bool = False, dtype: torch.dtype | None = None) -> Tensor:
    """R_struct of each text, (B,) in {0, 0.2, ..., 1}. observed: a step is complete only with one observation, as in a finished episode."""
    return torch.tensor([_score(text, observed) for text in completions], dtype=dtype or torch.get_default_dtype())


def _score(text: str, observed: bool) -> float:
    blocks, nested, tidy = _read(_without_thinking(text))
    if not blocks:
        return 0.0
    steps = [block for block in blocks if block.kind == "step"]
    ends = [block for block in blocks if block.kind == "stop_analysis"]
    checks = (
        nested,
        bool(steps) and all(step.complete(STEP_PARTS, observed) for step in steps),
        bool(steps),
        len(ends) == 1 and blocks[-1] is ends[0] and ends[0].complete(END_PARTS),
        tidy,
    )
    return sum(checks) / len(checks)


def _without_thinking(text: str) -> str:
    start = len(text) - len(text.lstrip())
    closed = text.find(_THINK[1]) if text.startswith(_THINK[0], start) else -1
    return text[closed + len(_THINK[1]) :] if closed >= 0 else text


def _read(text: str) -> tuple[list[Block], bool, bool]:
    """(closed blocks in order, are all marks nested as they should be?, is everything outside the parts white space?)."""
    blocks: list[Block] = []
    nested, tidy, end = True, True, 0
    block: Block | None = None
    part, opened = "", 0
    for mark in _MARK.finditer(text):
        between, closing, name = text[end : mark.start()], bool(mark[1]), mark[2]
        end = mark.end()
        if not part and between.strip():
            tidy = False
        if part:
            if closing and name == part and block is not None:
                (block.filled if text[opened : mark.start()].strip() else block.empty).append(part)
                part = ""
            else:
                nested = False
                if closing and block is not None and name == block.kind:  # the part was never closed: the block is over all the same
                    blocks.append(block)
                    block, part = None, ""
        elif block is None:
            if not closing and name in BLOCKS:
                block = Block(name)
            else:
                nested = False
        elif closing and name == block.kind:
            blocks.append(block)
            block = None
        elif not closing and name in BLOCKS[block.kind]:
            part, opened = name, end
        else:
            nested = False
    return blocks, nested and block is None, tidy and (bool(part) or not text[end:].strip())
