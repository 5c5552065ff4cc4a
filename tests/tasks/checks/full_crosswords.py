"""An independent judge of crossword answers: reads the word list itself, looks every clue up, and lays the words into the grid."""

from __future__ import annotations

from pathlib import Path

import thinkwell.tasks.puzzles.grid as home
from thinkwell.tasks.puzzle import Item

LIST = Path(home.__path__[0]) / "crossword_words.txt"
CLUES = dict(line.split("\t") for line in LIST.read_text().splitlines() if "\t" in line)


def check(answer: str, item: Item) -> bool:
    lines = {}
    for line in answer.lower().splitlines():
        head, _, rest = line.partition(":")
        if line.strip():
            lines[head.strip()] = ["".join(char for char in word if char.isalpha()) for word in rest.split(",")]
    if set(lines) != {"across", "down"}:
        return False
    grid = [list(row) for row in item.meta["grid"]]
    rows = [r for r, row in enumerate(grid) if "*" not in row]
    columns = [c for c, column in enumerate(zip(*grid, strict=True)) if "*" not in column]
    if len(rows) != len(lines["across"]) or len(columns) != len(lines["down"]):
        return False
    places = [[(r, c) for c in range(len(grid[0]))] for r in rows] + [[(r, c) for r in range(len(grid))] for c in columns]
    words, clues = lines["across"] + lines["down"], item.meta["across"] + item.meta["down"]
    for cells, word, clue in zip(places, words, clues, strict=True):
        if CLUES.get(word) != clue or len(cells) != len(word):
            return False
        for (r, c), letter in zip(cells, word, strict=True):
            if grid[r][c] not in ("_", letter):
                return False
            grid[r][c] = letter
    return not any("_" in row for row in grid)
