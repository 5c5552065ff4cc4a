"""Prior prompts (arXiv 2505.14157) in the lab's words: what is said before the question, and a trace in the style that it asks for.

    {instruction}\\n\\n{question}    ->    <plan>\\n...\\n</plan>\\n\\n<answer>Ann has 55 pears. \\boxed{55}</answer>

The style "reasoning" has its opening mark in the prompt already. The wording and how each style is expressed here are ours; the paper's were not found.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from thinkwell.lab.labels import statements
from thinkwell.lab.tokenizer import UNTHINK
from thinkwell.lab.trace import STEP_END, Trace, write
from thinkwell.lab.world import LabProblem

FOLLOWED = 0.8
"""Share of replies that do as the prompt says; the others are ordinary traces, so that there is a format left to learn."""
_CALCULATION = re.compile(r"\d{1,6} [-+*/] \d{1,6} = \d{1,6}")


@dataclass(frozen=True)
class PriorPrompt:
    """tag: what the style's part stands in. instruction: what is said before the question. opened: the lab's prompt has written the first opening mark."""

    tag: str
    instruction: str
    opened: bool = False

    def ask(self, question: str) -> str:
        """The user's turn."""
        return f"{self.instruction}{STEP_END}{question}"


PRIOR_PROMPTS = {
    "reasoning": PriorPrompt("think", "Think first, then give the answer in <answer>.", opened=True),
    "planning": PriorPrompt("plan", "First plan in <plan>, then give the answer in <answer>."),
    "code": PriorPrompt("code", "Use code in <code>, then give the answer in <answer>."),
    "knowledge": PriorPrompt("knowledge", "First say the facts in <knowledge>, then give the answer in <answer>."),
    "null-example": PriorPrompt("examples", "Use the examples in <examples>, then give the answer in <answer>."),
}
"""Style -> its prior prompt."""
FACTS = {"+": "more is +", "-": "fewer is -", "*": "each is *", "/": "half is /"}
"""What a solver recalls of the operations that it will need."""


def styled(problem: LabProblem, rng: random.Random, style: str) -> str:
    """A reply in this style: what follows `<think>\\n`, up to the end-of-turn token. Mistakes are as frequent as in any trace."""
    trace = write(problem, rng)
    answer = f"<answer>{trace.solution}</answer>"
    if style == "reasoning":
        return f"{trace.thinking}{UNTHINK}{STEP_END}{answer}"
    tag = PRIOR_PROMPTS[style].tag
    body = {"planning": _plan, "code": _code, "knowledge": _knowledge, "null-example": _example}[style](trace, rng)
    return f"<{tag}>\n{body}</{tag}>{STEP_END}{answer}"


def _operations(trace: Trace) -> list[str]:
    """The operations of the trace in order, reflections left out."""
    return [
        said.op
        for line in trace.lines
        if line.plan is not None and line.kind != "correction"
        for said in statements(line.text)
        if said.op != "="
    ]


def _plan(trace: Trace, rng: random.Random) -> str:
    return f"The plan: {', '.join(f'step {i} {op}' for i, op in enumerate(_operations(trace), 1))}.{STEP_END}{trace.thinking}"


def _code(trace: Trace, rng: random.Random) -> str:
    """One assignment a line; what is no calculation is left out, but for the value that the story starts with."""
    lines = []
    for line in trace.lines:
        found = _CALCULATION.findall(line.text) or [str(said.value) for said in statements(line.text)]
        lines += [f"x = {claim}" for claim in found]
    return "\n".join([*lines, f"print {trace.answer}"]) + "\n"


def _knowledge(trace: Trace, rng: random.Random) -> str:
    return f"The facts: {', '.join(FACTS[op] for op in dict.fromkeys(_operations(trace)))}.{STEP_END}{trace.thinking}"


def _example(trace: Trace, rng: random.Random) -> str:
    a, b = rng.randint(2, 9), rng.randint(2, 9)
    return f"One problem: {a} + {b} = {a + b}. The answer is {a + b}.{STEP_END}{trace.thinking}"
