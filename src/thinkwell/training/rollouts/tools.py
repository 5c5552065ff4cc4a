"""The rollout of several turns with tools: the model writes a call, the tool's observation is put behind it, the model goes on; until it ends, or a limit does.

    model   ... <calculator>12 * (3 + 4)</calculator>         a stop string ends the turn
    tool    <result>84</result>                                 origin `tool`: context, never trained on
    model   so that is 84 ...

A call is recognised by text alone, so any model can make one; its words are knobs (`Marks`). A tool that raises gives the error as its observation, counted in the sample's
`tool_errors`: to recover from an error is something to learn, and a fault of the tool must not pass as one of the model in silence. Ids are never made
from text that the model wrote.
"""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from thinkwell.core.errors import ConfigError
from thinkwell.core.path import Finish, Origin, Path, Segment
from thinkwell.core.problem import Problem
from thinkwell.engines.protocol import Rendered
from thinkwell.training.rollouts.group import request
from thinkwell.training.sample import Sample
from thinkwell.training.stage import Draw, Writer

Tool = Callable[[str], str | Awaitable[str]]
"""From the text of a call to the text of its observation. Whatever it raises becomes an observation of an error."""


@dataclass(frozen=True, slots=True)
class Marks:
    """How a call and its result look. open, close: around a call, `{name}` is the tool's; close is the stop string. result, error: the observation, `{text}` is filled in."""

    open: str = "<{name}>"
    close: str = "</{name}>"
    result: str = "\n<result>{text}</result>\n"
    error: str = "\n<result>error: {text}</result>\n"

    def __post_init__(self) -> None:
        if not self.close or "{text}" not in self.result or "{text}" not in self.error:
            raise ConfigError(
                f"marks {self} cannot tell a call or show its result; expected a closing mark, and {{text}} in result and error. Add them."
            )


@dataclass(kw_only=True)
class Tools:
    """prompts problems a step, size samples of each; tools by name. turns: calls that are answered at most; a path that makes another one ends there, cut, as it does at the
    writer's `max_tokens` of the model's own tokens. characters: of an observation, the rest is cut off."""

    tools: Mapping[str, Tool]
    prompts: int = 16
    size: int = 8
    turns: int = 8
    characters: int = 2000
    marks: Marks = Marks()
    last: dict[str, float] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        if not self.tools:
            raise ConfigError("a rollout with tools has none; expected at least one by name. Pass tools={'calculator': calculate}.")
        for name, value in (("prompts", self.prompts), ("size", self.size), ("turns", self.turns), ("characters", self.characters)):
            if value < 1:
                raise ConfigError(f"rollout with tools: {name}={value} is out of range; expected at least 1. Choose more.")
        if len({self.marks.close.format(name=name) for name in self.tools}) < len(self.tools):
            raise ConfigError(f"the closing mark {self.marks.close!r} is the same for several tools; expected {{name}} in it. Add it.")

    async def collect(self, writer: Writer, draw: Draw) -> list[Sample]:
        """Samples problem by problem, with `tool_calls` and `tool_errors` in their meta."""
        problems = draw(self.prompts)
        prompts = [await writer.engine.render(writer.preset.messages(problem), problem.id) for problem in problems]
        places = [(number, place) for number in range(len(problems)) for place in range(self.size)]
        samples = list(
            await asyncio.gather(*(self._talk(writer, problems[number], prompts[number], f"{number}.{place}") for number, place in places))
        )
        writer.engine.release([f"{writer.tag}/{number}" for number in range(len(problems))])
        for name in ("tool_calls", "tool_errors"):
            self.last[name] = sum(float(sample.meta[name]) for sample in samples) / len(samples)
        return samples

    async def _talk(self, writer: Writer, problem: Problem, prompt: Rendered, name: str) -> Sample:
        """One path, turn by turn. Positions go on rising through observations, so that the noise of a turn is its own."""
        first = request(writer, problem, prompt, name)
        stops = {self.marks.close.format(name=tool): tool for tool in self.tools}
        path = Path(name, (Segment(prompt.text, Origin.PROMPT, prompt.tokens, prompt.n_tokens),))
        calls = errors = 0
        while True:
            left = writer.max_tokens - path.count(Origin.MODEL)
            asked = replace(first, max_tokens=left, prefix=tuple(path.tokens), stop=tuple(stops))
            (turn,) = await writer.engine.generate([asked])
            path = path.plus(Segment(turn.text, Origin.MODEL, turn.tokens, turn.n_tokens, logprobs=turn.logprobs), finish=turn.finish)
            if turn.finish is not Finish.STOP:
                break
            if calls == self.turns or path.count(Origin.MODEL) >= writer.max_tokens:
                path = replace(path, finish=Finish.LENGTH)
                break
            observation, failed = await self._use(stops[turn.stop_matched or ""], turn.text)
            calls, errors = calls + 1, errors + failed
            path = path.plus(Segment(observation, Origin.TOOL, await writer.engine.encode(observation)))
        writer.engine.release([first.lineage[0]])
        facts = {"tool_calls": calls, "tool_errors": errors}
        return Sample(path, problem, group=f"{writer.tag}/{name.split('.')[0]}", version=writer.version, meta=facts)

    async def _use(self, name: str, text: str) -> tuple[str, bool]:
        """The observation of a call at the end of `text`, and whether it failed."""
        _, found, call = text.removesuffix(self.marks.close.format(name=name)).rpartition(self.marks.open.format(name=name))
        if not found:
            return self._shown(self.marks.error, f"{name} was closed and never opened"), True
        try:
            result = self.tools[name](call)
            return self._shown(self.marks.result, await result if inspect.isawaitable(result) else result), False
        except Exception as error:  # noqa: BLE001  a tool is anybody's code; its failure is an observation, and is counted
            return self._shown(self.marks.error, str(error) or type(error).__name__), True

    def _shown(self, mark: str, text: str) -> str:
        return mark.replace("{text}", text if len(text) <= self.characters else f"{text[: self.characters]} ...")

    @property
    def metrics(self) -> dict[str, float]:
        """Calls and failed calls a sample, of the newest step."""
        return dict(self.last)

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        pass


