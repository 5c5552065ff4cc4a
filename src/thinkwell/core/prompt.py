"""A prompt preset: the named, versioned way a question is put to a kind of model, and the marks its thinking carries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from thinkwell.core.problem import Problem

Message = dict[str, str]


@dataclass(frozen=True, slots=True)
class Preset:
    """How to ask, and how to read and steer what comes back.

    template: the user turn; `{question}` and, for choices, `{options}` are filled in. think_open is what the prompt already holds or the
    model writes first; think_close ends the thinking (as text). answer_cue follows think_close when a method forces an answer.
    step_delimiter ends a reasoning step. max_tokens: default ceiling of one path. typical_tokens: a usual length of one answer, by which
    methods size themselves to a budget. temperature, top_p: the sampling the preset is published with.
    """

    name: str
    version: int
    template: str
    system: str = ""
    think_open: str = "<think>\n"
    think_close: str = "</think>"
    answer_cue: str = "\n\nFinal answer: \\boxed{"
    step_delimiter: str = "\n\n"
    max_tokens: int = 4096
    typical_tokens: int = 1024
    temperature: float = 0.8
    top_p: float = 1.0

    @property
    def kind(self) -> Literal["lab", "reasoning", "instruct"]:
        """What kind of model it asks: the lab's, one that marks its thinking, or neither. Methods choose the wording of their own turns by it."""
        return "lab" if self.name.startswith("lab") else "reasoning" if self.think_close else "instruct"

    @property
    def full_name(self) -> str:
        return f"{self.name}@{self.version}"

    def messages(self, problem: Problem) -> list[Message]:
        """The conversation to send: an optional system turn and the user turn."""
        options = "\n".join(f"({chr(65 + i)}) {text}" for i, text in enumerate(problem.options))
        user = self.template.replace("{options}", options).replace("{question}", problem.question)
        return ([{"role": "system", "content": self.system}] if self.system else []) + [{"role": "user", "content": user}]
