"""Zebra puzzles: exactly one table by counting all, no clue to spare, no score for listing every permutation, one form for relabelled copies."""

from __future__ import annotations

import random
from itertools import permutations, product

import pytest

from tests.tasks.checks.zebra_logic import true
from thinkwell.tasks import load
from thinkwell.tasks.puzzle import Item
from thinkwell.tasks.puzzles.logic._clues import canonical, enough_clues, minimal_clues, tables
from thinkwell.tasks.puzzles.logic.zebra_logic import Config


def count(item: Item, clues: list[list[object]]) -> int:
    """How many tables agree with the clues, by trying all."""
    n = len(item.meta["items"][0])
    rows = list(permutations(range(1, n + 1)))
    return sum(
        all(true(said, [at[i // n][i % n] for i in of], n) for said, *of in clues) for at in product(rows, repeat=len(item.meta["kinds"]))
    )


def table(rows: list[list[str]]) -> str:
    return "```\n" + "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n```"


def test_there_is_one_table_and_no_clue_to_spare() -> None:
    for knobs in ({"objects": 3, "kinds": 3}, {"objects": 4, "kinds": 2}, {"objects": 2, "kinds": 4}):
        for i in range(3):
            item = load("puzzles/zebra_logic", **knobs).item(1, i)
            clues = item.meta["clues"]
            assert count(item, clues) == 1
            assert all(count(item, [other for other in clues if other is not clue]) > 1 for clue in clues)


def test_listing_every_permutation_scores_by_the_original_s_rule_only() -> None:
    task = load("puzzles/zebra_logic")
    item = task.item(0, 0)
    everything = table(
        [[kind, *row] for kind, items in zip(item.meta["kinds"], item.meta["items"], strict=True) for row in permutations(items)]
    )
    assert task.verify(everything, item, "paper").value == 1.0
    score = task.verify(everything, item)
    assert score.value == 0.0
    assert "more than one row" in score.reason


def test_layout_is_forgiven_and_content_is_not() -> None:
    task = load("puzzles/zebra_logic", "hard")
    item = task.item(0, 1)
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in item.answer.splitlines()]
    header = [["", "1", "2", "3", "4", "5"], ["---"] * 6]
    for good in (rows[::-1], header + rows, [[cell.upper() for cell in row] for row in rows]):
        assert task.verify(table(good), item).value == 1.0
        assert task.puzzle.form_of(table(good).strip("`\n")) == task.puzzle.form_of(item.answer)
    assert task.verify(f"```\n{item.answer}\n|\n```", item).value == 1.0
    assert task.verify("```\n| 1 |\n| 2 |\n```", item).reason == "'1' is none of the kinds " + ", ".join(item.meta["kinds"])
    bad = {
        "no row of": rows[:-1],
        "more than one row": [*rows, rows[0]],
        "none of the kinds": [["Tree", *rows[0][1:]], *rows[1:]],
        "does not hold each": [[*rows[0][:-1], rows[0][1]], *rows[1:]],
        "are expected": [[*rows[0], rows[0][1]], *rows[1:]],
        "none of its items": [[*rows[0][:-1], "elm"], *rows[1:]],
        "clue": [[row[0], *row[:0:-1]] for row in rows],
    }
    for reason, wrong in bad.items():
        score = task.verify(table(wrong), item)
        assert score.value == 0.0
        assert reason in score.reason


@pytest.mark.parametrize(("n", "k"), [(3, 3), (4, 4)])
def test_relabelled_and_mirrored_copies_are_the_same_puzzle(n: int, k: int) -> None:
    clues = [
        ("left", (0, n + 1)),
        ("same", (1, 2 * n + 1)),
        ("between", (1, n, 2 * n + 2)),
        ("after", (n - 1, n)),
        ("middle", (2 * n + 1,)),
    ]
    moved = {item: ((item // n + 1) % k) * n + n - 1 - item % n for item in range(n * k)}
    turned = {"left": "right", "after": "before"}
    copy = [(turned.get(said, said), tuple(moved[item] for item in of)) for said, of in clues]
    assert canonical(copy[::-1], n, k) == canonical(clues, n, k)
    assert canonical(clues[1:], n, k) != canonical(clues, n, k)
    assert canonical([("right", (0, n + 1)), *clues[1:]], n, k) != canonical(clues, n, k)


def test_drawn_puzzles_keep_their_form_under_other_orders_of_kinds_and_from_the_other_end() -> None:
    rng, n, k = random.Random(3), 5, 4
    turned = {"left": "right", "right": "left", "before": "after", "after": "before"}
    forms = set()
    for _ in range(20):
        clues = minimal_clues(rng, enough_clues(rng, n, k), n, k)
        order = rng.sample(range(k), k)
        copy = [(turned.get(said, said), tuple(order[item // n] * n + n - 1 - item % n for item in of)) for said, of in clues]
        form = canonical(clues, n, k)
        assert canonical(rng.sample(copy, len(copy)), n, k) == form
        forms.add(form)
    assert len(forms) == 20


def test_every_table_is_found_once() -> None:
    """By propagation and branching, against trying all."""
    rng, n, k = random.Random(5), 3, 3
    every = [[position for row in rows for position in row] for rows in product(permutations(range(n)), repeat=k)]
    for size in (0, 1, 2, 3, 4):
        for _ in range(10):
            clues = rng.sample(enough_clues(rng, n, k), size) if size else []
            allowed = [at for at in every if all(true(said, [at[item] + 1 for item in of], n) for said, of in clues)]
            assert sorted(tables(clues, n, k)) == sorted(allowed)


def test_every_size_can_be_made() -> None:
    for objects, kinds in ((2, 2), (2, 5), (6, 2), (6, 5)):
        assert Config(objects=objects, kinds=kinds)
        task = load("puzzles/zebra_logic", objects=objects, kinds=kinds)
        item = task.item(0, 0)
        assert task.verify(f"```\n{task.solve(item)}\n```", item).value == 1.0
