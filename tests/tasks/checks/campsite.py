"""An independent judge of campsite answers: pairs are tried one by one."""

from __future__ import annotations

from thinkwell.tasks.puzzle import Item


def check(answer: str, item: Item) -> bool:
    board = item.meta["board"]
    height, width = len(board), len(board[0])
    if any(char not in ".X* \n,|[](){}\"';&`\t" for char in answer):
        return False
    cells = [char for char in answer if char in ".X*"]
    if len(cells) != height * width:
        return False
    places = {symbol: [divmod(i, width) for i, cell in enumerate(cells) if cell == symbol] for symbol in "X*"}
    trees, tents = places["X"], places["*"]
    if trees != [divmod(i, width) for i, cell in enumerate("".join(board)) if cell == "X"] or len(trees) != len(tents):
        return False
    if [sum(tent[0] == row for tent in tents) for row in range(height)] != item.meta["rows"]:
        return False
    if [sum(tent[1] == column for tent in tents) for column in range(width)] != item.meta["columns"]:
        return False
    if any(a != b and (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 <= 2 for a in tents for b in tents):
        return False

    def paired(left: list[tuple[int, int]], free: list[tuple[int, int]]) -> bool:
        if not left:
            return True
        near = [tent for tent in free if abs(tent[0] - left[0][0]) + abs(tent[1] - left[0][1]) == 1]
        return any(paired(left[1:], [tent for tent in free if tent != taken]) for taken in near)

    return paired(trees, tents)
