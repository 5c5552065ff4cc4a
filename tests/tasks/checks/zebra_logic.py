"""An independent judge of zebra tables: positions by name, every clue read from its meaning."""

from __future__ import annotations

from thinkwell.tasks.puzzle import Item


def check(answer: str, item: Item) -> bool:
    meta = item.meta
    n = len(meta["items"][0])
    names = [(kind.lower(), name.lower()) for kind, items in zip(meta["kinds"], meta["items"], strict=True) for name in items]
    rows = [[cell.strip().lower() for cell in line.strip().strip("|").split("|")] for line in answer.splitlines() if line.strip(" |-:")]
    rows = [row for row in rows if [cell for cell in row if cell] != [str(i + 1) for i in range(n)]]
    where = {(row[0], name): position for row in rows for position, name in enumerate(row[1:], 1)}
    if len(rows) != len(meta["kinds"]) or set(where) != set(names) or any(len(row) != n + 1 for row in rows):
        return False
    return all(true(clue[0], [where[names[i]] for i in clue[1:]], n) for clue in meta["clues"])


def true(said: str, at: list[int], n: int) -> bool:
    if said == "middle":
        return at[0] - 1 == n - at[0]
    if said == "between":
        return abs(at[1] - at[2]) == 2 and at[1] + at[2] == 2 * at[0]
    gap = at[1] - at[0]
    return {"same": gap == 0, "left": gap == 1, "right": gap == -1, "before": gap > 0, "after": gap < 0}[said]
