"""What must hold for every puzzle and game at every level. One of them alone: `pytest tests/tasks/test_every_puzzle.py -k sudoku-`.

A file `tests/tasks/checks/<name>.py` with `check(answer, item) -> bool`, written from the rules without the puzzle's code, is used as an independent judge.
"""

from __future__ import annotations

import importlib
import inspect
import json
import random
import re
import sys
import time
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

from tests.tasks.fuzz import judged, mutant
from thinkwell.answers.grade import answer_of, grade_problem
from thinkwell.core.answer import AnswerKind, VerdictValue
from thinkwell.core.errors import ConfigError, UnknownName
from thinkwell.core.rules import RULES
from thinkwell.tasks import TASKS, load
from thinkwell.tasks.mix import category_of
from thinkwell.tasks.puzzle import CATEGORIES, LEVEL_NAMES, Item, PuzzleTask, is_test, puzzle_of
from thinkwell.tasks.reading import LIMIT

ITEMS = 4  # a cell; the fuzzers and benchmarks draw thousands
MUTANTS = 60
MOST_SECONDS = 1.0  # of computing for one hostile answer
CELLS = [pytest.param(name, level, id=f"{name}-{level}") for name in RULES.names() for level in LEVEL_NAMES]
every_cell = pytest.mark.parametrize(("name", "level"), CELLS)
every_puzzle = pytest.mark.parametrize("name", RULES.names())


@cache
def cell(name: str, level: str) -> tuple[PuzzleTask, tuple[Item, ...]]:
    task = load(name, level)
    return task, tuple(task.item(11, i) for i in range(ITEMS))


def fenced(answer: str) -> str:
    return f"<think>\nPerhaps\n```\nsomething else\n```\n</think>\n\nHere it is:\n\n```\n{answer}\n```"


def checker(name: str) -> ModuleType | None:
    stem = name.rpartition("/")[2]
    return importlib.import_module(f"tests.tasks.checks.{stem}") if (Path(__file__).parent / "checks" / f"{stem}.py").exists() else None


@every_cell
def test_the_gold_answer_scores_1_in_every_dress(name: str, level: str) -> None:
    task, items = cell(name, level)
    for item in items:
        dresses = [
            item.answer,
            fenced(item.answer),
            f"```text\n{item.answer}\n```\nI am sure.",
            f"```\n{item.answer}\n```".replace("\n", "\r\n"),
        ]
        if item.answer.count("{") == item.answer.count("}") and "\\" not in item.answer:
            dresses.append(f"So \\boxed{{{item.answer}}}.")
        for text in dresses:
            score = task.verify(text, item)
            assert (score.value, score.reason) == (1.0, ""), text


@every_cell
def test_the_solver_s_own_answer_scores_1(name: str, level: str) -> None:
    task, items = cell(name, level)
    for item in items:
        answer = task.solve(replace(item, answer="", prompt=""))  # a solver that looks at the gold answer is none
        assert task.verify(fenced(answer), item).value == 1.0, answer


@every_cell
def test_a_wrong_answer_scores_below_1_with_a_reason_and_raises_nothing(name: str, level: str) -> None:
    task, items = cell(name, level)
    item = items[0]
    odd_digits = item.answer.translate({ord(str(digit)): 0x0660 + digit for digit in range(10)})
    answers = [  # with z where a letter is needed: x is a point of a board, and can be right
        "", " \n ", "?", "colourless green ideas sleep furiously", "\0", item.answer + "\0", item.answer[:1] + "\0" + item.answer[1:], "٣ ٤ ٥", "²", "1" * 5_000,
        "[" * 40_000, "(" * 30_000 + "1" + ")" * 30_000, "{[(" * 9_000, "-" * 20_000, "1 " * 40_000, "\\boxed{" * 500, "(0,0)," * 9_000, ("9 " * 50 + "\n") * 500,
        item.answer + "\n" + "z" * LIMIT, "nan", "None", "-1", "1e309", "0x10", "__import__('os').getcwd()", "9**9**9", "😀" * 100, "\ud800", "a\u202eb", "|" * 20_000,
        "-" * 30_000 + "z", "| " * 30_000 + "z", " " * 60_000 + "z", ",".join(f"({i},{i})" for i in range(5_000)) + ",(4999,4999)", "1 + (" * 15_000, "\\begin{" * 9_000,
    ]  # fmt: skip
    answers += [odd_digits] if odd_digits != item.answer else []
    for answer in answers:
        for text in (answer, f"```\n{answer}\n```", fenced(answer)):
            started = time.process_time()
            score = task.verify(text, item)
            assert time.process_time() - started < MOST_SECONDS, answer[:60]
            assert 0.0 <= score.value < 1.0, (answer[:60], score)
            assert score.reason, answer[:60]
            assert len(score.reason) < 1_000
            assert task.puzzle.verify_paper is None or 0.0 <= task.verify(text, item, "paper").value <= 1.0
        assert task.puzzle.form_of(answer) is None or isinstance(task.puzzle.form_of(answer), str)


@every_cell
def test_an_answer_counts_only_where_it_was_committed_to(name: str, level: str) -> None:
    task, items = cell(name, level)
    item = items[0]
    for text in (
        f"<think>\n```\n{item.answer}\n```",
        f"```\n{item.answer}\n```\nNo, rather:\n```\nI give up\n```",
        f"```\n{item.answer}\n```\nNo, rather:\n```\n1",
        "Let me see. " * 10_000,
    ):
        assert task.verify(text, item).value == 0.0
    assert task.verify(f"```\n{item.answer}\n```", item, thinking=True).value == 0.0


