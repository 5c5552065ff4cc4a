"""Turns with tools: observations are context, errors are counted, limits hold; and the calculator reads arithmetic and nothing else."""

from __future__ import annotations

import ast
import operator
import random
from fractions import Fraction

import pytest

from tests.training.rollouts.rollout_world import Source, collect, numbered, policy
from thinkwell.core.errors import ConfigError
from thinkwell.core.path import Finish, Origin
from thinkwell.engines.scripted import Ask, Reply, ScriptedEngine
from thinkwell.training.rollouts.group import Group
from thinkwell.training.rollouts.tools import Marks, Tools, calculate
from thinkwell.training.sample import Sample


def turns(*lines: str) -> ScriptedEngine:
    """Writes one line a turn, whatever stands between."""

    def script(ask: Ask) -> Reply:
        return Reply(lines[min(ask.prompt.count("result>") // 2, len(lines) - 1)])

    return ScriptedEngine(script)


def play(engine: ScriptedEngine, max_tokens: int = 160, **knobs: object) -> Sample:
    rollout = Tools(tools={"calculator": calculate}, prompts=1, size=1, **knobs)  # type: ignore[arg-type]
    (sample,) = collect(rollout, engine, Source(numbered), name="r1", max_tokens=max_tokens)
    return sample


def test_observations_stand_between_turns_and_carry_no_loss() -> None:
    sample = play(turns("is <calculator>12 * (3 + 4)</calculator> then more", "and <calculator>84 - 4</calculator>", "so 80"))
    path = sample.path
    assert [(segment.origin, segment.text) for segment in path.segments[1:]] == [
        (Origin.MODEL, "is <calculator>12 * (3 + 4)</calculator>"),
        (Origin.TOOL, "\n<result>84</result>\n"),
        (Origin.MODEL, "and <calculator>84 - 4</calculator>"),
        (Origin.TOOL, "\n<result>80</result>\n"),
        (Origin.MODEL, "so 80"),
    ]
    expected = [segment.origin is Origin.MODEL for segment in path.segments for _ in range(segment.n_tokens)]
    assert sample.mask() == expected
    assert (path.finish, sample.cut) == (Finish.EOS, False)
    assert sample.meta == {"tool_calls": 2, "tool_errors": 0}
    assert sample.length == sum(expected)


def test_a_call_that_fails_is_an_observation_and_is_counted() -> None:
    sample = play(turns("<calculator>1 / 0</calculator>", "</calculator>", "<calculator>two</calculator>", "give up"))
    shown = [segment.text for segment in sample.path.segments if segment.origin is Origin.TOOL]
    assert shown == [
        "\n<result>error: division by zero</result>\n",
        "\n<result>error: calculator was closed and never opened</result>\n",
        "\n<result>error: cannot read 'two'</result>\n",
    ]
    assert sample.meta == {"tool_calls": 3, "tool_errors": 3}


def test_whatever_a_tool_raises_is_shown_and_an_asynchronous_tool_is_awaited() -> None:
    def broken(call: str) -> str:
        raise OSError("disc full")

    async def slow(call: str) -> str:
        return call.upper()

    engine = turns("<bad>x</bad>", "<shout>hello</shout>", "done")
    rollout = Tools(tools={"bad": broken, "shout": slow}, prompts=1, size=1)
    (sample,) = collect(rollout, engine, Source(numbered), name="r1")
    assert [s.text for s in sample.path.segments if s.origin is Origin.TOOL] == [
        "\n<result>error: disc full</result>\n",
        "\n<result>HELLO</result>\n",
    ]
    assert rollout.metrics == {"tool_calls": 2.0, "tool_errors": 1.0}


def test_a_path_ends_cut_at_its_last_turn_and_at_its_last_token() -> None:
    for_ever = "<calculator>1 + 1</calculator>"
    sample = play(turns(for_ever), turns=3)
    assert [segment.origin for segment in sample.path.segments].count(Origin.TOOL) == 3
    assert sample.path.segments[-1].origin is Origin.MODEL
    assert (sample.path.finish, sample.cut) == (Finish.LENGTH, True)
    for most in (7, 30, 31, 65):
        sample = play(turns(for_ever), max_tokens=most, turns=100)
        assert sample.length == most, "observations do not count"
        assert sample.cut
        assert sample.path.segments[-1].origin is Origin.MODEL


def test_long_observations_are_cut_and_marks_are_knobs() -> None:
    marks = Marks(open="[{name}:", close="]", result=" => {text};", error=" !! {text};")
    engine = ScriptedEngine(lambda ask: Reply("end" if "=>" in ask.prompt else "[echo: abcdefgh]"))
    (sample,) = collect(
        Tools(tools={"echo": lambda call: call.strip()}, prompts=1, size=1, marks=marks, characters=4), engine, Source(numbered), name="r1"
    )
    assert sample.path.text == "[echo: abcdefgh] => abcd ...;end"


def test_without_a_call_it_is_the_group_rollout_and_the_same_whatever_the_batch() -> None:
    tools = Tools(tools={"calculator": calculate}, prompts=2, size=2)
    ours = collect(tools, policy(), Source())
    narrow = collect(tools, policy(rows=1), Source())
    theirs = collect(Group(2, 2), policy(), Source())
    assert (
        [(s.path.tokens, s.group) for s in ours] == [(s.path.tokens, s.group) for s in theirs] == [(s.path.tokens, s.group) for s in narrow]
    )


def test_the_local_engine_goes_on_behind_an_observation() -> None:
    """The lab's own words as a tool: each "." after a digit ends a turn."""
    marks = Marks(open=" = ", close=".\n\n", result="Check {text}: yes.\n\n", error="{text}")
    rollout = Tools(tools={"check": lambda call: call}, prompts=1, size=2, turns=2, marks=marks)
    for sample in collect(rollout, policy(), Source()):
        kinds = [segment.origin for segment in sample.path.segments]
        assert kinds[:4] == [Origin.PROMPT, Origin.MODEL, Origin.TOOL, Origin.MODEL]
        assert sample.mask() == [segment.origin is Origin.MODEL for segment in sample.path.segments for _ in range(segment.n_tokens)]
        assert sample.path.segments[1].text.endswith(".\n\n")
        known = [value == value for value in sample.behaviour()]
        assert known == sample.mask()


@pytest.mark.parametrize(
    ("knobs", "said"),
    [({"tools": {}}, "has none"), ({"turns": 0}, "turns"), ({"size": 0}, "size"), ({"tools": {"a": str, "b": str}, "marks": Marks(close="]")}, "several tools")],
)  # fmt: skip
def test_knobs_out_of_range_are_refused(knobs: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Tools(**{"tools": {"calculator": calculate}, **knobs})  # type: ignore[arg-type]


def test_marks_that_show_nothing_are_refused() -> None:
    with pytest.raises(ConfigError, match="text"):
        Marks(result="done")


@pytest.mark.parametrize(
    ("expression", "value"),
    [("7", "7"), (" 2 + 3 * 4 ", "14"), ("(2+3)*4", "20"), ("7/2", "7/2"), ("6/3", "2"), ("2 - 3 - 4", "-5"), ("8 / 4 / 2", "1"), ("-(3 - 5)", "2"), ("2 * -3", "-6"),
     ("1/3 + 1/6", "1/2")],
)  # fmt: skip
def test_the_calculator_keeps_the_rules_of_arithmetic(expression: str, value: str) -> None:
    assert calculate(expression) == value


OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}


def by_pythons_grammar(node: ast.AST) -> Fraction:
    if isinstance(node, ast.BinOp):
        left, right = by_pythons_grammar(node.left), by_pythons_grammar(node.right)
        return Fraction(OPERATORS[type(node.op)](left, right))
    if isinstance(node, ast.UnaryOp):
        value = by_pythons_grammar(node.operand)
        return -value if isinstance(node.op, ast.USub) else value
    assert isinstance(node, ast.Constant)
    return Fraction(int(node.value))  # type: ignore[arg-type]


def test_the_calculator_agrees_with_pythons_grammar_on_random_expressions() -> None:
    rng = random.Random(0)

    def expression(depth: int) -> str:
        if not depth or rng.random() < 0.2:
            return str(rng.randint(1, 99))
        kind = rng.random()
        if kind < 0.15:
            return f"-{expression(depth - 1)}" if rng.random() < 0.5 else f"({expression(depth - 1)})"
        return f"{expression(depth - 1)}{rng.choice([' + ', '-', '*', ' / '])}{expression(depth - 1)}"

    for _ in range(300):
        text = expression(4)
        try:
            expected = str(by_pythons_grammar(ast.parse(text.strip(), mode="eval").body))
        except ZeroDivisionError:
            with pytest.raises(ValueError, match="division by zero"):
                calculate(text)
            continue
        assert calculate(text) == expected, text


@pytest.mark.parametrize(
    "expression",
    ["", "1 +", "(1", "1)", "1 2", "2 ** 3", "__import__('os')", "1.5", "1e9", "a", "*3", "()", "1 // 2", "(" * 100 + "1" + ")" * 100, "-" * 100 + "1", "9" * 401],
)  # fmt: skip
def test_the_calculator_refuses_all_else(expression: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        calculate(expression)
