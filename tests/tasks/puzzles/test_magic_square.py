"""Magic squares beyond the common contract: negative numbers, other completions than the drawn one, and the original's rule, which knows neither."""

from __future__ import annotations

from dataclasses import replace

import pytest

from thinkwell.core.errors import ConfigError
from thinkwell.tasks import load
from thinkwell.tasks.puzzle import Item, puzzle_of

PUZZLE = puzzle_of("puzzles/magic_square")
LO_SHU = "2 7 6\n9 5 1\n4 3 8"


def item(board: list[list[int | None]], answer: str = LO_SHU) -> Item:
    return Item("puzzles/magic_square", "grid", "", "", "", answer, "", {"board": board})


def test_negative_numbers_count_where_the_original_cannot_read_them() -> None:
    task = load("puzzles/magic_square", "easy", smallest=-60, largest=-1)
    for i in range(10):
        drawn = task.item(0, i)
        assert all(line.count("-") == 3 for line in drawn.answer.splitlines())
        assert task.verify(f"```\n{drawn.answer}\n```", drawn).value == 1.0
        assert task.verify(f"```\n{drawn.answer}\n```", drawn, "paper").value == 0.0
    task = load("puzzles/magic_square", "easy", smallest=1, largest=60)
    assert all(task.verify(f"```\n{task.item(0, i).answer}\n```", task.item(0, i), "paper").value == 1.0 for i in range(10))


def test_another_completion_counts_where_the_original_wants_its_own() -> None:
    drawn = item([[None, None, None], [None, 5, None], [None, 3, None]])
    for answer in (LO_SHU, LO_SHU.replace("2 7 6", "6 7 2").replace("9 5 1", "1 5 9").replace("4 3 8", "8 3 4"), "0 7 8\n13 5 -3\n2 3 10"):
        assert PUZZLE.score(answer, drawn).value == 1.0
        assert PUZZLE.score(answer, drawn, "paper").value == (answer == LO_SHU)
    solved = PUZZLE.solve(replace(drawn, answer=""))
    assert PUZZLE.score(solved, drawn).value == 1.0


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("2 7 6\n9 5 1\n4 3 0", "the sum of row 3 is 7, that of row 1 is 15"),
        ("7 2 6\n5 9 1\n3 4 8", "row 2, column 2 was given as 5 and is now 9"),
        ("5 5 5\n5 5 5\n5 5 5", "5 stands in 9 cells; all nine numbers must be different"),
        ("2 6 7\n9 5 1\n4 3 8", "the sum of column 2 is 14, that of row 1 is 15"),
        ("2 7 6\n9 5 1", "2 rows where 3"),
        ("2 7 6\n9 5 1\n4 3 08", "'08'"),
    ],
)
def test_the_reason_names_the_broken_rule(answer: str, reason: str) -> None:
    assert reason in PUZZLE.score(answer, item([[None, None, None], [None, 5, None], [None, None, None]])).reason


def test_all_diagonals_are_summed() -> None:
    assert "diagonal" in PUZZLE.score("1 5 9\n6 7 2\n8 3 4", item([[None] * 3] * 3)).reason  # rows and columns make 15


def test_drawn_squares_stay_in_range_and_are_not_one_square_stretched() -> None:
    task = load("puzzles/magic_square", "hard")
    squares = [[int(token) for token in task.item(1, i).answer.split()] for i in range(60)]
    assert all(min(square) >= -25 and max(square) <= 105 for square in squares)
    gaps = [{b - a for a, b in zip(sorted(square), sorted(square)[1:], strict=False)} for square in squares]
    assert any(len(gap) > 1 for gap in gaps), "the original's squares are all arithmetic progressions"


def test_the_solver_meets_every_number_of_holes() -> None:
    for holes in range(1, 9):
        task = load("puzzles/magic_square", min_holes=holes, max_holes=holes)
        for i in range(25):
            drawn = task.item(2, i)
            assert task.verify(task.solve(drawn), drawn).value == 1.0


def test_ranges_without_room_are_refused() -> None:
    with pytest.raises(ConfigError, match="nine different numbers"):
        load("puzzles/magic_square", smallest=1, largest=8)
    assert load("puzzles/magic_square", smallest=1, largest=9, split="all").item(0, 0).answer
