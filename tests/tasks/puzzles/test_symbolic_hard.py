"""Grids by example: the enumeration that proves an answer, against one that does nothing clever."""

from __future__ import annotations

import random
from itertools import product

import pytest

from thinkwell.core.errors import ConfigError
from thinkwell.tasks import load
from thinkwell.tasks.puzzle import Item
from thinkwell.tasks.puzzles._compose import determined, run
from thinkwell.tasks.puzzles.grid._steps import family
from thinkwell.tasks.puzzles.grid.symbolic_hard import _drawn, _grid

FAMILY = family(2)


@pytest.mark.parametrize("seed", range(6))
def test_the_enumeration_agrees_with_one_without_tricks(seed: int) -> None:
    rng = random.Random(seed)
    config = load("puzzles/symbolic_hard", min_side=2, max_side=3, largest=2).config
    rule = [rng.choice(FAMILY) for _ in range(2)]
    inputs = [_drawn(rng, config) for _ in range(1 + seed % 2)]
    test = _drawn(rng, config)
    outputs = [run(rule, grid) for grid in inputs]
    fitting = [found for n in range(3) for found in product(FAMILY, repeat=n) if [run(found, grid) for grid in inputs] == outputs]
    results = {run(found, test) for found in fitting}
    shortest = min(map(len, fitting))
    expected = results.pop() if len(results) == 1 and shortest == 2 else None
    assert determined(FAMILY, inputs, outputs, test, 2) == expected


def test_steps_that_have_an_inverse_are_undone_by_it_and_the_others_change_nothing_the_second_time() -> None:
    rng = random.Random(1)
    config = load("puzzles/symbolic_hard", level="hard").config
    for step in family(4):
        grid = _drawn(rng, config)
        assert step.undo is None or step.undo(step.apply(grid)) == grid == step.apply(step.undo(grid)), step.name
        assert step.idempotent is (step.undo is None)
        assert not step.idempotent or step.apply(step.apply(grid)) == step.apply(grid), step.name


def test_the_step_of_each_name_does_what_the_name_says() -> None:
    named = {step.name: step.apply for step in FAMILY}
    grid = _grid([[1, 0, 2], [0, 2, 0]])
    assert named["turn clockwise"](grid) == _grid([[0, 1], [2, 0], [0, 2]])
    assert named["shift right"](grid) == _grid([[2, 1, 0], [0, 0, 2]])
    assert named["shift up"](grid) == _grid([[0, 2, 0], [1, 0, 2]])
    assert named["fall right"](grid) == _grid([[0, 1, 2], [0, 0, 2]])
    assert named["fall down"](grid) == _grid([[0, 0, 0], [1, 2, 2]])
    assert named["add 2"](grid) == _grid([[0, 2, 1], [2, 1, 2]])
    assert named["swap 0 and 2"](grid) == _grid([[1, 2, 0], [2, 0, 2]])
    assert named["keep 2"](grid) == _grid([[0, 0, 2], [0, 2, 0]])
    assert named["clear the inside"](_grid([[1, 1, 1]] * 3)) == _grid([[1, 1, 1], [1, 0, 1], [1, 1, 1]])


@pytest.mark.parametrize(
    "answer", ["0 1\n2 0", "[[0, 1], [2, 0]]", "01\n20", "0,1\n2,0", "\\begin{bmatrix} 0 & 1 \\\\ 2 & 0 \\end{bmatrix}"]
)
def test_layout_is_forgiven_and_the_first_wrong_cell_is_named(answer: str) -> None:
    task = load("puzzles/symbolic_hard")
    right = Item("puzzles/symbolic_hard", "grid", "easy", "x", "", "0 1\n2 0", "", {})
    wrong = Item("puzzles/symbolic_hard", "grid", "easy", "x", "", "0 1\n2 2", "", {})
    assert task.verify(f"```\n{answer}\n```", right).value == 1.0
    assert "row 2, column 2 holds 0" in task.verify(f"```\n{answer}\n```", wrong).reason


def test_families_too_large_to_run_through_are_refused() -> None:
    with pytest.raises(ConfigError, match="too many sequences"):
        load("puzzles/symbolic_hard", steps=3, largest=9)
