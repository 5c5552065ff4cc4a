"""What several puzzles share: cells of boards, orders of numbers, numbers for names, arrangements of mines; against definitions or plain search."""

from __future__ import annotations

import random
from itertools import permutations, product
from typing import Any

import pytest

from thinkwell.tasks.puzzles import _cells, _lines
from thinkwell.tasks.puzzles.crypto import _plaintext
from thinkwell.tasks.puzzles.grid import _crossword
from thinkwell.tasks.puzzles.logic._renaming import renamed
from thinkwell.tasks.puzzles.logic._witnesses import has_model
from thinkwell.tasks.puzzles.search._mines import Search
from thinkwell.tasks.puzzles.search._slant import FALLS, RISES, ends, other_filling
from thinkwell.tasks.puzzles.sequential._orders import Orders
from thinkwell.tasks.reading import Refused


def test_cells_are_counted_from_any_first_and_must_be_on_the_board() -> None:
    assert _cells.read_cells("(1,1), (2,3)", 2, 3, first=1) == {(0, 0), (1, 2)}
    assert _cells.written({(1, 2), (0, 0)}, first=1) == "(1,1), (2,3)"
    assert _cells.written(()) == "none"
    for text in ("(0,1)", "(3,1)", "(1,4)", "(1,1), (1,1)"):
        with pytest.raises(Refused):
            _cells.read_cells(text, 2, 3, first=1)


def test_a_grid_has_eight_copies_and_they_are_closed_under_turning() -> None:
    grid = ["ab", "cd"]
    images = {tuple(map(tuple, copy)) for copy in _cells.copies(grid)}
    assert len(images) == 8
    for image in images:
        assert {tuple(map(tuple, copy)) for copy in _cells.copies(image)} == images
    assert len({_cells.least_copy(["".join(map(str, row)) for row in image]) for image in images}) == 1