LONGEST = 400  # characters of an expression, which bounds the numbers that come out
DEEPEST = 32  # brackets and signs inside one another
PIECE = re.compile(r"\s*(\d+|[-+*/()])")


def calculate(expression: str) -> str:
    """The value of an expression of whole numbers with + - * / and brackets, exact: "7", or "7/2" where it is not whole.

    A parser, not Python's: nothing is run. Raises `ValueError` for anything else, for a division by zero and for an expression too long or too deep.
    """
    if len(expression) > LONGEST:
        raise ValueError(f"the expression has {len(expression)} characters; at most {LONGEST} are read")
    pieces, place = [], 0
    text = expression.strip()
    while place < len(text):
        piece = PIECE.match(text, place)
        if piece is None:
            raise ValueError(f"cannot read {text[place:].strip()[:20]!r}")
        pieces.append(piece[1])
        place = piece.end()
    value, rest = _sum(pieces, 0, 0)
    if rest < len(pieces):
        raise ValueError(f"did not expect {pieces[rest]!r}")
    return str(value)


def _sum(pieces: list[str], place: int, depth: int) -> tuple[Fraction, int]:
    value, place = _product(pieces, place, depth)
    while place < len(pieces) and pieces[place] in "+-":
        other, after = _product(pieces, place + 1, depth)
        value, place = (value + other if pieces[place] == "+" else value - other), after
    return value, place


def _product(pieces: list[str], place: int, depth: int) -> tuple[Fraction, int]:
    value, place = _number(pieces, place, depth)
    while place < len(pieces) and pieces[place] in "*/":
        other, after = _number(pieces, place + 1, depth)
        if pieces[place] == "/" and not other:
            raise ValueError("division by zero")
        value, place = (value * other if pieces[place] == "*" else value / other), after
    return value, place


def _number(pieces: list[str], place: int, depth: int) -> tuple[Fraction, int]:
    if depth > DEEPEST:
        raise ValueError(f"more than {DEEPEST} brackets or signs inside one another")
    if place == len(pieces):
        raise ValueError("the expression ends too early")
    piece = pieces[place]
    if piece in "+-":
        value, place = _number(pieces, place + 1, depth + 1)
        return (value if piece == "+" else -value), place
    if piece == "(":
        value, place = _sum(pieces, place + 1, depth + 1)
        if place == len(pieces) or pieces[place] != ")":
            raise ValueError("a bracket is not closed")
        return value, place + 1
    if not piece.isdigit():
        raise ValueError(f"did not expect {piece!r}")
    return Fraction(int(piece)), place + 1
