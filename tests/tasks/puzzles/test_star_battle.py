"""Star battle beyond the common contract: one solution, no line that tells its star, reasons, the number of arrangements."""

from __future__ import annotations

from itertools import pairwise, permutations

import pytest

from thinkwell.tasks import load
from thinkwell.tasks.puzzle import Item, puzzle_of

PUZZLE = puzzle_of("puzzles/star_battle")


def arrangements(board: list[str]) -> list[tuple[int, ...]]:
    n = len(board)
    return [
        places
        for places in permutations(range(n))
        if all(board[row][column] == "." for row, column in enumerate(places)) and all(abs(a - b) > 1 for a, b in pairwise(places))
    ]


@pytest.mark.parametrize("level", ["easy", "medium", "hard"])
def test_there_is_one_solution_and_no_line_tells_its_star(level: str) -> None:
    task = load("puzzles/star_battle", level)
    for i in range(8):
        drawn = task.item(0, i)
        board = drawn.meta["board"]
        (places,) = arrangements(board)
        assert [row.split().index("*") for row in drawn.answer.splitlines()] == list(places)
        assert all(line.count(".") > 1 for line in (*board, *("".join(column) for column in zip(*board, strict=True))))
        assert task.solve(drawn) == drawn.answer


@pytest.mark.parametrize(("size", "count"), [(5, 14), (6, 90), (7, 646)])
def test_all_arrangements_of_an_empty_board_are_drawn_from(size: int, count: int) -> None:
    from thinkwell.tasks.puzzles.grid.star_battle import _arrangements

    assert len(_arrangements(size)) == len(arrangements(["." * size] * size)) == count


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (".*.X. ...*. *.... ..*.. ....*", ""),
        (".*... ...*. *.... ..*.. ....*", "row 1, column 4 was closed and is now '.'"),
        (".*XX. ...*. *.... ..*.. ....*", "row 1, column 3 was open and is now 'X'"),
        (".*.X. ....* *.... ..*.. ....*", "column 4 holds 0 stars"),
        (".*.X* ...*. *.... ..*.. .....", "row 1 holds 2 stars"),
        ("*..X. ..*.. .*... ...*. ....*", "the stars of rows 2 and 3 touch"),
        (".*.X. ...*. *.... ..*..", "4 rows where 5"),
    ],
)
def test_the_reason_names_the_broken_rule(answer: str, reason: str) -> None:
    item = Item("puzzles/star_battle", "grid", "", "", "", "", "", {"board": ["...X.", *["....."] * 4]})
    score = PUZZLE.score(answer.replace(" ", "\n"), item)
    assert (reason in score.reason) if reason else score.value == 1.0
