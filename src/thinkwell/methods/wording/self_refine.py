r"""What `self_refine` says: how a model is asked to judge its own solution and to write a better one; and how its verdict is read.

Feedback ends with a verdict that a program can read: a line "Verdict: correct" or "Verdict: wrong"; anything else is no verdict, which the method counts.
(The original code looks for a phrase anywhere in the feedback, so "it is not correct" may stop it.)

The lab's skills. Think marks as everywhere: the assistant's turn is opened with "<think>\n". The solution shown is the whole trace without its think marks:
`plain_solution(trace.text)`.

    give feedback    user: LAB_FEEDBACK with question and solution
        reply, at once: "</think>\n\n" and
        "Yes, all correct."                                              if the solution's boxed answer is right (`labels.boxed`)
        "No. That step is wrong: {wrong} The right step: {right}"        else
        {wrong} is the first step after which the right answer stays out of reach: of the steps of `labels.label`, the first from which on `solvable` is False to the
        end; its text without the blank line. {right} is the plan's sentence for it with the gold values (`Step.say` with "{x}" as "5 + 7 = 12"), or for a distractor that
        was added in its `Distractor.deny` with the gold running value. `trace.write` plants slips, misreadings and temptations only, so one of the two always exists.
    refine           user: LAB_REFINE with question and LAB_ATTEMPT of solution and that feedback
        reply: a trace as ever: the steps before the wrong one as they were (or as the plan says them), the right step, the rest of the plan done right, "</think>", the
        answer; `trace.gold_trace` is one. Where the feedback says "Yes, all correct." the method does not ask.

Worked example: the question "Ann has 5 apples. Ann gets 7 apples from Ben. How many apples does Ann have now?" with the trace
"Ann starts with 5 apples.\n\nAnn gets 7 more: 5 + 7 = 13.\n\n</think>\n\nThe answer is 13. \boxed{13}" gives
    user      <question>\n\nOne solution:\n\nAnn starts with 5 apples.\n\nAnn gets 7 more: 5 + 7 = 13.\n\nThe answer is 13. \boxed{13}\n\nNow check the solution step by step.
    reply     </think>\n\nNo. That step is wrong: Ann gets 7 more: 5 + 7 = 13. The right step: Ann gets 7 more: 5 + 7 = 12.
    user      <question>\n\nOne solution:\n\n<as above>\n\n<that reply's "No. ...">\n\nNow solve it again.
    reply     Ann starts with 5 apples.\n\nAnn gets 7 more: 5 + 7 = 12.\n\n</think>\n\nThe answer is 12. \boxed{12}
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from thinkwell.core.prompt import Message
from thinkwell.methods.wording._inert import after_thinking, inert

TAGS = ("problem", "solution", "feedback", "attempt")


class Judgement(StrEnum):
    """What feedback says of a solution."""

    CORRECT = "correct"
    WRONG = "wrong"
    UNREADABLE = "unreadable"  # the feedback ended without a verdict


@dataclass(frozen=True, slots=True)
class Feedback:
    """`text` is what the refining turn sees."""

    text: str
    judgement: Judgement


@dataclass(frozen=True, slots=True)
class Wording:
    """`feedback` holds {question} and {solution}; `refine` {question} (as the preset puts it) and {attempts}; `attempt` {solution} and {feedback}.

    whole_solution: show the thinking too, where what follows it says too little to be judged. all_attempts: the model can make use of all earlier attempts, not of the last alone.
    verdict: matches the verdict, its group "right" being there for a correct one.
    """

    feedback: str
    refine: str
    attempt: str
    verdict: re.Pattern[str]
    whole_solution: bool = True
    all_attempts: bool = True

    def ask_feedback(self, question: str, solution: str) -> list[Message]:
        """Judge one solution."""
        before, _, after = self.feedback.partition("{solution}")
        return _turn(before.replace("{question}", question) + solution + after)

    def ask_refined(self, question: str, attempts: Sequence[tuple[str, Feedback]]) -> list[Message]:
        """Write a better solution. attempts: (solution, its feedback), the latest last."""
        shown = "\n\n".join(self._shown(*attempt) for attempt in attempts)
        before, _, after = self.refine.partition("{attempts}")
        return _turn(before.replace("{question}", question) + shown + after)

    def _shown(self, solution: str, feedback: Feedback) -> str:
        before, _, after = self.attempt.partition("{solution}")
        return before + solution + after.replace("{feedback}", feedback.text)

    def shown_solution(self, text: str, think_close: str) -> str:
        """What later turns see of a solution."""
        said = after_thinking(text, think_close)
        return plain_solution(text if self.whole_solution or not said else said)

    def read_feedback(self, reply: str, think_close: str) -> Feedback:
        """Feedback and its verdict; the last verdict counts. Feedback whose thinking never ended says nothing."""
        said = after_thinking(reply, think_close)
        text = inert(said or "", TAGS)
        found = list(self.verdict.finditer(text))
        if not found:
            return Feedback(text, Judgement.UNREADABLE)
        return Feedback(text, Judgement.CORRECT if found[-1]["right"] else Judgement.WRONG)


def _turn(text: str) -> list[Message]:
    return [{"role": "user", "content": text}]


def plain_solution(text: str) -> str:
    """A solution as another turn may show it: no marks of thinking, chat or frame."""
    return inert(text, TAGS)


FEEDBACK = """Here are a problem and a solution of it. There may be an error in the solution.
Go through it step by step. Say for each step whether it follows from the problem and from the steps before, and whether its calculation is right.
Where a step is wrong, say what is wrong and what would be right. Do not write the whole solution again.

<problem>
{question}
</problem>

<solution>
{solution}
</solution>

End with one line: "Verdict: correct" if the solution needs no change, else "Verdict: wrong"."""

REFINE = """{question}

Here are earlier attempts at this problem, each with feedback.

{attempts}

Write a better solution: mend what the feedback finds wrong, keep what is right.
Write the whole solution, in the form that the problem asks for."""

ATTEMPT = "<attempt>\n<solution>\n{solution}\n</solution>\n<feedback>\n{feedback}\n</feedback>\n</attempt>"

LAB_FEEDBACK = "{question}\n\nOne solution:\n\n{solution}\n\nNow check the solution step by step."
LAB_REFINE = "{question}\n\n{attempts}\n\nNow solve it again."
LAB_ATTEMPT = "One solution:\n\n{solution}\n\n{feedback}"

_VERDICT = re.compile(
    r"^[ \t*_#>-]*Verdict[ \t*_]*:[ \t*_\"']*(?:(?P<right>correct)|(?:wrong|incorrect))[ \t*_\"'.!]*$", re.IGNORECASE | re.MULTILINE
)
_LAB_VERDICT = re.compile(r"\A(?:(?P<right>Yes, all correct\.)\s*\Z|No\.)")

WORDINGS: dict[str, Wording] = {
    "instruct": Wording(FEEDBACK, REFINE, ATTEMPT, _VERDICT),
    "reasoning": Wording(FEEDBACK, REFINE, ATTEMPT, _VERDICT, whole_solution=False),
    "lab": Wording(LAB_FEEDBACK, LAB_REFINE, LAB_ATTEMPT, _LAB_VERDICT, all_attempts=False),
}