def test_neighbours_share_a_side() -> None:
    masks = _cells.neighbour_masks(3)
    for one, other in product(range(9), repeat=2):
        apart = abs(one // 3 - other // 3) + abs(one % 3 - other % 3)
        assert bool(masks[one] >> other & 1) is (apart == 1)


def test_a_shortest_way_is_no_longer_than_what_plain_search_finds() -> None:
    orders = Orders({"a": (1, 2, 0, 3), "b": (0, 2, 3, 1), "c": (1, 0, 2, 3)}, near=2)
    depth, front = {orders.home: 0}, [orders.home]
    while front:
        grown = {
            orders.before([name]) if board == orders.home else orders.played(board, [name]) for board in front for name in orders.orders
        }
        front = [board for board in grown if board not in depth]
        depth |= dict.fromkeys(front, max(depth.values()) + 1)
    assert len(depth) == 24
    for board in permutations((1, 2, 3, 4)):
        way = orders.shortest(board, 9)
        assert way is not None
        assert orders.played(board, way) == orders.home
        assert orders.before(way) == board
        shorter = product(orders.orders, repeat=len(way) - 1) if way else ()
        assert not any(orders.played(board, names) == orders.home for names in shorter)
        assert not way or orders.shortest(board, len(way) - 1) is None


def test_renamed_things_get_the_same_puzzle_and_other_puzzles_do_not() -> None:
    def written(facts: list[tuple[str, list[tuple[str, int]]]]) -> list[tuple[str, list[tuple[str, int]]]]:
        numbers = renamed(4, facts)
        assert sorted(numbers) == [0, 1, 2, 3]
        return sorted((said, sorted((part, numbers[thing]) for part, thing in of)) for said, of in facts)

    facts = [("likes", [("who", 0), ("whom", 1)]), ("likes", [("who", 1), ("whom", 2)]), ("tall", [("who", 3)])]
    for order in permutations(range(4)):
        assert written([(said, [(part, order[thing]) for part, thing in of]) for said, of in facts]) == written(facts)
    assert written([*facts[:2], ("tall", [("who", 0)])]) != written(facts)


@pytest.mark.parametrize("seed", range(30))
def test_an_arrangement_with_fewer_mines_in_a_group_is_found_exactly_where_there_is_one(seed: int) -> None:
    rng = random.Random(seed)
    sizes = [rng.randint(1, 2) for _ in range(5)]
    places = [sorted(rng.sample(range(4), rng.randint(1, 3))) for _ in sizes]
    true = [rng.randint(0, size) for size in sizes]
    numbers = [sum(mines for mines, at in zip(true, places, strict=True) if place in at) for place in range(4)]

    def fits(mines: tuple[int, ...] | list[int]) -> bool:
        return numbers == [sum(count for count, at in zip(mines, places, strict=True) if place in at) for place in range(4)]

    boards = [mines for mines in product(*(range(size + 1) for size in sizes)) if fits(mines)]
    for group, size in enumerate(sizes):
        found = Search(numbers, places, true).below(group, [0] * 5, sizes)
        assert (found is not None) is any(mines[group] < size for mines in boards)
        assert found is None or (fits(found) and found[group] < size)


def test_letters_are_read_whatever_their_case_and_blanks_and_nothing_else_is() -> None:
    assert _plaintext.letters_of("The \n fOx") == "THEFOX"
    for text in ("caf\u00e9", "a1", "\u017f"):
        with pytest.raises(Refused, match="none of the letters"):
            _plaintext.letters_of(text)


def test_lines_are_escaped_in_their_picture() -> None:
    assert "a &lt; b &amp; c" in _lines.picture(["a < b & c"])


def fillings(size: int, clues: tuple[int | None, ...]) -> list[list[int]]:
    """All fillings of a slant board that meet their numbers and close no loop: a forest has as many trees as corners less diagonals."""
    kept = []
    for grid in product((RISES, FALLS), repeat=size * size):
        joined = [ends(cell, diagonal, size) for cell, diagonal in enumerate(grid)]
        met = [sum(corner in pair for pair in joined) for corner in range(len(clues))]
        trees = [{corner} for corner in range(len(clues))]
        for one, other in joined:
            (first,), (second,) = [tree for tree in trees if one in tree], [tree for tree in trees if other in tree]
            trees = [tree for tree in trees if tree not in (first, second)] + [first | second]
        if len(trees) == len(clues) - size * size and all(clue in (None, found) for clue, found in zip(clues, met, strict=True)):
            kept.append(list(grid))
    return kept


@pytest.mark.parametrize("seed", range(12))
def test_a_second_filling_is_found_exactly_where_there_is_one(seed: int) -> None:
    rng, size = random.Random(seed), 3
    known = rng.choice(fillings(size, (None,) * (size + 1) ** 2))
    joined = [ends(cell, diagonal, size) for cell, diagonal in enumerate(known)]
    share = rng.choice((0.2, 0.5, 0.8, 1.0))
    clues = tuple(sum(corner in pair for pair in joined) if rng.random() < share else None for corner in range((size + 1) ** 2))
    others = [grid for grid in fillings(size, clues) if grid != known]
    found = other_filling(size, clues, known)
    assert found in others if others else found is None


def holds(body: list[Any], person: int, world: tuple[tuple[bool, ...], ...]) -> bool:
    """Is a body true of a person, in a world that says which predicates each person has?"""
    kind, *parts = body
    if kind == "not":
        return not holds(parts[0], person, world)
    if kind == "if":
        return not all(holds(["is", literal], person, world) for literal in parts[0]) or holds(parts[1], person, world)
    values = [world[person if owner is None else owner][predicate] is affirmed for predicate, affirmed, owner in parts]
    return {"is": all, "and": all, "or": any, "xor": lambda both: both[0] is not both[1]}[kind](values)


@pytest.mark.parametrize("seed", range(60))
def test_sentences_have_a_model_exactly_where_one_of_all_small_worlds_is_one(seed: int) -> None:
    rng = random.Random(seed)

    def body(owner: int | None) -> list[Any]:
        kind = rng.choice(("is", "and", "or", "xor", "if", "not"))
        literal = [[predicate, rng.random() < 0.5, owner] for predicate in rng.sample(range(2), 2)]
        simple = ["is", literal[0]]
        return {"is": simple, "not": ["not", simple], "if": ["if", [literal[0]], ["is", literal[1]]]}.get(kind, [kind, *literal])

    kinds = [rng.choice(("all", "some", "named", "named")) for _ in range(6)]
    sentences = [[kind, body(rng.randrange(2) if kind == "named" else None)] for kind in kinds]
    people = 6  # the two named, and one of each of the four kinds that two predicates make
    quantified = {"all": all, "some": any}

    def true_in(world: tuple[tuple[bool, ...], ...]) -> bool:
        return all(
            holds(said, -1, world) if kind == "named" else quantified[kind](holds(said, person, world) for person in range(len(world)))
            for kind, said in sentences
        )

    worlds = (world for size in range(2, people + 1) for world in product(product((False, True), repeat=2), repeat=size))
    assert has_model(sentences, 2) is any(map(true_in, worlds))


def test_words_of_a_filled_grid_are_listed_distinct_and_agree_where_they_cross() -> None:
    rows, columns = (0, 2), (1, 3)
    words = next(found for seed in range(20) if (found := _crossword.filled(random.Random(seed), 4, 5, rows, columns)))
    across, down = words[:2], words[2:]
    assert len(set(words)) == 4
    assert set(words) <= _crossword.clues().keys()
    assert [len(word) for word in words] == [5, 5, 4, 4]
    assert all(across[i][column] == down[k][row] for i, row in enumerate(rows) for k, column in enumerate(columns))