@every_cell
def test_an_item_is_a_pure_function_of_its_seed_and_place(name: str, level: str) -> None:
    task, items = cell(name, level)
    again = load(name, level)
    assert again.item(11, ITEMS - 1) == items[-1]
    assert [again.item(11, i) for i in range(ITEMS - 1)] == list(items[:-1])
    others = [again.item(12, i) for i in range(ITEMS)]
    assert {item.canonical for item in others} != {item.canonical for item in items}
    assert len({item.prompt for item in (*items, *others)}) > 1
    assert all((item.task, item.category, item.level) == (name, task.category, level) for item in items)
    assert all(item.meta == json.loads(json.dumps(item.meta)) for item in items)
    assert Item(**json.loads(json.dumps(items[0].as_dict()))) == items[0]


@every_cell
def test_training_and_test_items_are_disjoint(name: str, level: str) -> None:
    _, items = cell(name, level)
    held = [load(name, level, split="test").item(11, i) for i in range(2)]
    assert not any(is_test(item.canonical) for item in items)
    assert all(is_test(item.canonical) for item in held)


@every_cell
def test_a_changed_gold_answer_is_accepted_only_if_an_independent_judge_accepts_it_too(name: str, level: str) -> None:
    judge = checker(name)
    assert judge is not None, f"expected tests/tasks/checks/{name.rpartition('/')[2]}.py with an independent judge"
    task, items = cell(name, level)
    for number, item in enumerate(items):
        assert judge.check(item.answer, item)
        rng = random.Random(f"{name}/{level}/{number}")
        for _ in range(MUTANTS):
            answer = mutant(item.answer, rng)
            score = task.verify(f"```\n{answer}\n```", item)
            assert score.value < 1.0 or judged(judge.check, answer, item), answer


@every_cell
def test_as_a_problem_it_is_graded_by_its_rules_and_voted_on_by_its_form(name: str, level: str) -> None:
    task, items = cell(name, level)
    problem = task.problem(items[0])
    assert (problem.kind, problem.gold, problem.question) == (AnswerKind.RULES, items[0].answer, items[0].prompt)
    assert grade_problem(fenced(items[0].answer), problem).value is VerdictValue.CORRECT
    wrong = grade_problem("```\nI do not know\n```", problem)
    assert wrong.value is VerdictValue.WRONG
    assert wrong.detail
    assert grade_problem("<think>\nhmm", problem).value is VerdictValue.TRUNCATED
    one, other = answer_of(fenced(items[0].answer), problem), answer_of(f"```\n{items[0].answer}  \n\n```", problem)
    assert one is not None
    assert other is not None
    assert one.canonical == other.canonical


@every_puzzle
def test_every_level_states_its_format_and_varies_its_opening(name: str) -> None:
    task, items = cell(name, "easy")
    drawn = [task.item(1, i).prompt for i in range(12)]
    assert len({prompt.partition("\n")[0] for prompt in drawn}) > 1, "one wording only"
    assert all("```" in prompt or "boxed" in prompt for prompt in drawn), "the answer format has no example"
    assert all(len(item.prompt) < 20_000 for item in items)


@every_puzzle
def test_the_description_is_complete_and_the_source_evaluates_no_text(name: str) -> None:
    puzzle = puzzle_of(name)
    assert puzzle.name == name
    assert puzzle.category == category_of(name) and puzzle.category in CATEGORIES  # noqa: PT018
    assert puzzle.summary
    assert not [knob["name"] for knob in puzzle.Config.describe() if not knob["doc"]], "undocumented knobs"
    for level in LEVEL_NAMES:
        assert puzzle.levels[level].keys() <= puzzle.Config.model_fields.keys()
    source = inspect.getsource(sys.modules[puzzle.generate.__module__])
    assert not re.search(r"(?<![\w.])(?:eval|exec|compile|__import__)\(", source)
    assert source.rstrip().endswith(")") and source.count("\nregister(") == 1, "registration is the last line"  # noqa: PT018


@every_puzzle
def test_the_picture_is_an_svg(name: str) -> None:
    from xml.dom.minidom import parseString

    puzzle = puzzle_of(name)
    if puzzle.draw is None:
        pytest.skip("it has no picture")
    for item in cell(name, "hard")[1]:
        assert parseString(puzzle.draw(item)).documentElement.tagName == "svg"


@every_puzzle
def test_it_is_an_ordinary_task_and_its_problems_are_of_the_test_part(name: str) -> None:
    problems = TASKS.get(name).load(limit=2, seed=5, knobs={"level": "medium"})
    assert [problem.question for problem in problems] == [load(name, "medium", split="test").item(5, i).prompt for i in range(2)]
    assert problems[0].meta["level"] == "medium"


@every_puzzle
def test_what_does_not_exist_is_refused_with_what_does(name: str) -> None:
    with pytest.raises(ConfigError, match="easy, medium, hard"):
        load(name, level="brutal")
    with pytest.raises(UnknownName):
        load(name, no_such_knob=3)
    with pytest.raises(ConfigError, match="train, test, all"):
        load(name, split="dev")
