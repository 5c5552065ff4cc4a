"""The four stone games: boards and their symmetries, the check item of TTT-Bench, labels against exhaustive search, knobs."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from itertools import product

import pytest

from tests.tasks.checks import cttt as judge_cttt
from tests.tasks.checks import dttt as judge_dttt
from tests.tasks.checks import ottt as judge_ottt
from tests.tasks.checks import sttt as judge_sttt
from tests.tasks.checks._stones import planes
from thinkwell.core.errors import ConfigError
from thinkwell.tasks import load
from thinkwell.tasks.games import _engine as engine
from thinkwell.tasks.games import cttt, dttt, ottt, sttt
from thinkwell.tasks.games._shown import read_history, stones_text

CHECK = "FAKJL"  # the first row of TTT-Bench's cTTT file: Bob is to move and must play G


@pytest.mark.parametrize(
    ("board", "points", "sets", "symmetries", "judged"),
    [
        (ottt.BOARD, 9, 8, 8, judge_ottt.SETS),
        (dttt.BOARD, 15, 15, 4, judge_dttt.SETS),
        (cttt.FACES, 12, 11, 16, planes(judge_cttt.POINTS, diagonals=False)),
        (cttt.DIAGONALS, 12, 23, 16, planes(judge_cttt.POINTS, diagonals=True)),
        (sttt.BOARD, 25, 25, 8, judge_sttt.SETS),
    ],
    ids=["ottt", "dttt", "cttt", "cttt-diagonals", "sttt"],
)
def test_winning_sets_are_those_that_coordinates_give(
    board: engine.Board, points: int, sets: int, symmetries: int, judged: set[frozenset[str]]
) -> None:
    assert (len(board.labels), len(board.lines), len(board.symmetries)) == (points, sets, symmetries)
    assert {frozenset(line) for line in board.lines} == judged
    assert sorted(char for char in board.picture if char.isalpha()) == sorted(board.labels)


def test_the_check_item_of_the_original() -> None:
    history = [cttt.FACES.labels.index(label) for label in CHECK]
    verdict, right = cttt.FACES.label(*cttt.FACES.stones(history))
    assert (verdict, cttt.FACES.names(right)) == ("blocked", ["G"])  # F, K and L are on FKLG


def test_yields_of_random_play_are_the_published_ones() -> None:
    """Shares of 20,000 random positions, worked out independently; here 1,500, within four standard errors."""
    expected = {"terminal": 0.24, "win": 0.20, "blocked": 0.09, "fork": 0.055, "lost": 0.039, "none": 0.37}
    rng, count = random.Random(3), Counter[str]()
    for _ in range(1_500):
        history = sttt.BOARD.played(rng, rng.randint(2, 24))
        count["terminal" if history is None else sttt.BOARD.label(*sttt.BOARD.stones(history))[0]] += 1
    for label, share in expected.items():
        assert abs(count[label] / 1_500 - share) < 4 * (share * (1 - share) / 1_500) ** 0.5 + 0.005, label


def test_all_positions_of_tic_tac_toe_are_labelled_as_full_minimax_values_them() -> None:
    board = ottt.BOARD
    known: dict[tuple[int, int], int] = {}

    def value(mine: int, theirs: int) -> int:
        """Plies to a forced win of the player to move as 100 - plies, minus that for a loss, 0 for a draw."""
        if (mine, theirs) not in known:
            best = -100
            for point in engine.bits(board.full & ~(mine | theirs)):
                own = mine | 1 << point
                after = 100 if board.has_won(own) else -value(theirs, own) if own | theirs != board.full else 0
                best = max(best, after - (after > 0) + (after < 0))
            known[mine, theirs] = best
        return known[mine, theirs]

    seen = Counter[str]()
    for cells in product((0, 1, 2), repeat=9):
        alice, bob = (sum(1 << i for i in range(9) if cells[i] == who) for who in (1, 2))
        extra = alice.bit_count() - bob.bit_count()
        if extra not in (0, 1) or board.has_won(alice) or board.has_won(bob) or alice | bob == board.full:
            continue
        mine, theirs = (alice, bob) if extra == 0 else (bob, alice)
        label, right = board.label(mine, theirs, own_stones=3)
        seen[label] += 1
        plies = {"win": 1, "fork": 3, "deep": 5}.get(label)
        worth = value(mine, theirs)
        assert (worth == 100 - plies) if plies else worth <= 0 or label == "blocked"
        if plies:
            best = [
                p
                for p in engine.bits(board.full & ~(mine | theirs))
                if board.has_won(mine | 1 << p) or (plies > 1 and value(theirs, mine | 1 << p) == -(101 - plies))
            ]
            assert list(engine.bits(right)) == best
    assert set(seen) == {"win", "blocked", "fork", "deep", "lost", "none"}


def test_symmetric_positions_count_as_the_same_item() -> None:
    board, rng = sttt.BOARD, random.Random(5)
    history = board.played(rng, 9)
    while history is None:
        history = board.played(rng, 9)
    forms = {board.canonical(*board.stones([symmetry.index(point) for point in history])) for symmetry in board.symmetries}
    assert len(forms) == 1
    assert board.canonical(*board.stones([history[2], history[1], history[0], *history[3:]])) in forms  # the order of moves does not count


@pytest.mark.parametrize("name", ["ottt", "dttt", "cttt", "sttt"])
def test_the_told_moves_read_back_and_the_picture_holds_every_stone(name: str) -> None:
    board = {"ottt": ottt.BOARD, "dttt": dttt.BOARD, "cttt": cttt.FACES, "sttt": sttt.BOARD}[name]
    item = load(f"games/{name}", "hard", show_board=True).item(2, 0)
    history = read_history(board, item.prompt)
    assert [board.labels[point] for point in history] == item.meta["history"]
    label, right = board.label(*board.stones(history))
    assert (label, board.names(right)) == (item.meta["verdict"], item.meta["solutions"])
    text = stones_text(board, history)
    assert text in item.prompt
    assert (text.count("W"), text.count("B"), text.count("*")) == (
        (len(history) + 1) // 2,
        len(history) // 2,
        len(board.labels) - len(history),
    )


@pytest.mark.parametrize(
    "text",
    [
        "Alice first places a white stone at A. Then Alice places a white stone at B.",
        "Alice first places a black stone at A.",
        "Alice first places a white stone at Z.",
        "Alice first places a white stone at A. Then Bob places a black stone at A.",
    ],
)
def test_moves_that_cannot_be_played_do_not_read(text: str) -> None:
    with pytest.raises(ValueError, match="cannot be played"):
        read_history(ottt.BOARD, text)


@pytest.mark.parametrize(
    ("name", "knobs"),
    [
        ("ottt", {"verdict": "deep"}),
        ("cttt", {"verdict": "deep", "own_stones": 4}),
        ("dttt", {"verdict": "fork", "fork_mode": "make_or_prevent"}),
        ("cttt", {"verdict": "fork", "planes": "faces_and_diagonals"}),
        ("sttt", {"verdict": "blocked", "unique_only": True, "play": "heuristic"}),
        ("sttt", {"verdict": "fork", "min_stones": 8, "max_stones": 10, "max_solutions": 1}),
    ],
)
def test_knobs_shape_the_items_and_a_plain_minimax_agrees(name: str, knobs: dict[str, object]) -> None:
    task = load(f"games/{name}", "hard", split="all", **knobs)
    for i in range(3):
        item = task.item(4, i)
        assert item.meta["verdict"] == knobs["verdict"]
        assert task.solve(replace(item, answer="", prompt="")) in item.meta["solutions"]
        if "max_stones" in knobs:
            assert 8 <= len(item.meta["history"]) <= 10
            assert item.meta["is_unique_solution"]


def test_a_fork_may_also_be_prevented_when_that_is_asked() -> None:
    item = next(
        item
        for item in load("games/cttt", "hard", split="all", fork_mode="make_or_prevent").items(1)
        if not cttt.FACES.forking(*cttt.FACES.stones([cttt.FACES.labels.index(label) for label in item.meta["history"]]))
    )
    assert "cannot win by force with two stones" in item.prompt
    wrong = next(label for label in cttt.FACES.labels if label not in item.meta["solutions"] and label not in item.meta["history"])
    assert "can win by force" in load("games/cttt", "hard").verify(f"\\boxed{{{wrong}}}", item).reason


@pytest.mark.parametrize(
    ("knobs", "reason"),
    [
        ({"max_stones": 9}, "no free point"),
        ({"min_stones": 6, "max_stones": 5}, "above"),
        ({"verdict": "fork", "min_stones": 0, "max_stones": 3}, "too few for verdict=fork; expected at least 4"),
        ({"verdict": "win", "min_stones": 0, "max_stones": 3}, "too few for verdict=win; expected at least 4"),
        ({"verdict": "blocked", "min_stones": 0, "max_stones": 2}, "too few for verdict=blocked; expected at least 3"),
        ({"verdict": "fork", "min_stones": 7}, "too many for verdict=fork; expected at most 6"),
        ({"verdict": "deep", "min_stones": 5}, "too many for verdict=deep; expected at most 4"),
        ({"verdict": "deep", "fork_mode": "make_or_prevent"}, "goes with"),
        ({"verdict": "checkmate"}, "win"),
    ],
)
def test_impossible_knobs_are_refused(knobs: dict[str, object], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        load("games/ottt", **knobs)


@pytest.mark.parametrize("board", [ottt.BOARD, cttt.FACES, cttt.DIAGONALS], ids=["ottt", "cttt", "cttt-diagonals"])
def test_no_position_has_fewer_or_more_stones_than_the_knobs_say_its_label_can_have(board: engine.Board) -> None:
    module = {"oTTT": ottt, "cTTT": cttt}[board.name]
    found: dict[str, set[int]] = {}
    front = {board.canonical(0, 0): (0, 0)}
    for stones in range(len(board.labels)):
        following = {}
        for mine, theirs in front.values():
            found.setdefault(board.label(mine, theirs)[0], set()).add(stones)
            for point in engine.bits(board.full & ~(mine | theirs)):
                if not board.has_won(after := mine | 1 << point):
                    following[board.canonical(theirs, after)] = (theirs, after)
        front = following
    for verdict in ("win", "blocked", "fork"):
        fewest, most = module.Config(verdict=verdict, min_stones=0).stones
        assert fewest == min(found[verdict])
        assert most >= max(found[verdict])


def test_stones_are_many_as_often_as_few() -> None:
    task = load("games/dttt", "medium", split="all")
    counts = [len(task.item(3, i).meta["history"]) for i in range(60)]
    assert (min(counts) <= 4, max(counts) >= 11) == (True, True)
    assert 12 < sum(count <= 6 for count in counts) < 42  # with the number drawn anew for each history these were 50


def test_a_search_that_would_not_end_is_refused() -> None:
    with pytest.raises(ConfigError, match="at most 3"):
        load("games/sttt", verdict="deep", own_stones=4)


def test_reasons_say_what_a_move_lacks() -> None:
    task = load("games/ottt", "easy", split="all")
    item = replace(task.item(0, 0), meta={"history": ["A", "B", "E", "D"], "verdict": "win", "solutions": ["I"], "own_stones": 0})
    assert task.verify("\\boxed{i}", item).value == 1.0
    assert task.verify("\\boxed{\\text{I}}", item).value == 1.0
    assert task.verify("\\boxed{A}", item).reason == "A is taken"
    assert task.verify("\\boxed{C}", item).reason == "Alice could win at once, but not at C"
    assert "2 points are named" in task.verify("\\boxed{C, I}", item).reason
    assert task.verify("I think that A is best", item).value == 0.0  # neither the pronoun nor the article is an answer
    blocked = replace(item, meta={**item.meta, "history": ["A", "E", "B"], "verdict": "blocked", "solutions": ["C"]})
    assert task.verify("\\boxed{D}", blocked).reason == "after Bob plays at D, Alice wins at C"
