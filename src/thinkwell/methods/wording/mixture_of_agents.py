r"""What an agent of `mixture_of_agents` is shown: the question and the answers of the layer before, to be weighed and brought together.

An answer that is quoted loses the marks that could end its frame, and its boxes: "\boxed{7}" is shown as "7". The replies are solutions, read like any other.

The lab's skill, *solve with the answers of others*. The user turn shows what each of them said after its thinking (`quoted`, on one line):

    <question>\n\n1: So Ann has 13 apples. 13\n2: The answer is 12. 12\n3: No answer.\n\nNow solve it with the answers.

Ideal reply: a trace as ever, with thinking and every step right, whatever the others say (`trace.gold_trace`, or a `trace.write` whose boxed answer is
right): "Ann starts with 5 apples.\n\nAnn gets 7 more: 5 + 7 = 12.\n\n</think>\n\nThe answer is 12. \boxed{12}". Let the answers shown be those of one
to three natural traces, some sets all wrong and some all right, so that they inform and do not bind; an answer that was cut short is shown as
"No answer.". Exact truth: the plan alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from thinkwell.core.prompt import Message
from thinkwell.methods.wording._inert import inert, settled, unboxed

TAGS = ("answer", "answers")


@dataclass(frozen=True, slots=True)
class Wording:
    """`frame` holds {question} (as the preset puts it) and {answers}; `answer` holds {number} and {text}."""

    frame: str
    answer: str
    between: str = "\n\n"
    nothing: str = "(no answer)"
    one_line: bool = False

    def synthesize(self, question: str, answers: Sequence[str]) -> list[Message]:
        """The turn that shows the answers of a layer."""
        shown = self.between.join(self._shown(number, answer) for number, answer in enumerate(answers, 1))
        fields = {"question": question, "answers": shown}
        return [{"role": "user", "content": re.sub(r"\{(question|answers)\}", lambda found: fields[found[1]], self.frame)}]

    def _shown(self, number: int, answer: str) -> str:
        text = quoted(answer) or self.nothing
        text = re.sub(r"\s*\n\s*", " ", text) if self.one_line else text
        before, _, after = self.answer.replace("{number}", str(number)).partition("{text}")
        return before + text + after


_FRAME = """{question}

Several models were asked this. Here are their answers:

{answers}

Bring them together into one answer of high quality. Weigh each of them critically: some may be biased or wrong, also where they agree. Do \
not just repeat one of them; reason for yourself, mend what is wrong, and give a complete solution in the form that was asked for."""
_ANSWER = "<answer {number}>\n{text}\n</answer {number}>"

WORDINGS: dict[str, Wording] = {
    "instruct": Wording(_FRAME, _ANSWER),
    "reasoning": Wording(_FRAME, _ANSWER),
    "lab": Wording("{question}\n\n{answers}\n\nNow solve it with the answers.", "{number}: {text}", "\n", "No answer.", one_line=True),
}

_FRAME_TAG = re.compile(r"</?\s{0,3}answers?\b[^<>]{0,40}>", re.IGNORECASE)


def quoted(text: str) -> str:
    """An answer that can be shown to another agent: nothing in it ends its frame or states a boxed answer."""
    return settled(text, lambda left: _FRAME_TAG.sub(" ", unboxed(inert(left, TAGS))))
