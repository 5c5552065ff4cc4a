"""Files in TTT-Bench's layout: made of our own items, read back, and broken ones refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from thinkwell.answers.grade import grade_problem
from thinkwell.core.answer import VerdictValue
from thinkwell.core.errors import DataError
from thinkwell.tasks import TASKS
from thinkwell.tasks import load as puzzle
from thinkwell.tasks.ttt_bench import as_row
from thinkwell.tasks.validate import passed, validate


def test_our_items_in_that_layout_are_recognised_and_graded_by_the_games_rules(tmp_path: Path) -> None:
    for game in ("ottt", "dttt", "cttt", "sttt"):
        items = [puzzle(f"games/{game}", level, split="test").item(1, i) for level in ("easy", "medium", "hard") for i in range(2)]
        (tmp_path / f"{game}_puzzles_test.json").write_text(json.dumps([as_row(item, number) for number, item in enumerate(items)]))
        problems = TASKS.get(f"ttt_bench_{game}").load(tmp_path / f"{game}_puzzles_test.json")
        for item, problem in zip(items, problems, strict=True):
            assert (problem.question, problem.meta["verdict"], problem.meta["level"]) == (item.prompt, item.meta["verdict"], item.level)
            for label in item.meta["solutions"]:
                assert grade_problem(f"\\boxed{{{label}}}", problem).correct
            assert grade_problem(f"\\boxed{{{item.meta['history'][0]}}}", problem).detail == f"{item.meta['history'][0]} is taken"
    reports = validate(tmp_path)
    assert passed(reports)
    assert [report["task"] for report in reports] == ["ttt_bench_cttt", "ttt_bench_dttt", "ttt_bench_ottt", "ttt_bench_sttt"]


ROW = {
    "problem": "Alice and Bob play. Alice first places a white stone at A. Then Bob places a black stone at E. Then Alice places a white stone at B. Where should Bob play next?",
    "solution": "C",
    "is_unique_solution": True,
    "verdict": "blocked",
    "next_player": "Bob",
    "currect_board_visualization": "",
    "board_visualization": "A--B--C\nD--E--F\nG--H--I",
    "problem_number": 0,
}


def read(tmp_path: Path, game: str = "ottt", **changed: object):  # type: ignore[no-untyped-def]
    (tmp_path / "rows.json").write_text(json.dumps([{**ROW, **changed}]))
    return TASKS.get(f"ttt_bench_{game}").load(tmp_path / "rows.json")[0]


def test_several_solutions_all_count_and_a_free_letter_in_prose_does_not(tmp_path: Path) -> None:
    problem = read(tmp_path, solution="C, F", is_unique_solution=False)
    assert [grade_problem(f"So \\boxed{{{label}}}.", problem).correct for label in "CFD"] == [True, True, False]
    assert grade_problem("I would play A", problem).value is not VerdictValue.CORRECT
    assert (
        grade_problem("\\boxed{D}", problem).detail == "D is not among the best moves"
    )  # our label of the moves is not the file's, so no reason is made up
    assert grade_problem("\\boxed{D}", read(tmp_path)).detail == "after Bob plays at D, Alice wins at C"
    renamed = read(tmp_path, verdict="block")  # a reason comes from our own label, whatever the file calls it
    assert grade_problem("\\boxed{D}", renamed).detail == "after Bob plays at D, Alice wins at C"


def test_rows_of_another_game_or_layout_are_refused_with_their_place(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"item 1 is a position of ottt"):
        read(tmp_path, "sttt")
    with pytest.raises(DataError, match=r"item 1 has the solution 'Z'"):
        read(tmp_path, solution="Z")
    with pytest.raises(DataError, match=r"item 1 has none of the fields solution"):
        read(tmp_path, solution=None)
