r"""What `sift` says: how a sticker is asked for, mended, and derived from a prediction; and how a sticker is read.

A sticker is a numbered list of atomic conditions and one question. The three turns (generate, forward, inverse) are asked in the words below. The predictions are asked in
the preset's own words, with the sticker, or the question, a blank line and the sticker, in the question's place.

The lab's skills. Think marks as everywhere: the assistant's turn is opened with "<think>\n", so a sticker is "</think>\n\n", the sticker, the end of the turn.

    A sticker of a plan:
        The conditions:
        1. Ann starts with 5 apples.
        2. Ann gets 7 more: it + 7.
        3. The boxes hold 3 * 8 apples.
        4. Now Ann has it + that.
        The question: How many apples does Ann have now?
    One line a plan step, in order: the step's sentence (`world.Step.say`) with the claim not yet done, `condition(say, op, left, right)` below. An operand that is a `Ref`
    is "it" (the running value) if the plan step it names is `main`, else "that". Distractors are left out. The question is the last sentence of the problem. `lab_sticker`
    puts it together.

    write a sticker              user: LAB_GENERATE with the problem's question           reply: the sticker of the plan
    fix a sticker                user: LAB_FORWARD with question and a candidate          reply: the sticker of the plan
        Candidates: the sticker of the plan itself (a good one must come back as it is); or with one or two faults: a trap read wrongly (`Step.misread` in place of the
        step), a tempting distractor as a condition (`Distractor.say` with "{x}" as "it + 9", behind step `after`), a line left out, a number off; now and then an empty one.
    find a sticker               user: LAB_INVERSE with a prediction                      reply: the sticker that leads to this prediction, right or wrong
        The prediction shown is `plain_prediction(trace.text)`. One line a step that stands at the end (a corrected one as corrected; checks are no conditions), misreadings and
        added distractors as the trace made them: `trace.Line.kind` and `.plan` are the truth. Slips leave no mark in a condition. The problem's question is not shown, so the
        last line is always "The question: How many apples does Ann have now?" with the items and the last name of the trace.
    solve from a sticker         user: the sticker alone                                  reply: a trace as ever ("5 + 7 = 12" for "it + 7"), each line in order, then the answer
        Also for faulty stickers: the trace does what the sticker says. Slips at the usual rate, no misreadings: the sticker was read already.
    solve from sticker and question    user: the question, a blank line, the sticker      reply: the right trace of the problem, also beside a faulty sticker

To leave the later stages something to mend, a share of the generated stickers can be those of a reader who misreads (as `trace.Style.misread` does for traces).
Worked example: the question "Ann has 5 apples. Then Ann gets 7 apples from Ben. The bag weighs 9 pounds. How many apples does Ann have now?" and LAB_GENERATE give
"</think>\n\nThe conditions:\n1. Ann starts with 5 apples.\n2. Ann gets 7 more: it + 7.\nThe question: How many apples does Ann have now?"; that sticker alone gives
"Ann starts with 5 apples.\n\nAnn gets 7 more: 5 + 7 = 12.\n\n</think>\n\nThe answer is 12. \boxed{12}".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from thinkwell.core.prompt import Message
from thinkwell.methods.wording._inert import after_thinking, inert, without_boxes


@dataclass(frozen=True, slots=True)
class Sticker:
    """`text` is what later turns see; `conditions` and `question` are its parts where it has the form asked for."""

    text: str
    conditions: tuple[str, ...] = ()
    question: str = ""

    @property
    def well_formed(self) -> bool:
        return bool(self.conditions and self.question)


@dataclass(frozen=True, slots=True)
class Wording:
    """`generate` holds {query}, `forward` {query} and {sticker}, `inverse` {prediction}. whole_prediction: show its thinking too, where the solution alone says too little."""

    generate: str
    forward: str
    inverse: str
    whole_prediction: bool = True

    def ask_sticker(self, query: str) -> list[Message]:
        """Query to sticker."""
        return _turn(self.generate.replace("{query}", query))

    def ask_forward(self, query: str, sticker: Sticker) -> list[Message]:
        """Query and sticker to a better sticker."""
        before, _, after = self.forward.partition("{sticker}")  # the query may hold any text, "{sticker}" too
        return _turn(before.replace("{query}", query) + sticker.text + after.replace("{query}", query))

    def ask_inverse(self, prediction: str, think_close: str) -> list[Message]:
        """Prediction to the sticker it was made from; the query is not shown."""
        solution = after_thinking(prediction, think_close)
        shown = prediction if self.whole_prediction or not solution else solution
        return _turn(self.inverse.replace("{prediction}", plain_prediction(shown)))


def _turn(text: str) -> list[Message]:
    return [{"role": "user", "content": text}]


def plain_prediction(text: str) -> str:
    """A prediction as another turn may show it: no marks, no fences."""
    return inert(text)


_HEADER = re.compile(r"(?:\*\*|__|#+ )?(?:\bThe )?\bConditions?:", re.IGNORECASE)
_QUESTION = re.compile(r"^[ \t*_#]*(?:The )?Question:[ \t*_]*", re.IGNORECASE | re.MULTILINE)
_CONDITION = re.compile(r"^[ \t]*\d{1,3}[.)][ \t]+(\S.*)$", re.MULTILINE)


def read_sticker(reply: str, think_close: str = "") -> Sticker:
    """The sticker of a reply: from the first "Conditions:" to the next code fence; without that header the whole reply. Empty if the thinking never ended.

    Lines with a boxed answer are left out: a sticker must not hand its reader the answer.
    """
    said = after_thinking(reply, think_close) or ""
    header = _HEADER.search(said)
    text = without_boxes(inert(said[header.start() :].partition("```")[0] if header else said))
    if header is None:
        return Sticker(text)
    asked = _QUESTION.search(text)
    listed = text[: asked.start()] if asked else text
    question = " ".join(text[asked.end() :].split()) if asked else ""
    return Sticker(text, tuple(line.strip() for line in _CONDITION.findall(listed)), question)


def condition(say: str, op: str, left: int | str, right: int | str) -> str:
    """A lab condition: the sentence of a plan step with its claim not yet done. Operands: numbers, "it" (the running value) or "that" (the value just found)."""
    return say.replace("{x}", str(right) if op == "=" else f"{left} {op} {right}")


def lab_sticker(conditions: Sequence[str], question: str) -> str:
    """A sticker as the lab writes it."""
    return "\n".join(["The conditions:", *(f"{i}. {line}" for i, line in enumerate(conditions, 1)), f"The question: {question}"])


_FORMAT = """Write nothing but this form:

**Conditions:**
1. [one condition]
2. [one condition]
(as many as there are)

**Question:**
[what is asked, in one sentence, without the conditions]"""

_EXAMPLE_STICKER = """**Conditions:**
1. A baker fills 6 trays.
2. Each tray holds 12 rolls.
3. A quarter of all rolls is sold before noon.

**Question:**
How many rolls are left after noon begins?"""

GENERATE = f"""Take the problem below apart into its atoms: the facts it is made of, and what it asks.
- Each condition states one fact that cannot be split further, with its numbers and units, as the problem means it.
- Keep every fact that the solution needs. Add none, and do not begin to solve.

{_FORMAT}

Example. For the problem
```
A baker fills 6 trays with 12 rolls each and sells a quarter of all rolls before noon. How many rolls are left?
```
the output is
```
{_EXAMPLE_STICKER}
```

The problem:
```
{{query}}
```"""

FORWARD = f"""Here are a problem and an abstract of it. Compare the abstract with the problem and write a better one. Look for
- conditions that are missing, wrong or superfluous;
- a question that is not exactly what the problem asks;
- statements that contradict one another or make no sense as mathematics;
- departures from the form below.
An abstract without faults is written again as it is. Do not solve the problem.

{_FORMAT}

Example 1. Problem: "A rope of 20 m is cut into two pieces; one is 4 m longer than the other. How long is the shorter piece?"
The abstract says "One piece is 4 m long." The better one says "One piece is 4 m longer than the other."
Example 2. Problem: "Lena reads 15 pages every second day of June. How many pages is that?"
The abstract lacks the length of June. The better one has "Lena reads 15 pages on each reading day.", "Every second day is a reading day.", "June has 30 days."

The problem:
```
{{query}}
```

The abstract:
```
{{sticker}}
```"""

INVERSE = f"""Below is somebody's solution of a problem that you cannot see. Work backwards: write the abstract of the problem that this solution answers.
- State each condition that the solution starts from, as the solution takes it; every condition is a single fact that cannot be split further.
- Nothing that the solution works out may appear: no intermediate result, no answer.

{_FORMAT}

Example. For the solution
```
There are 6 * 12 = 72 rolls. A quarter of them, 18, is sold before noon. So 72 - 18 = 54 are left.
```
the output is
```
{_EXAMPLE_STICKER}
```

The solution:
```
{{prediction}}
```"""

LAB_GENERATE = "{query}\n\nNow say the facts as a sticker."
LAB_FORWARD = "{query}\n\n{sticker}\n\nNow check and fix the sticker."
LAB_INVERSE = "{prediction}\n\nNow find the sticker for this solution."

WORDINGS: dict[str, Wording] = {
    "instruct": Wording(GENERATE, FORWARD, INVERSE),
    "reasoning": Wording(GENERATE, FORWARD, INVERSE, whole_prediction=False),
    "lab": Wording(LAB_GENERATE, LAB_FORWARD, LAB_INVERSE),
}
