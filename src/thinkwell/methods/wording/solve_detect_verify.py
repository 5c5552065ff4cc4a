r"""What `solve_detect_verify` and the FlexiVe verifier say: is the solution complete, where is its first wrong step, solve it again; and how replies are read.

The instruct and reasoning texts of the verifier are those of ProcessBench's critique (paragraphs in tags, counted from 0, the index in a box, -1 for
none), which the paper trains on.

The lab's skills. A solution is shown by its paragraphs (`paragraphs`: the parts between blank lines, think marks left out, the sentence with the box last), numbered from 1.
Take for all examples the problem "Ann has 5 apples. Ann gets 3 apples from Ben. Then Ann doubles the number of apples. How many apples does Ann have now?".

1. *Judge a solution fast.* User turn (`Wording.verify`):

       <question>\n\nStep 1: Ann starts with 5 apples.\n\nStep 2: Ann gets 3 more: 5 + 3 = 9.\n\nStep 3: Double it: 9 * 2 = 18.\n\nStep 4: Ann has 18 apples. \boxed{18}\n\n
       Now find the first wrong step.

   Ideal reply (`lab_verdict`), at once: "</think>\n\nStep 2 is wrong: 5 + 3 = 8." and the end of the turn; "</think>\n\nAll correct." where no step is wrong. Exact truth:
   the first paragraph whose label (`lab.labels.label`) has `right` False, and what it should have stated, "left op right = value" with the plan's own values, or the bare value for
   op "=" ("Step 4 is wrong: 16."). Where the label has no plan step (a distractor added in), say nothing more: "Step 3 is wrong.".
2. *Judge with thinking.* The same user turn; ideal reply (`lab_thinking`): every paragraph up to the first wrong one, then the verdict as above:
   "Step 1: 5. Yes.\n\nStep 2: 5 + 3 = 8. No.\n\n</think>\n\nStep 2 is wrong: 5 + 3 = 8.". A paragraph that claims nothing is "Step 3: okay. Yes.".
3. *Say whether the solution is complete.* Three turns: user the question, assistant a begun trace cut after a word like "Wait" (plain text, no think marks), user
   "So have you got the final answer? Answer Yes or No.". Ideal reply: "</think>\n\nYes" or "</think>\n\nNo". Exact truth: Yes when `lab.labels.optimal_length(problem, trace)` is 0
   (every step of the plan is stated, rightly or not).
4. *Solve again with feedback.* User turn (`Wording.refine`): question and numbered steps as in 1, then the feedback (a reply of 1 or 2 without its thinking), then
   "Now solve it again.". Ideal reply: a right trace as for the bare question ("Ann starts with 5 apples.\n\n...</think>\n\nAnn has 16 apples. \boxed{16}"). Truth: the plan.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from thinkwell.core.prompt import Message
from thinkwell.methods.wording._inert import after_thinking, inert, settled


@dataclass(frozen=True, slots=True)
class Wording:
    """`verify` and `refine` hold {question} and {solution}, `refine` also {feedback}. `fast` and `slow` are added to `verify` for models without thinking marks.

    `finished` is written into the thinking before it is closed for the model. `tagged`: paragraphs in tags counted from 0, else "Step 1: ".
    """

    complete: str
    verify: str
    refine: str
    fast: str = ""
    slow: str = ""
    finished: str = ""
    tagged: bool = True

    def probe(self, question: list[Message], trace: str) -> list[Message]:
        """The conversation that asks the solver whether its begun solution holds the final answer. `question`: the turns that put the problem."""
        return [*question, {"role": "assistant", "content": plain(trace)}, {"role": "user", "content": self.complete}]

    def verification(self, question: str, parts: Sequence[str], *, slow: bool) -> list[Message]:
        text = self.verify.format(question=question, solution=self.show(parts)) + (self.slow if slow else self.fast)
        return [{"role": "user", "content": text}]

    def refinement(self, question: str, parts: Sequence[str], feedback: str) -> list[Message]:
        said = plain(feedback) or self.no_feedback
        return [{"role": "user", "content": self.refine.format(question=question, solution=self.show(parts), feedback=said)}]

    @property
    def no_feedback(self) -> str:
        """Said in place of feedback where no verification could be read."""
        return "The solution could not be verified." if self.tagged else "One step is wrong."

    def show(self, parts: Sequence[str]) -> str:
        return tagged(parts) if self.tagged else numbered(parts)


_VERIFY = (
    "The following is a math problem and a solution (split into paragraphs, enclosed with tags and indexed from 0):\n\n"
    "[Math Problem]\n\n{question}\n\n[Solution]\n\n{solution}\n\n"
    "Your task is to review and critique the solution paragraph by paragraph. Once you identify an error in a paragraph, return the index of the paragraph where the "
    'earliest error occurs. Otherwise, return the index of -1 (which typically denotes "not found").\n\n'
    "Please put your final answer (i.e., the index) in \\boxed{{}}."
)
_REFINE = (
    "{question}\n\n[Previous Solution]\n\n{solution}\n\n[Feedback of a Verifier]\n\n{feedback}\n\n"
    "The previous solution was split into paragraphs, indexed from 0, at the words where its author hesitated; the feedback names paragraphs by their index. It may be mistaken. "
    "Write a complete and corrected solution of the problem, with reasoning step by step, and put your final answer within \\boxed{{}}."
)
_COMPLETE = "Is your current solution complete, that is, does it contain the final answer to the problem? Reply with one word, Yes or No."

WORDINGS: dict[str, Wording] = {
    "instruct": Wording(
        _COMPLETE, _VERIFY, _REFINE, fast=" Keep the critique to one or two sentences.", slow=" Redo every paragraph's calculation before you judge it."
    ),
    "reasoning": Wording(_COMPLETE, _VERIFY, _REFINE, finished="Okay, I think I have finished thinking.\n"),
    "lab": Wording(
        "So have you got the final answer? Answer Yes or No.",
        "{question}\n\n{solution}\n\nNow find the first wrong step.",
        "{question}\n\n{solution}\n\n{feedback}\n\nNow solve it again.",
        tagged=False,
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one verification says: `error` is the index (from 0) of the first wrong paragraph, None for "all correct"; `feedback` is the text it said."""

    error: int | None
    feedback: str = ""

    @property
    def correct(self) -> bool:
        return self.error is None


