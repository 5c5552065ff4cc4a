"""What `latent_seek` says when a model judges its own answer: four checks of one solution, each a turn of its own, and how a verdict is read.

The checks are those of the paper (after Multi-Agent Verification), in words of our own: the calculations, the final answer, that there is an answer, and that the problem was
understood. A verdict is read from the reply alone, after its thinking and after the last marker: the first word there decides. (Reading prompt and reply together would find the
prompt's own example where the reply has no verdict.) No such word: no verdict, which the method counts.

The lab's skill, four user turns of one form:

    <the problem's question>

    One solution:

    <the thinking, step by step, a blank line after each, then the sentence with the boxed answer; no think marks>

    Now check each step: is each value correct?
    Now check the answer: is it correct?
    Now check the end: does it say one answer?
    Now check the facts: does each step use the right facts?      (the last line is one of these four)

Ideal reply, at once: "</think>\\n\\nYes" or "</think>\\n\\nNo" and the end of the turn. Thinking before the mark is allowed and not read. Worked example: the question
"Ann has 5 apples. Ann gets 3 apples from Ben. How many apples does Ann have now?" with the solution "Ann starts with 5 apples.\\n\\nAnn gets 3 more: 5 + 3 = 9.\\n\\n
Ann has 9 apples. \\boxed{9}" has the four replies No, No, Yes, Yes. Exact truth, from `lab.labels` on the same trace:

    value    no statement of any step (`labels.statements`) has `exact` False
    answer   `labels.boxed` is the problem's answer
    end      `labels.boxed` is a number
    facts    no step is wrong (`label(...).right` False) with its calculation exact, unless a later step corrected it: for traces of `lab.trace.write`, no line of kind "misread"
             or "tempted" without a "correction" after it; the boxed answer being right is always a Yes
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from thinkwell.core.prompt import Message


class Check(StrEnum):
    """One look at a solution."""

    CALCULATION = "calculation"
    ANSWER = "answer"
    COMPLETE = "complete"
    UNDERSTOOD = "understood"


@dataclass(frozen=True, slots=True)
class Wording:
    """`frame` holds {question}, {solution} and {check}. `marker` stands before the verdict; "": the reply begins with it."""

    frame: str
    calculation: str
    answer: str
    complete: str
    understood: str
    marker: str = ""

    def messages(self, check: Check, question: str, solution: str) -> list[Message]:
        """The conversation of one check."""
        text = self.frame.format(question=question, solution=plain(solution), check=getattr(self, check.value))
        return [{"role": "user", "content": text}]


_ROLE = (
    "You are a careful verifier. Here are a problem and a proposed solution.\n\n"
    "<problem>\n{question}\n</problem>\n\n<solution>\n{solution}\n</solution>\n\n{check}"
)
_CALCULATION = "Check the calculations only. Take every arithmetic expression of the solution, compute it anew, compare. Do not judge whether it was the right thing to compute."
_ANSWER = (
    "Check the final answer only. Solve the problem yourself, ignore the steps of the solution, and compare its final answer with yours."
)
_COMPLETE = "Check only whether the solution is complete: does it end by stating one definite final value as its answer? Do not judge whether the value is right."
_UNDERSTOOD = "Check only whether the problem was understood: does the solution read every condition as the problem states it, and answer what was asked?"
_END = " End with one line of the form 'Verdict: True' or 'Verdict: False'."
_STEPS = " Think step by step."

WORDINGS: dict[str, Wording] = {
    "instruct": Wording(
        _ROLE, _CALCULATION + _STEPS + _END, _ANSWER + _STEPS + _END, _COMPLETE + _STEPS + _END, _UNDERSTOOD + _STEPS + _END, "Verdict:"
    ),
    "reasoning": Wording(_ROLE, _CALCULATION + _END, _ANSWER + _END, _COMPLETE + _END, _UNDERSTOOD + _END, "Verdict:"),
    "lab": Wording(
        "{question}\n\nOne solution:\n\n{solution}\n\n{check}",
        "Now check each step: is each value correct?",
        "Now check the answer: is it correct?",
        "Now check the end: does it say one answer?",
        "Now check the facts: does each step use the right facts?",
    ),
}

_YES = frozenset({"true", "yes", "correct"})
_NO = frozenset({"false", "no", "incorrect", "wrong"})
_MARK = re.compile(r"</?(?:think|solution|problem)\s{0,3}>|<\|[^<>\n]{0,40}\|>", re.IGNORECASE)


def plain(solution: str) -> str:
    """A solution that cannot leave its frame: marks of thinking, of the frame and of a chat template become blank lines."""
    return re.sub(r"\n{3,}", "\n\n", _MARK.sub("\n\n", solution)).strip()


def read_verdict(reply: str, marker: str, *, think_close: str = "") -> bool | None:
    """The verdict of a reply: the first word after the last marker, thinking set aside; None if there is none.

    think_close: given where the prompt had opened the thinking; a reply that never closes it has no verdict.
    """
    if think_close and think_close not in reply:
        return None
    said = reply.rpartition(think_close)[2] if think_close else reply
    _, found, after = said.rpartition(marker) if marker else ("", " ", said)
    word = re.match(r"[\s*_\"'`:.(]*([A-Za-z]+)", after) if found else None
    first = word[1].lower() if word else ""
    return True if first in _YES else False if first in _NO else None
