from __future__ import annotations

import io
from typing import Any

import pytest
import runs_world as world
from rich.console import Console

from thinkwell.core.errors import EngineError
from thinkwell.engines.scripted import Reply, ScriptedEngine
from thinkwell.runs.compare import compare
from thinkwell.runs.comparison import Comparison
from thinkwell.runs.table import print_table


def boxed(*answers: str) -> list[Reply]:
    return [Reply(f"</think>\n\\boxed{{{answer}}}") for answer in answers]


def small(**script: Any) -> Comparison:
    engine = ScriptedEngine({"p0": boxed("0", "0", "5", "0"), "p1": boxed("3", "2", "2", "9"), "p2": boxed("1", "1", "4", "4")} | script)
    return compare("toy", ["one", "vote"], engine=engine, problems=world.problems(3), preset=world.PRESET, seed=7)


def printed(comparison: Comparison, width: int) -> str:
    file = io.StringIO()
    print_table(comparison, Console(file=file, width=width))
    return file.getvalue()


@pytest.mark.parametrize("width", [80, 200])
def test_every_number_is_in_the_table_and_no_line_is_wider_than_the_terminal(width: int) -> None:
    text = printed(small(), width)
    assert max(map(len, text.splitlines())) <= width
    assert "\u2026" not in text  # nothing is cut
    for part in (
        "toy: 3 problems",
        "seed 7",
        "vs one",
        "33.3 [0.0, 100.0]",
        "66.7 [0.0, 100.0]",
        "+33.3 [+0.0, +100.0]",
        "samples of vote",
        "pass@k %",
    ):
        assert part in text


def test_a_wide_terminal_gets_one_table() -> None:
    text = printed(small(), 200)
    header = next(line for line in text.splitlines() if line.startswith("method"))
    assert header.split() == [
        "method",
        "accuracy",
        "%",
        "[95",
        "%]",
        "vs",
        "one",
        "pass@1",
        "tokens",
        "prompt",
        "scorer",
        "seconds",
        "no",
        "ans",
        "%",
        "cut",
        "%",
        "errors",
    ]


def test_columns_are_aligned_to_the_right() -> None:
    lines = printed(small(), 200).splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("method"))
    assert len({len(line.rstrip()) for line in lines[start : start + 3]}) == 1


def test_errors_and_cut_answers_are_loud() -> None:
    text = printed(small(p1=Reply(fail=EngineError("the card is on fire")), p2=Reply("on and on", eos=False)), 200)
    assert "one: 1 of the answers ended in an error and count as not solved; the first: EngineError: the card is on fire" in text
    assert "Cut before they answered: one 33%, vote 33% of the problems." in text


def test_method_labels_are_not_read_as_markup() -> None:
    result = compare("toy", ["vote:n_paths=2"], engine=world.engine(), problems=world.problems(1), preset=world.PRESET)
    assert "vote:n_paths=2" in printed(result, 200)