def read_verdict(reply: str, n_parts: int, *, lab: bool = False, think_close: str = "") -> Verdict | None:
    """The verdict of a reply on a solution of `n_parts` paragraphs; None if it holds none or names a paragraph that does not exist.

    think_close: given where the thinking was opened; a reply that never closes it has no verdict, and what stands before is not read.
    """
    said = after_thinking(reply, think_close)
    if said is None:
        return None
    if lab:
        found = _LAB_VERDICT.match(said)
        if not found:
            return None
        error = int(found[1]) - 1 if found[1] else -1
        if found[1] and error < 0:
            return None
    else:
        boxes = _BOXED_INDEX.findall(said)
        if not boxes:
            return None
        error = int(boxes[-1])
    if error == -1:
        return Verdict(None, said)
    return Verdict(error, said) if 0 <= error < n_parts else None


_LAB_VERDICT = re.compile(r"(?:Step (\d{1,4}) is wrong\b|All correct\b)", re.ASCII)
_BOXED_INDEX = re.compile(r"\\boxed\{\s{0,4}(?:\\text\{|\\mathrm\{|paragraph_)?\s{0,4}(-?\d{1,6})\s{0,4}\}", re.ASCII)

_TAG = re.compile(r"</?\s{0,3}paragraph(?:_\d{1,6})?\s{0,3}>", re.IGNORECASE)


def plain(text: str) -> str:
    """A text that cannot leave its frame: marks of thinking, of paragraphs and of chat templates become spaces, again until none is left."""
    return settled(text, lambda left: _TAG.sub(" ", inert(left)))


def paragraphs(solution: str) -> list[str]:
    """The parts between blank lines, think marks left out: what the lab's skills count as steps."""
    return [part.strip() for part in re.split(r"\n[^\S\n]*\n", plain(solution)) if part.strip()]


def tagged(parts: Sequence[str]) -> str:
    return "\n".join(f"<paragraph_{i}>\n{plain(part)}\n</paragraph_{i}>" for i, part in enumerate(parts))


def numbered(parts: Sequence[str]) -> str:
    """One paragraph a step; line breaks within one become spaces, so that no step can pretend to be two."""
    return "\n\n".join(f"Step {i}: {' '.join(plain(part).split())}" for i, part in enumerate(parts, 1))


def lab_verdict(error: int | None, claim: str = "") -> str:
    """Ideal end of a verification in the lab's words. error: index from 0; claim: what the step should have stated, "5 + 3 = 8" or "16"."""
    if error is None:
        return "</think>\n\nAll correct."
    return f"</think>\n\nStep {error + 1} is wrong{': ' + claim if claim else ''}."


def lab_thinking(claims: Sequence[str], error: int | None) -> str:
    """Ideal verification with thinking: what each paragraph should state ("" for nothing), up to the first wrong one, and the verdict."""
    shown = claims if error is None else claims[: error + 1]
    lines = [f"Step {i + 1}: {claim or 'okay'}. {'No' if i == error else 'Yes'}.\n\n" for i, claim in enumerate(shown)]
    return "".join(lines) + lab_verdict(error, claims[error] if error is not None else "")
