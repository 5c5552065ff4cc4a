r"""What `critic_guided` says to a step critic (SPC): judge the last step of a begun solution; and how the verdict is read.

A critique has three parts: what the solution is doing, a short critique of the last step, and the verdict in a tag, `<Answer>Correct</Answer>` or `<Answer>Incorrect</Answer>`.
A reply without exactly one kind of verdict is no judgement, which the method counts.

The lab's skill, *criticise one step*. The user turn shows the steps so far, numbered from 1 as in `solve_detect_verify` (`numbered(paragraphs(trace))`), the last one to be judged:

    <question>\n\nStep 1: Ann starts with 5 apples.\n\nStep 2: Ann gets 3 more: 5 + 3 = 9.\n\nNow check step 2.

Ideal reply (`lab_critique`), at once: what the step should state, then the verdict: "</think>\n\n5 + 3 = 8. Answer: incorrect" and the end of the turn. A step that is right:
"</think>\n\n5 + 3 = 8. Answer: correct"; a bare value: "</think>\n\n5. Answer: correct"; a step that claims nothing, or for which the plan has no place (a distractor added
in): "</think>\n\nNo result. Answer: correct" (or incorrect). Exact truth: `right` of the label of the last paragraph (`lab.labels.label` on the trace up to it; None counts as
correct) and the claim of its plan step with the plan's own values. Take steps whose prefix is still solvable (`solvable` of the label before): the last step is then judged
on its own, and no step is called wrong for a mistake made before it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from thinkwell.core.prompt import Message
from thinkwell.methods.wording._inert import after_thinking, settled
from thinkwell.methods.wording.solve_detect_verify import numbered, plain


class Label(StrEnum):
    CORRECT = "correct"
    INCORRECT = "incorrect"


@dataclass(frozen=True, slots=True)
class Critique:
    """One judgement of one step, with the text it was read from."""

    label: Label
    text: str = ""


@dataclass(frozen=True, slots=True)
class Wording:
    """`judge` holds {question}; {partial} and {step}, or {steps} and {number} where steps are numbered. `opening` stands for an empty partial solution."""

    judge: str
    opening: str = ""
    finished: str = ""
    numbered: bool = False

    def messages(self, question: str, parts: Sequence[str]) -> list[Message]:
        """The conversation that judges the last of `parts`."""
        if self.numbered:
            text = self.judge.format(question=question, steps=numbered(parts), number=len(parts))
        else:
            partial = "\n\n".join(_frameless(part) for part in parts[:-1]) or self.opening
            text = self.judge.format(question=question, partial=partial, step=_frameless(parts[-1]))
        return [{"role": "user", "content": text}]


_JUDGE = (
    "You are a critic of reasoning steps. You are given a problem, a partial solution and its last step. Judge the last step alone.\n\n"
    "## Problem\n{question}\n\n## Partial Solution\n{partial}\n\n## Last Step\n{step}\n\n"
    "First say in a few sentences what the partial solution is doing. Then criticise the last step briefly: does it follow, is it right? "
    "Finally conclude with one line, <Answer>Correct</Answer> or <Answer>Incorrect</Answer>."
)
_OPENING = "Let us solve the problem step by step."

WORDINGS: dict[str, Wording] = {
    "instruct": Wording(_JUDGE, _OPENING),
    "reasoning": Wording(_JUDGE, _OPENING, finished="Okay, I think I have finished thinking.\n"),
    "lab": Wording("{question}\n\n{steps}\n\nNow check step {number}.", numbered=True),
}

_FRAME = re.compile(r"</?\s{0,3}answer\s{0,3}>|^#{1,6}\s*(?=(?:problem|partial solution|last step)\b)", re.IGNORECASE | re.MULTILINE)
_TAGGED = re.compile(r"<answer>\s{0,8}(correct|incorrect)\b[\s.]{0,8}</answer>", re.IGNORECASE)
_LAB = re.compile(r"Answer: ?(correct|incorrect)\b")


def read_critique(reply: str, *, lab: bool = False, think_close: str = "") -> Critique | None:
    """The verdict of a reply; None if it holds none, or both. think_close: given where the thinking was opened; without it in the reply nothing is read."""
    said = after_thinking(reply, think_close)
    if said is None:
        return None
    labels = {label.lower() for label in (_LAB if lab else _TAGGED).findall(said)}
    return Critique(Label(labels.pop()), said) if len(labels) == 1 else None


def _frameless(text: str) -> str:
    """A step that can neither answer for the critic nor open a section of the frame, again until nothing of them is left."""
    return settled(text, lambda left: _FRAME.sub(" ", plain(left))).strip()


def lab_critique(correct: bool, claim: str = "") -> str:
    """Ideal critique in the lab's words. claim: what the step should state, "5 + 3 = 8" or "5"; "" where the plan has nothing to say."""
    return f"</think>\n\n{claim or 'No result'}. Answer: {'correct' if correct else 'incorrect'}"
