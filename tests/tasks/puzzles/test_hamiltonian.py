"""Hamiltonian cycles and paths: NO can be right and is right exactly where a SAT solver finds none; the search against trying everything; answers that fail, with the reason."""

from __future__ import annotations

import random
from itertools import combinations, permutations

import pytest

from tests.tasks.checks.hamiltonian_cycle import check as check_cycle
from tests.tasks.checks.hamiltonian_path import check as check_path
from thinkwell.core.errors import ConfigError
from thinkwell.tasks import load
from thinkwell.tasks.puzzle import LEVEL_NAMES, Item
from thinkwell.tasks.puzzles.graph import _hamilton as graph
from thinkwell.tasks.puzzles.graph._hamilton_search import find

CHECKS = {"puzzles/hamiltonian_cycle": check_cycle, "puzzles/hamiltonian_path": check_path}
SQUARE = {"vertices": 4, "edges": [[1, 2], [2, 3], [3, 4], [1, 4]], "exists": True}


def item(name: str, meta: dict[str, object]) -> Item:
    return Item(name, "graph", "easy", "", "", "", "", meta)


@pytest.mark.parametrize("name", CHECKS)
@pytest.mark.parametrize("level", LEVEL_NAMES)
def test_no_is_right_exactly_where_a_sat_solver_finds_none(name: str, level: str) -> None:
    task = load(name, level, split="all")
    items = [task.item(5, i) for i in range(12)]
    assert {it.meta["exists"] for it in items} == {True, False}
    for it in items:
        assert CHECKS[name]("NO", it) is not it.meta["exists"]
        assert task.verify("```\nNO\n```", it).value == (not it.meta["exists"])
        assert (task.solve(it) == "NO") is not it.meta["exists"]


@pytest.mark.parametrize("closed", [True, False])
def test_the_search_agrees_with_trying_every_order(closed: bool) -> None:
    rng = random.Random(1)
    seen = set()
    for _ in range(120):
        n = rng.randint(3, 6)
        edges = [pair for pair in combinations(range(n), 2) if rng.random() < 0.55]
        there = any(
            all(tuple(sorted(step)) in edges for step in zip(order, order[1:] + order[: 1 if closed else 0], strict=False))
            for order in permutations(range(n))
        )
        found = find(n, edges, closed)
        assert (found is not None) == there
        if found is not None:
            meta = {"vertices": n, "edges": [[u + 1, v + 1] for u, v in edges], "exists": True}
            assert graph.check(graph.text(found, closed), item("", meta), closed).value == 1.0
        seen.add(there)
    assert seen == {True, False}


def test_answers_that_fail_are_told_why() -> None:
    cycle, square = load("puzzles/hamiltonian_cycle"), item("puzzles/hamiltonian_cycle", SQUARE)
    for good in ("[1, 2, 3, 4, 1]", "3-4-1-2-3".replace("-", " "), "2 -> 1 -> 4 -> 3 -> 2"):
        assert cycle.verify(f"```\n{good}\n```", square).value == 1.0
    for bad, reason in {
        "[1, 2, 3, 4]": "must end with",
        "[1, 3, 2, 4, 1]": "no edge between 1 and 3",
        "[1, 2, 3, 1]": "vertex 4 is not visited",
        "[1, 2, 1, 4, 1]": "more than once",
        "[0, 1, 2, 3, 0]": "0 is no vertex",
        "NO": "there is a Hamiltonian cycle",
    }.items():
        score = cycle.verify(f"```\n{bad}\n```", square)
        assert score.value == 0.0
        assert reason in score.reason
    path = item("puzzles/hamiltonian_path", SQUARE)
    assert load("puzzles/hamiltonian_path").verify("```\n[2, 1, 4, 3]\n```", path).value == 1.0
    assert "more than once" in load("puzzles/hamiltonian_path").verify("```\n[2, 1, 4, 3, 2]\n```", path).reason


def test_by_the_original_s_rule_no_never_counts() -> None:
    task = load("puzzles/hamiltonian_cycle", no_share=1.0)
    it = task.item(0, 0)
    assert it.answer == "NO"
    assert (task.verify("```\nNO\n```", it).value, task.verify("```\nNO\n```", it, "paper").value) == (1.0, 0.0)
    assert task.verify("```\n[NO]\n```", it, "paper").value == 0.0
    square = item("puzzles/hamiltonian_cycle", SQUARE)
    assert task.verify("```\n[1, 2, 3, 4, 1]\n```", square, "paper").value == 1.0
    assert task.verify("```\n1 2 3 4 1\n```", square, "paper").value == 0.0


def test_a_cycle_is_one_vote_wherever_it_begins_and_a_renumbered_graph_is_the_same_puzzle() -> None:
    form = load("puzzles/hamiltonian_cycle").puzzle.form_of
    assert form("[3, 4, 1, 2, 3]") == form("[1, 4, 3, 2, 1]") == form("1 2 3 4 1")
    assert load("puzzles/hamiltonian_path").puzzle.form_of("4 3 2 1") == "1 2 3 4"
    rng = random.Random(2)
    it = load("puzzles/hamiltonian_path", "hard").item(1, 1)
    n, edges = it.meta["vertices"], [(u - 1, v - 1) for u, v in it.meta["edges"]]
    order = rng.sample(range(n), n)
    assert graph.canonical(n, [tuple(sorted((order[u], order[v]))) for u, v in edges][::-1]) == graph.canonical(n, edges) == it.canonical
    assert graph.canonical(n, edges[1:]) != it.canonical


@pytest.mark.parametrize("closed", [True, False])
def test_a_no_graph_is_drawn_for_the_same_numbers_of_vertices_and_edges(closed: bool) -> None:
    sizes = []
    for share in (0.0, 1.0):
        config = graph.Config(min_vertices=8, max_vertices=12, density=0.3, no_share=share)
        drawn = [graph.draw_graph(random.Random(i), config, closed) for i in range(40)]
        assert all((found is None) is (share == 1.0) for _, _, found in drawn)
        sizes.append([(n, len(edges)) for n, edges, _ in drawn])
    assert sizes[0] == sizes[1]


def test_shares_and_sizes_can_be_set() -> None:
    assert all(load("puzzles/hamiltonian_path", no_share=0.0).item(0, i).meta["exists"] for i in range(5))
    for knobs in ({"min_vertices": 8, "max_vertices": 8, "density": 0.6}, {"min_vertices": 30, "max_vertices": 30, "density": 0.05}):
        for name in CHECKS:
            load(name, no_share=1.0, **knobs).item(0, 0)
    with pytest.raises(ConfigError, match="above max_vertices"):
        load("puzzles/hamiltonian_path", min_vertices=20)
