"""Maze: go from S, the top left cell of a square grid, to E, the bottom right one, by steps up, down, left or right, never onto a blocked cell B; or say that no path exists.

Any path counts, shortest or not, also one that comes by a cell twice. The original's grids are all 5x5, with 15 to 55 % of the cells blocked, drawn with replacement: its harder
levels have more mazes without a path (6, 26 and 62 %), but those with one are no harder to walk through. Here the grid grows, and the share without a path is a knob. The
original's verifier is ours.
"""

from __future__ import annotations

import random

from pydantic import Field, model_validator

from thinkwell.core.config import Knobs
from thinkwell.tasks.puzzle import RIGHT, Drawn, Item, Puzzle, Redraw, Refused, Score, ask, register
from thinkwell.tasks.reading import Cell, pairs, says

NONE = "no path exists"
TRIES = 500


class Config(Knobs):
    size: int = Field(5, ge=3, le=12)
    """Rows and columns of the grid, 3 to 12."""
    min_blocked: int = Field(3, ge=1, le=100)
    """Fewest blocked cells, 1 to 100."""
    max_blocked: int = Field(6, ge=1, le=100)
    """Most blocked cells, 1 to 100; a path needs 2 * size - 1 free ones, and none is cut off by fewer than 2."""
    no_path_share: float = Field(0.1, ge=0.0, le=1.0)
    """Share of mazes without a path, 0 to 1."""

    @model_validator(mode="after")
    def _possible(self) -> Config:
        most = self.size**2 - 2 * self.size + 1
        if self.min_blocked > self.max_blocked:
            raise ValueError(f"min_blocked={self.min_blocked} is above max_blocked={self.max_blocked}")
        if self.max_blocked > most:
            raise ValueError(f"max_blocked={self.max_blocked} leaves no path in a grid of {self.size}x{self.size}; expected at most {most}")
        if self.no_path_share > 0 and self.max_blocked < 2:
            raise ValueError(f"max_blocked={self.max_blocked} always leaves a path; expected 2 or more, or no_path_share=0")
        return self


LEVELS = {
    "easy": {"size": 5, "min_blocked": 3, "max_blocked": 6, "no_path_share": 0.1},
    "medium": {"size": 7, "min_blocked": 14, "max_blocked": 19, "no_path_share": 0.2},
    "hard": {"size": 9, "min_blocked": 28, "max_blocked": 34, "no_path_share": 0.3},
}


def generate(rng: random.Random, config: Config) -> Drawn:
    """Block random cells until there is a path, or none, as the share has it."""
    n = config.size
    wanted = rng.random() >= config.no_path_share
    count = rng.randint(config.min_blocked if wanted else max(config.min_blocked, 2), config.max_blocked)
    for _ in range(TRIES):
        blocked = set(rng.sample(range(1, n * n - 1), count))
        path = _path(n, blocked)
        if (path is not None) is wanted:
            break
    else:
        raise Redraw
    grid = [
        ["S" if not place else "E" if place == n * n - 1 else "B" if place in blocked else "." for place in range(n * row, n * row + n)]
        for row in range(n)
    ]
    board = f"The maze, {n} rows of {n} cells:\n" + "\n".join(map(" ".join, grid))
    prompt = ask(rng.choice(OPENINGS), RULES.format(n=n), board, FORM.format(n=n), EXAMPLE)
    gold = NONE if path is None else "->".join(f"({place // n + 1},{place % n + 1})" for place in path)
    return Drawn(prompt, gold, {"grid": ["".join(row) for row in grid], "exists": wanted}, _canonical(n, blocked))


def verify(answer: str, item: Item) -> Score:
    """Walks the path."""
    if says(answer, NONE):
        if item.meta["exists"]:
            raise Refused("there is a path")
        return RIGHT
    grid, path = item.meta["grid"], pairs(answer)
    n = len(grid)
    if not path or path[0] != (1, 1):
        raise Refused("the path must begin at (1,1)")
    if path[-1] != (n, n):
        raise Refused(f"the path must end at ({n},{n})")
    for number, (row, column) in enumerate(path):
        if not (1 <= row <= n and 1 <= column <= n):
            raise Refused(f"({row},{column}) is outside the maze")
        if grid[row - 1][column - 1] == "B":
            raise Refused(f"({row},{column}) is blocked")
        if number and abs(row - path[number - 1][0]) + abs(column - path[number - 1][1]) != 1:
            raise Refused(
                f"step {number} goes from ({path[number - 1][0]},{path[number - 1][1]}) to ({row},{column}), which is not the next cell"
            )
    return RIGHT


