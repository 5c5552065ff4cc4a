"""An independent judge of binario answers, written from the rules alone."""

from __future__ import annotations

from itertools import groupby

from thinkwell.tasks.puzzle import Item


def check(answer: str, item: Item) -> bool:
    board = item.meta["board"]
    if not item.meta["solvable"]:
        return [word.strip(".!").lower() for word in answer.split()] == ["no", "solution"]
    n = len(board)
    if any(char not in "01 \n,|[](){}\"';&`\t" for char in answer):
        return False
    cells = [char for char in answer if char in "01"]
    if len(cells) != n * n:
        return False
    rows = [cells[n * i : n * (i + 1)] for i in range(n)]
    columns = [cells[i::n] for i in range(n)]
    fits = all(given in ("_", cell) for given, cell in zip("".join(board), cells, strict=True))
    balanced = all(line.count("0") == n // 2 for line in rows + columns)
    no_triples = all(len(list(run)) < 3 for line in rows + columns for _, run in groupby(line))
    distinct = all(len({tuple(line) for line in lines}) == n for lines in (rows, columns))
    return fits and balanced and no_triples and distinct
