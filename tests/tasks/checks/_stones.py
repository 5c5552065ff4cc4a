"""An independent judge of the four stone games: boards built from coordinates, histories replayed, labels by counting on sets of points. No code of the games is used."""

from __future__ import annotations

from itertools import combinations

from thinkwell.tasks.puzzle import Item

Point = tuple[int, ...]


def grid(rows: list[str]) -> dict[str, Point]:
    return {label: (x, y) for y, row in enumerate(rows) for x, label in enumerate(row)}


def straight(points: dict[str, Point], columns: range) -> set[frozenset[str]]:
    """Three in a row, column or diagonal within a 3x3 window of columns: three points with equal steps between neighbours."""
    inside = {label: at for label, at in points.items() if at[0] in columns}
    found = set()
    for three in combinations(sorted(inside, key=lambda label: inside[label]), 3):
        (a, b), (c, d), (e, f) = (inside[label] for label in three)
        if (c - a, d - b) == (e - c, f - d) and max(abs(c - a), abs(d - b)) == 1:
            found.add(frozenset(three))
    return found


def squares(points: dict[str, Point]) -> set[frozenset[str]]:
    """Four points whose six distances are those of a square of side 1 or sqrt 2."""
    at = {place: label for label, place in points.items()}
    found = set()
    for x, y in at:
        for step, turn in (((1, 0), (0, 1)), ((1, 1), (-1, 1))):
            corners = [
                (x, y),
                (x + step[0], y + step[1]),
                (x + turn[0], y + turn[1]),
                (x + step[0] + turn[0], y + step[1] + turn[1]),
            ]
            if all(corner in at for corner in corners):
                found.add(frozenset(at[corner] for corner in corners))
    return found


def planes(points: dict[str, Point], *, diagonals: bool) -> set[frozenset[str]]:
    """Faces (and planes through two opposite edges) of two unit cubes side by side along the first axis."""
    found = set()
    for left in (0, 1):
        cube = {label: at for label, at in points.items() if at[0] - left in (0, 1)}
        for four in combinations(cube, 4):
            corners = [(cube[label][0] - left, *cube[label][1:]) for label in four]
            sums = [sum(corner[axis] for corner in corners) for axis in range(3)]
            face = any(total in (0, 4) for total in sums)
            crossed = any(
                all((corner[i] == corner[j]) is same for corner in corners) for i, j in ((0, 1), (0, 2), (1, 2)) for same in (True, False)
            )
            if face or (diagonals and crossed and not face):
                found.add(frozenset(four))
    return found


def right_moves(points: set[str], sets: set[frozenset[str]], item: Item) -> set[str]:
    history = item.meta["history"]
    assert len(set(history)) == len(history)
    stones = [set(history[0::2]), set(history[1::2])]
    mine, theirs = stones[len(history) % 2], stones[1 - len(history) % 2]
    assert not any(line <= mine or line <= theirs for line in sets), "somebody has won already"
    free = points - mine - theirs

    def finishing(own: set[str], other: set[str]) -> set[str]:
        return {point for point in points - own - other if any(line <= own | {point} for line in sets)}

    verdict = item.meta["verdict"]
    now, danger = finishing(mine, theirs), finishing(theirs, mine)
    if now:
        assert verdict == "win"
        return now
    if danger:
        assert verdict == "blocked"
        assert len(danger) == 1
        return danger
    assert verdict == "fork"
    return {point for point in free if len(finishing(mine | {point}, theirs)) >= 2}


def judged(answer: str, item: Item, points: dict[str, Point], sets: set[frozenset[str]]) -> bool:
    letters = [char for char in answer.upper() if char.isalpha()]
    return len(letters) == 1 and letters[0] in right_moves(set(points), sets, item)