def solve(item: Item) -> str:
    """Depth first, with the wall at one's hand: down and right before up and left."""
    grid = item.meta["grid"]
    n = len(grid)
    path: list[Cell] = [(0, 0)]
    seen = {(0, 0)}
    while path and path[-1] != (n - 1, n - 1):
        row, column = path[-1]
        ahead = [(row + 1, column), (row, column + 1), (row - 1, column), (row, column - 1)]
        step = next((c for c in ahead if c not in seen and 0 <= c[0] < n and 0 <= c[1] < n and grid[c[0]][c[1]] != "B"), None)
        if step is None:
            path.pop()
        else:
            seen.add(step)
            path.append(step)
    return "->".join(f"({row + 1},{column + 1})" for row, column in path) or NONE


def form(answer: str) -> str:
    if says(answer, NONE):
        return NONE
    if not (path := pairs(answer)):
        raise Refused("the path is empty")
    return "->".join(f"({row},{column})" for row, column in path)


def draw(item: Item) -> str:
    """The grid as an SVG picture, 40 pixels a cell, blocked cells dark."""
    grid = item.meta["grid"]
    size = 40 * len(grid) + 4
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}" font-family="sans-serif" font-size="22" text-anchor="middle">'
    ]
    parts.append(f'<rect width="{size}" height="{size}" fill="white"/>')
    for row, cells in enumerate(grid):
        for column, cell in enumerate(cells):
            x, y = 2 + 40 * column, 2 + 40 * row
            parts.append(f'<rect x="{x}" y="{y}" width="40" height="40" fill="{"#444" if cell == "B" else "white"}" stroke="black"/>')
            if cell in "SE":
                parts.append(f'<text x="{x + 20}" y="{y + 28}" fill="black">{cell}</text>')
    return "".join([*parts, "</svg>"])


def _path(n: int, blocked: set[int]) -> list[int] | None:
    """A shortest path from the first to the last place, breadth first; None if there is none."""
    came = {0: 0}
    front = [0]
    while front and n * n - 1 not in came:
        grown = []
        for place in front:
            column = place % n
            for step, inside in ((-n, place >= n), (n, place < n * n - n), (-1, column > 0), (1, column < n - 1)):
                if inside and (after := place + step) not in came and after not in blocked:
                    came[after] = place
                    grown.append(after)
        front = grown
    if n * n - 1 not in came:
        return None
    path = [n * n - 1]
    while path[-1]:
        path.append(came[path[-1]])
    return path[::-1]


def _canonical(n: int, blocked: set[int]) -> str:
    """The same for a maze, its mirror images along both diagonals, and the maze turned upside down."""
    cells = [divmod(place, n) for place in blocked]
    copies = [cells, [(c, r) for r, c in cells], [(n - 1 - r, n - 1 - c) for r, c in cells], [(n - 1 - c, n - 1 - r) for r, c in cells]]
    return f"{n} " + " ".join(str(n * r + c) for r, c in min(map(sorted, copies)))


OPENINGS = (
    "Find a way through this maze.",
    "Here is a maze. Give a path from S to E, or say that there is none.",
    "Can you get from S to E in the maze below? If so, say how.",
    "Lead me from the start S to the exit E of this maze, if that is possible.",
)
RULES = (
    "Rules: one step leads to the next cell up, down, left or right, never diagonally and never out of the maze. S is the start, E the end, a dot is a free cell, and cells marked "
    "B are blocked. Cells are written (row,column), both counted from 1: S is (1,1) and E is ({n},{n}). Any path from S to E will do; it need not be the shortest."
)
FORM = "all cells of the path in order, from (1,1) to ({n},{n}), joined by ->; or the sentence: no path exists."
EXAMPLE = "(1,1)->(2,1)->(2,2)->(2,3)->(3,3)"

register(
    Puzzle(
        "puzzles/maze",
        "graph",
        "find a way through a maze, or say that there is none",
        Config,
        LEVELS,
        generate,
        verify,
        solve,
        form,
        draw=draw,
    )
)
