"""A cast for the team of agents: scripted lines for each, told apart by the words of its turn."""

from __future__ import annotations

from thinkwell.core.prompt import Preset
from thinkwell.engines.scripted import Ask, Reply

CHAT = Preset("chat", 1, "{question} Box it.", think_open="", think_close="", max_tokens=320, typical_tokens=40)
LAB = Preset("lab", 1, "{question}", max_tokens=320, typical_tokens=40)
MARKS = {
    "ceo": "You lead a team", "recruiter": "You recruit experts", "critic": "You review a solution", "evaluator": "You judge the solution",
    "again": "Weigh what the others say", "solver": "You work with other experts",
}  # fmt: skip
GO = "Decision: Continue\nRecruit Number: {n}\nDirection: {direction}\nMaximum Tokens: {tokens}"


def agent_of(prompt: str) -> str:
    return next(name for name, mark in MARKS.items() if mark in prompt)


class Cast:
    """A scripted model: a list of lines for each agent, the last one repeated; `asked` keeps the prompts."""

    def __init__(self, **lines):
        self.lines = {name: [line] if isinstance(line, str | Reply) else list(line) for name, line in lines.items()}
        self.asked: list[tuple[str, str]] = []

    def __call__(self, ask: Ask):
        name = agent_of(ask.prompt)
        self.asked.append((name, ask.prompt))
        lines = self.lines[name]
        return lines.pop(0) if len(lines) > 1 else lines[0]

    def prompts(self, name: str) -> list[str]:
        return [prompt for who, prompt in self.asked if who == name]

    @property
    def order(self) -> list[str]:
        return [name for name, _ in self.asked]


def cast(**lines) -> Cast:
    usual = {
        "ceo": GO.format(n=2, direction="Look at the units.", tokens=320), "recruiter": "1. an algebraist\n2. a proof reader\n3. a teacher\n4. a chemist",
        "solver": "so \\boxed{3}", "again": "then \\boxed{7}", "critic": "I find \\boxed{7}, the second step is wrong. [Disagree]",
        "evaluator": "Correctness: 1\nAdvice: fine\nRecruiting: the same",
    }  # fmt: skip
    return Cast(**{**usual, **lines})


def team(play, script, **knobs):
    return play("multi_agent", script, preset=knobs.pop("preset", CHAT), **knobs)
